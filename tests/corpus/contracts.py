"""The settings that lines name, and lines for topics that are not ours."""

from collections.abc import Iterator
from typing import Any

from corpus.line import SECONDS, Entry, Raw, entry, event, fields, write

SETTINGS: dict[str, dict[str, Any]] = {
    "strict": {"contract": "strict"},
    "lenient": {"contract": "lenient"},
    "mapped": {
        "fields": {
            "event_id": "id",
            "timestamp": "meta.at",
            "user_id": "visitor.id",
            "event_type": "what",
            "session_id": "visitor.visit",
            "product.id": "item.sku",
            "product.name": "item.title",
            "product.description": "item.text",
            "product.category": "item.shelf",
            "product.price": "item.cost",
        }
    },
}


def lenient() -> Iterator[Entry]:
    """Someone else's topic in our names: ids of any kind, and only what is needed."""
    yield fields("lenient: plain", "event", contract="lenient", out={"timestamp": SECONDS})
    yield fields(
        "lenient: id of any kind", "event", contract="lenient", event_id="order#1", out={"event_id": "order#1"}
    )
    yield fields("lenient: number as id", "event", contract="lenient", event_id=4711, out={"event_id": "4711"})
    yield fields("lenient: number as user", "event", contract="lenient", user_id=-7, out={"user_id": "-7"})
    for name in ("session_id", "product_description", "product_category", "product_price"):
        yield fields(f"lenient: no {name}", "event", contract="lenient", **{name: None})
        yield fields(f"lenient: null {name}", "event", contract="lenient", **{name: Raw("null")})

    yield fields("lenient: no product id", "event", contract="lenient", product_id=None)
    for name in ("event_id", "timestamp", "user_id", "event_type", "product", "product_name"):
        yield fields(f"lenient: no {name}", "missing_field", contract="lenient", **{name: None})
    for name in ("event_id", "user_id", "product_name"):
        yield fields(f"lenient: null {name}", "wrong_type", contract="lenient", **{name: Raw("null")})
        yield fields(f"lenient: empty {name}", "empty_field", contract="lenient", **{name: ""})
        yield fields(f"lenient: {name} of 30 digits", "wrong_type", contract="lenient", **{name: Raw("9" * 30)})
        yield fields(f"lenient: fraction as {name}", "wrong_type", contract="lenient", **{name: 1.5})
        yield fields(f"lenient: true as {name}", "wrong_type", contract="lenient", **{name: True})
    for raw in ('"19.99"', "true", "[]"):
        yield fields(f"lenient: price {raw}", "wrong_type", contract="lenient", product_price=Raw(raw))
    for raw in ("-1", "1e12", "1e999", "9" * 400):
        yield fields(f"lenient: price {raw[:40]}", "price_out_of_range", contract="lenient", product_price=Raw(raw))
    for raw in ("true", "null", "[]", "{}"):
        yield fields(f"lenient: time {raw}", "wrong_type", contract="lenient", timestamp=Raw(raw))
    for raw in ('"yesterday"', '"2025-06-01T12:00:00"', '"1748779200"', '"2025-06-01"', '""'):
        yield fields(f"lenient: time {raw}", "bad_timestamp", contract="lenient", timestamp=Raw(raw))
    for raw in ("0", "1748779200000", "9" * 400, "1e999", '"1970-01-01T00:00:00Z"', '"0001-01-01T00:00:00+23:59"'):
        yield fields(f"lenient: time {raw[:40]}", "timestamp_out_of_range", contract="lenient", timestamp=Raw(raw))
    yield fields("lenient: epoch", "event", contract="lenient", timestamp=1748779200, out={"timestamp": SECONDS})
    yield fields("lenient: upper-case type", "bad_event_type", contract="lenient", event_type="PAGE_VIEW")
    yield fields("lenient: half a pair", "bad_character", contract="lenient", product_name=Raw('"\\ud800"'))
    yield fields("lenient: half a pair as time", "bad_timestamp", contract="lenient", timestamp=Raw('"\\ud800"'))
    yield fields("lenient: NUL", "bad_character", contract="lenient", user_id=Raw('"\\u0000"'))
    yield entry("lenient: key twice", "duplicate_key", b'{"a":1,"a":1}', contract="lenient")
    yield entry("lenient: array", "not_an_object", b"[]", contract="lenient")
    yield entry("lenient: not JSON", "not_json", b"hello", contract="lenient")
    yield entry("lenient: empty", "empty", b"", contract="lenient")


def mapped() -> Iterator[Entry]:
    """Someone else's topic in their names."""
    theirs: dict[str, Any] = {
        "id": 17,
        "meta": {"at": 1748779200},
        "visitor": {"id": "v-1", "visit": "w-1"},
        "what": "purchase",
        "item": {"sku": 5, "title": "Kettle", "text": "Boils.", "shelf": "Kitchen", "cost": 30},
    }
    out = {"event_id": "17", "timestamp": SECONDS, "user_id": "v-1", "product_id": "5", "name": "Kettle", "price": 30.0}

    def line(name: str, expect: str, changes: dict[str, Any], out: Any = None) -> Entry:
        return entry(f"mapped: {name}", expect, write(theirs | changes).encode(), contract="mapped", out=out)

    yield line("plain", "event", {}, out)
    yield line("with our names as extra fields", "event", {"event_id": "x", "product": 1, "timestamp": "now"}, out)
    yield line("only the title", "event", {"item": {"title": "Kettle"}}, {"name": "Kettle", "price": None})
    yield line("no title", "missing_field", {"item": {"sku": 5}})
    yield line("a list for an object", "missing_field", {"item": [{"title": "Kettle"}]})
    yield line("null for an object", "missing_field", {"visitor": Raw("null")})
    yield line("a time that is none", "bad_timestamp", {"meta": {"at": "noon"}})
    yield line("a price in quotes", "wrong_type", {"item": {"title": "Kettle", "cost": "30"}})
    yield line("the title is a number", "event", {"item": {"title": 501}}, {"name": "501"})
    yield entry("mapped: an event in our names", "missing_field", write(event()).encode(), contract="mapped")
