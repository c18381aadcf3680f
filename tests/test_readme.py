"""The README's table of settings is the settings: each one once, with its default, and none that is not there.

`streamapp config show --markdown` prints the table to paste.
"""

import re
from pathlib import Path

import pytest

from streamapp.config.names import LEAVES
from streamapp.config.table import default_of, meaning_of, settings_table

README = Path(__file__).parent.parent / "README.md"
ROW = re.compile(r"^\| `(?P<name>[a-z_.]+)` \| (?P<default>.*?) ?\| (?P<meaning>.*) \|$", re.MULTILINE)


def rows(text: str) -> list[tuple[str, str, str]]:
    """The rows whose first cell is the name of a setting, or looks like one: `section.key`."""
    sections = {name.partition(".")[0] for name in LEAVES}
    found = [(row["name"], row["default"], row["meaning"]) for row in ROW.finditer(text)]
    return [row for row in found if row[0] in LEAVES or ("." in row[0] and row[0].partition(".")[0] in sections)]


def test_the_table_that_is_printed_can_be_read_back() -> None:
    assert rows(settings_table()) == [(name, default_of(name), meaning_of(name)) for name in LEAVES]


@pytest.fixture(scope="module")
def table() -> list[tuple[str, str, str]]:
    return rows(README.read_text(encoding="utf-8"))


def test_the_readme_names_every_setting_once_and_no_other(table: list[tuple[str, str, str]]) -> None:
    assert [name for name, _, _ in table] == list(LEAVES)


def test_the_readme_says_every_default_and_meaning_as_it_is(table: list[tuple[str, str, str]]) -> None:
    assert table == [(name, default_of(name), meaning_of(name)) for name in LEAVES]
