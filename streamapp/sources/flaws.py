"""Bad input of every kind, each with the reason that a dead letter of it must bear.

One flaw per record: the rest of the record is a good event, so that the expected reason does not hang on the order
in which a decoder checks. `FLAWS` is the list; the reasons are those of the strict contract.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

import msgspec

from streamapp.events import TOMBSTONE_KEY_LIMIT, Reason
from streamapp.sources.record import InvalidNote, Record

Fields = dict[str, Any]
Spoil = Callable[[Fields, Random], bytes | None]
"""Turns a good event, which it may change, into the value of a bad record."""

_LIGHT, _HEAVY = 40, 8
"""Weights: the heavy ones are 200 KB and more, and come about once in 200 invalid records each."""


class Flaw(NamedTuple):
    """A way to be bad; `kind` is a short name, stable, for people who read a manifest."""

    kind: str
    reason: Reason
    spoil: Spoil
    weight: int = _LIGHT
    keyed: bool = True


encode = msgspec.json.Encoder().encode
"""Writes `msgspec.Raw` as it is: that is how NaN, huge numbers and escapes get into an event."""


def _parent(event: Fields, path: str) -> tuple[Fields, str]:
    *parents, last = path.split(".")
    for name in parents:
        event = event[name]
    return event, last


def put(path: str, value: object) -> Spoil:
    """An event in which the field at `path` (a, or product.a) is `value`."""

    def spoil(event: Fields, rng: Random) -> bytes:
        inner, name = _parent(event, path)
        inner[name] = value
        return encode(event)

    return spoil


def raw(path: str, text: str) -> Spoil:
    """An event in which this text, valid JSON or not, stands in place of the field's value."""
    return put(path, msgspec.Raw(text.encode()))


def without(path: str) -> Spoil:
    """An event that lacks a field."""

    def spoil(event: Fields, rng: Random) -> bytes:
        inner, name = _parent(event, path)
        del inner[name]
        return encode(event)

    return spoil


def value(data: bytes | None) -> Spoil:
    """These bytes in place of an event."""
    return lambda event, rng: data


def _cut(event: Fields, rng: Random) -> bytes:
    data = encode(event)
    return data[: rng.randint(1, len(data) - 1)]


def _surrogate_bytes(event: Fields, rng: Random) -> bytes:
    return encode(event).replace(b"Wireless", b"\xed\xa0\x80", 1)


def _latin1(event: Fields, rng: Random) -> bytes:
    event["product"]["name"] = "Cafetière"
    return encode(event).decode().encode("latin-1", "replace")


def _twice(event: Fields, rng: Random) -> bytes:
    return encode(event)[:-1] + b',"user_id":"someone-else"}'


def _product_twice(event: Fields, rng: Random) -> bytes:
    return encode(event).replace(b'"product":{', b'"product":{"name":"Another name",', 1)


def _nested(depth: int) -> Spoil:
    return raw("extra", "[" * depth + "]" * depth)


def _long_text(event: Fields, rng: Random) -> bytes:
    event["product"]["description"] = "word " * rng.randint(4_100, 12_000)
    return encode(event)


def _long_key(event: Fields, rng: Random) -> None:
    event["user_id"] = "u" * (TOMBSTONE_KEY_LIMIT + 1)


def _large(event: Fields, rng: Random) -> bytes:
    # Below Kafka's own limit for a message (1,048,588 bytes), so that it reaches the worker.
    event["product"]["description"] = "word " * rng.randint(60_000, 200_000)
    return encode(event)


def _epoch_milliseconds(event: Fields, rng: Random) -> bytes:
    event["timestamp"] = rng.randint(1_600_000_000_000, 1_800_000_000_000)
    return encode(event)


_HUGE = "9" * 400
_REQUIRED = (
    *("event_id", "timestamp", "user_id", "event_type", "session_id", "product"),
    *("product.id", "product.name", "product.description", "product.category", "product.price"),
)

