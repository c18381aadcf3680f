"""Someone's own catalogue: a CSV file or JSON lines, turned into products.

In: a path; columns id, name, description, category, price, of which only the name is needed. Out: `events.Product`s.
The trap: spreadsheets — byte order marks, semicolons, decimal commas and blank rows are taken as they come.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, NoReturn, cast

import msgspec

from streamapp.errors import ConfigurationError
from streamapp.events import Product

_FIELDS = ("id", "name", "description", "category", "price")
_MOST_CHARS = 20_000
"""A longer text would be a dead letter in every event (EventSettings.max_text_chars)."""
_MOST_PRICE = 1_000_000.0
_DEFAULT_PRICES = (5.0, 200.0)

Row = tuple[int, Mapping[str, Any]]


def read_catalogue(path: Path, *, seed: int = 0) -> list[Product]:
    """The products of a file, in its order.

    A missing id is a digest of the name, a missing price is drawn (by `seed` and name). Rows without an id that repeat
    a name are the same product and count once. Raises ConfigurationError, with file and line, on everything else.
    """
    text = _read(path)
    rows = _json_rows(path, text) if text.lstrip().startswith(("{", "[")) else _csv_rows(path, text)
    products: dict[str, Product] = {}
    for number, row in rows:
        product = _product(path, number, row, seed)
        if product.id in products and row.get("id"):
            _refuse(
                path, number, f"the id {product.id!r} stands in an earlier row too", "Give every product its own id."
            )
        products.setdefault(product.id, product)
    if not products:
        raise ConfigurationError(f"{path} holds no products.", "Write one product per row, with at least a name.")
    return list(products.values())


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        _refuse(path, line, "the text is not UTF-8", "Save the file as UTF-8 (in a spreadsheet: CSV UTF-8).", error)
    except OSError as error:
        raise ConfigurationError(
            f"The catalogue {path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    decoder = msgspec.json.Decoder()
    # Not splitlines(): JSON texts may hold line separators that it would split at.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            _refuse(path, number, f"this is not JSON ({error})", "Write one JSON object per line.", error)
        if not isinstance(row, dict):
            _refuse(path, number, "this is not a JSON object", 'Write one object per line, as in {"name": "Kettle"}.')
        yield number, row


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            _refuse(
                path, number, f"the row cannot be read ({error})", "Put quotes around texts, and double quotes in them."
            )
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(path, number, cells)
        elif len(cells) > len(columns):
            _refuse(
                path,
                number,
                f"{len(cells)} cells under {len(columns)} columns",
                "Put quotes around texts that hold the separator.",
            )
        else:
            yield number, dict(zip(columns, cells, strict=False))


def _columns(path: Path, number: int, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    if "name" not in columns:
        _refuse(
            path,
            number,
            f"there is no column called name among {columns}",
            f"Begin with a row of column names: {','.join(_FIELDS)}.",
        )
    return columns


def _product(path: Path, number: int, row: Mapping[str, Any], seed: int) -> Product:
    values = {field: _text(path, number, row, field) for field in _FIELDS[:-1]}
    name = values["name"]
    if not name:
        _refuse(path, number, "the name is missing", "Give every product a name, or take the row out.")
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    price = _price(path, number, row.get("price"))
    if price is None:
        price = _draw_price(seed, digest)
    return Product(values["id"] or f"p-{digest}", name, values["description"], values["category"], price)


def _text(path: Path, number: int, row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if field == "id" and type(value) is int:
        return str(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        _refuse(path, number, f"the {field} is not a text", f"Put the {field} in quotes.")
    if len(value) > _MOST_CHARS or "\0" in value:
        _refuse(
            path,
            number,
            f"the {field} is over {_MOST_CHARS:,} characters or holds a NUL",
            f"Shorten or clean the {field}.",
        )
    return value.strip()


def _price(path: Path, number: int, value: object) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    price = _number(value)
    if not 0 <= price <= _MOST_PRICE:
        _refuse(
            path,
            number,
            f"the price {str(value)[:40]!r} is not a number from 0 to {_MOST_PRICE:,.0f}",
            "Write it as 19.99, without a currency.",
        )
    return round(price, 2)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    text = str(value).strip()
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return math.nan


def _draw_price(seed: int, digest: str) -> float:
    low, high = _DEFAULT_PRICES
    share = Random(f"price {seed} {digest}").random()  # noqa: S311 - test data, not secrets
    return cast("float", round(low * (high / low) ** share, 2))


def _refuse(path: Path, line: int, what: str, hint: str, cause: Exception | None = None) -> NoReturn:
    raise ConfigurationError(f"{path}, line {line}: {what}.", hint) from cause
