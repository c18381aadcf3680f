from collections import Counter

from streamapp.sources.catalogue import synthetic_catalogue

PRODUCTS = synthetic_catalogue(7)


def test_the_same_seed_gives_the_same_catalogue_and_another_seed_another():
    assert synthetic_catalogue(7) == PRODUCTS
    assert synthetic_catalogue(8) != PRODUCTS


def test_there_are_about_three_thousand_products_over_far_fewer_texts():
    texts = Counter((product.name, product.description, product.category) for product in PRODUCTS)
    assert 2_700 <= len(PRODUCTS) <= 3_700
    assert 900 <= len(texts) <= 1_300
    assert max(texts.values()) >= 5


def test_ids_are_unique_and_prices_positive_with_two_decimals():
    assert len({product.id for product in PRODUCTS}) == len(PRODUCTS)
    assert all(product.price and product.price == round(product.price, 2) > 0 for product in PRODUCTS)


def test_the_words_that_people_search_for_fit_many_products_of_many_texts():
    for words in ("wireless headphones", "running shoes", "coffee machine"):
        names = {product.name for product in PRODUCTS if words in product.name.lower()}
        assert len(names) >= 10, words


def test_every_text_is_a_natural_one():
    for product in PRODUCTS:
        assert product.description.endswith(".")
        assert 40 < len(product.description) < 400
        assert product.category