FLAWS = (
    Flaw("empty value", Reason.EMPTY, value(b"")),
    Flaw("over the size limit", Reason.TOO_LARGE, _large, _HEAVY),
    Flaw("latin-1", Reason.NOT_UTF8, _latin1),
    Flaw("stray bytes", Reason.NOT_UTF8, value(b"\xff\xfe\x00\x80")),
    Flaw("surrogate bytes", Reason.NOT_UTF8, _surrogate_bytes),
    Flaw("not JSON", Reason.NOT_JSON, value(b"hello, is this thing on?")),
    Flaw("not JSON, no key", Reason.NOT_JSON, value(b"<event/>"), keyed=False),
    Flaw("cut off", Reason.NOT_JSON, _cut),
    Flaw("NaN price", Reason.NOT_JSON, raw("product.price", "NaN")),
    Flaw("infinite price", Reason.NOT_JSON, raw("product.price", "Infinity")),
    Flaw("infinite time", Reason.NOT_JSON, raw("timestamp", "-Infinity")),
    Flaw("array", Reason.NOT_AN_OBJECT, value(b"[]")),
    Flaw("null literal", Reason.NOT_AN_OBJECT, value(b"null")),
    Flaw("number", Reason.NOT_AN_OBJECT, value(b"42")),
    Flaw("string", Reason.NOT_AN_OBJECT, value(b'"event"')),
    Flaw("depth 200", Reason.TOO_DEEP, _nested(200)),
    Flaw("depth 100,000", Reason.TOO_DEEP, _nested(100_000), _HEAVY),
    Flaw("key twice", Reason.DUPLICATE_KEY, _twice),
    Flaw("product key twice", Reason.DUPLICATE_KEY, _product_twice),
    *(Flaw(f"no {path}", Reason.MISSING_FIELD, without(path)) for path in _REQUIRED),
    Flaw("price in quotes", Reason.WRONG_TYPE, put("product.price", "19.99")),
    Flaw("boolean price", Reason.WRONG_TYPE, put("product.price", True)),
    Flaw("null price", Reason.WRONG_TYPE, put("product.price", None)),
    Flaw("boolean timestamp", Reason.WRONG_TYPE, put("timestamp", False)),
    Flaw("null timestamp", Reason.WRONG_TYPE, put("timestamp", None)),
    Flaw("number as user", Reason.WRONG_TYPE, put("user_id", 4711)),
    Flaw("null name", Reason.WRONG_TYPE, put("product.name", None)),
    Flaw("list as name", Reason.WRONG_TYPE, put("product.name", ["a", "b"])),
    Flaw("text as product", Reason.WRONG_TYPE, put("product", "P-10001")),
    Flaw("empty event id", Reason.EMPTY_FIELD, put("event_id", "")),
    Flaw("empty user", Reason.EMPTY_FIELD, put("user_id", "")),
    Flaw("blank user", Reason.EMPTY_FIELD, put("user_id", "   ")),
    Flaw("empty product id", Reason.EMPTY_FIELD, put("product.id", "")),
    Flaw("blank name", Reason.EMPTY_FIELD, put("product.name", " \t ")),
    Flaw("text over the limit", Reason.TEXT_TOO_LONG, _long_text, _HEAVY),
    Flaw("lone surrogate", Reason.BAD_CHARACTER, raw("product.name", '"half a \\ud800 pair"')),
    Flaw("lone low surrogate", Reason.BAD_CHARACTER, raw("product.description", '"\\udc00"')),
    Flaw("NUL in name", Reason.BAD_CHARACTER, raw("product.name", '"nothing\\u0000here"')),
    Flaw("NUL in user", Reason.BAD_CHARACTER, raw("user_id", '"user\\u0000"')),
    Flaw("not a UUID", Reason.BAD_EVENT_ID, put("event_id", "event-number-one")),
    Flaw("UUID with a wrong digit", Reason.BAD_EVENT_ID, put("event_id", "8d0d5d36-3f6c-4b41-9b7e-4f8f3fba7dxx")),
    Flaw("upper-case type", Reason.BAD_EVENT_TYPE, put("event_type", "PAGE_VIEW")),
    Flaw("spaced type", Reason.BAD_EVENT_TYPE, put("event_type", "page view")),
    Flaw("long type", Reason.BAD_EVENT_TYPE, put("event_type", "v" * 65)),
    Flaw("naive timestamp", Reason.BAD_TIMESTAMP, put("timestamp", "2025-06-01T12:00:00")),
    Flaw("garbage timestamp", Reason.BAD_TIMESTAMP, put("timestamp", "yesterday, after lunch")),
    Flaw("impossible date", Reason.BAD_TIMESTAMP, put("timestamp", "2025-02-30T12:00:00Z")),
    Flaw("number in quotes as timestamp", Reason.BAD_TIMESTAMP, put("timestamp", "1750000000")),
    Flaw("year 1970", Reason.TIMESTAMP_OUT_OF_RANGE, put("timestamp", "1970-01-01T00:00:00Z")),
    Flaw("year 2100", Reason.TIMESTAMP_OUT_OF_RANGE, put("timestamp", "2100-01-01T00:00:00Z")),
    Flaw("epoch zero", Reason.TIMESTAMP_OUT_OF_RANGE, put("timestamp", 0)),
    Flaw("epoch milliseconds", Reason.TIMESTAMP_OUT_OF_RANGE, _epoch_milliseconds),
    Flaw("timestamp 1e300", Reason.TIMESTAMP_OUT_OF_RANGE, raw("timestamp", "1e300")),
    Flaw("timestamp of 400 digits", Reason.TIMESTAMP_OUT_OF_RANGE, raw("timestamp", _HUGE)),
    Flaw("negative price", Reason.PRICE_OUT_OF_RANGE, put("product.price", -0.01)),
    Flaw("absurd price", Reason.PRICE_OUT_OF_RANGE, raw("product.price", "1e12")),
    Flaw("price 1e999", Reason.PRICE_OUT_OF_RANGE, raw("product.price", "1e999")),
    Flaw("price of 400 digits", Reason.PRICE_OUT_OF_RANGE, raw("product.price", _HUGE)),
    Flaw("null value with a long key", Reason.BAD_TOMBSTONE, _long_key),
    Flaw("null value without a key", Reason.BAD_TOMBSTONE, value(None), keyed=False),
)


