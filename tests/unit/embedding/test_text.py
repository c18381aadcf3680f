"""The text of a product, and the key of a text."""

from streamapp.embedding.text import TEXT_LIMIT, content_key, product_text
from streamapp.events import Product


def test_a_product_is_its_name_description_and_category_on_one_line() -> None:
    product = Product("1", "Garden  hose\n", "20 m,\tgreen.", "Garden", 12.5)
    assert product_text(product) == "Garden hose. 20 m, green. Garden"


def test_parts_that_are_not_there_leave_no_trace() -> None:
    assert product_text(Product("1", "Hose")) == "Hose"
    assert product_text(Product("1", "Hose", " . ", "Garden")) == "Hose. Garden"


def test_price_and_id_do_not_change_the_text() -> None:
    assert product_text(Product("1", "Hose", price=1.0)) == product_text(Product("2", "Hose", price=None))


def test_a_long_description_is_cut_to_what_a_model_reads() -> None:
    text = product_text(Product("1", "Hose", "green " * 100_000, "Garden"))
    assert len(text) <= TEXT_LIMIT
    assert text.startswith("Hose. green green")


def test_keys_differ_by_text_and_by_revision_and_have_sixteen_bytes() -> None:
    keys = {content_key("a", "x"), content_key("a", "y"), content_key("b", "x"), content_key("a", "")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {16}


def test_a_key_is_the_same_in_every_process() -> None:
    assert content_key("minilm", "Garden hose").hex() == "b538ec5a06cf35f4c6a734c1585b7a7a"
