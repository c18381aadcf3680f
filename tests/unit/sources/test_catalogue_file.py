import pytest

from streamapp.errors import ConfigurationError
from streamapp.sources.catalogue_file import read_catalogue


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "catalogue"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_catalogue(path, **options)

    return read


def test_all_columns_of_a_csv_file_are_taken(read):
    (product,) = read('id,name,description,category,price\nK1,Kettle,"Boils, quickly.",Kitchen,19.99\n')
    assert (product.id, product.name, product.description, product.category, product.price) == (
        "K1", "Kettle", "Boils, quickly.", "Kitchen", 19.99,
    )  # fmt: skip


def test_a_name_is_enough_and_id_and_price_stay_the_same_from_run_to_run(read):
    first, again = read("name\nKettle\n", seed=4), read("name\nKettle\n", seed=4)
    assert first == again
    assert first[0].id
    assert first[0].price > 0
    assert read("name\nKettle\n", seed=5)[0].id == first[0].id


def test_json_lines_are_taken_too(read):
    one, two = read('{"name": "Kettle", "price": 5, "colour": "red"}\n\n{"id": 7, "name": "Teapot"}\n')
    assert (one.name, one.price, two.id) == ("Kettle", 5.0, "7")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname;price\r\nKettle;19,99\r\n",
        "Name \tPRICE\nKettle\t19.99\n",
        "price,name\n\n19.990,Kettle\n,,\n",
    ],
)
def test_what_spreadsheets_make_of_csv_is_tolerated(read, content):
    (product,) = read(content)
    assert (product.name, product.price) == ("Kettle", 19.99)


def test_a_line_break_inside_quotes_is_part_of_the_text(read):
    one, two = read('name,description\nKettle,"two\nlines"\nTeapot,x\n')
    assert (one.description, two.name) == ("two\nlines", "Teapot")


def test_rows_without_an_id_that_repeat_a_name_count_once(read):
    assert len(read("name\nKettle\nTeapot\nKettle\n")) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no products"),
        ("name,price\n", "no products"),
        ("title,price\nKettle,1\n", "line 1: there is no column called name"),
        ("name,price\nKettle,1\n,2\n", "line 3: the name is missing"),
        ("name,price\nKettle,cheap\n", "line 2: the price 'cheap'"),
        ("name,price\nKettle,-1\n", "line 2: the price"),
        ("name,price\nKettle,nan\n", "line 2: the price"),
        ("name,price\nKettle,1,2\n", "line 2: 3 cells under 2 columns"),
        ('name\n"Kettle\n', "line 2: the row cannot be read"),
        ("id,name\n1,Kettle\n1,Teapot\n", "line 3: the id '1'"),
        (b"name\nKettle\nCafeti\xe8re\n", "line 3: the text is not UTF-8"),
        ('{"name": "Kettle"}\n{"name":\n', "line 2: this is not JSON"),
        ('{"name": "Kettle"}\n[1]\n', "line 2: this is not a JSON object"),
        ('{"name": 5}\n', "line 1: the name is not a text"),
        ('{"name": "Kettle", "price": true}\n', "line 1: the price 'True'"),
        ('{"name": "%s"}\n' % ("k" * 20_001), "line 1: the name is over"),
    ],
)
def test_a_bad_file_is_refused_by_line_with_a_hint(read, content, words):
    with pytest.raises(ConfigurationError) as caught:
        read(content)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_catalogue(tmp_path / "none.csv")