class FlawMaker:
    """Makes invalid records, drawing the kind by weight and everything else from the same seeded source."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._weights = list(accumulate(flaw.weight for flaw in FLAWS))

    def make(self, now_us: int) -> Record:
        """An invalid record of some kind, as it might be sent now (microseconds since the epoch)."""
        (flaw,) = self._rng.choices(FLAWS, cum_weights=self._weights)
        return spoil_event(flaw, good_event(now_us, self._rng), self._rng)


def spoil_event(flaw: Flaw, event: Fields, rng: Random) -> Record:
    """The record that this flaw makes of a good event."""
    user_id = event["user_id"]
    data = flaw.spoil(event, rng)
    key = (user_id if data is not None else event["user_id"]) if flaw.keyed else None
    note = InvalidNote(hashlib.sha256(data or b"").hexdigest(), flaw.reason.value, key, flaw.kind)
    return Record(key.encode() if key else None, data, note)


def good_event(now_us: int, rng: Random) -> Fields:
    """An event without a flaw, as the fields of its JSON."""
    h = f"{rng.getrandbits(128):032x}"
    return {
        "event_id": f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}",
        "timestamp": datetime.fromtimestamp(now_us / 1e6, UTC).isoformat(),
        "user_id": f"user-{rng.randrange(20_000):05d}",
        "event_type": "page_view",
        "product": {
            "id": "P-10001",
            "name": "Sonora Air Wireless Headphones",
            "description": "Wireless headphones with clear, balanced sound.",
            "category": "Headphones",
            "price": 89.9,
        },
        "session_id": f"s-{rng.getrandbits(64):016x}",
    }
