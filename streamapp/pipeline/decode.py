"""Bytes of one record to a verdict: `Event`, `Tombstone` or `Rejected`, never an exception.

Pure and deterministic: the verdict depends on the bytes and the settings alone, not on the time of day, so a
redelivered record gets the same one. msgspec checks types in C (~0.5 µs); the trap is what it forgives: a key given
twice, bytes in fields it skips, depth. Those are looked for only where the number of quotes says they can be there
(`_is_plain`), which for the shop's own events they never can.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from streamapp.events import TOMBSTONE_KEY_LIMIT, Event, Product, Reason, identity
from streamapp.settings import EventSettings

MAX_DEPTH = 64
"""Nesting that no honest event has, and that every JSON reader on the way still survives."""

MAX_ID_CHARS = 1024
"""An id is a key in tables and filters; texts may be longer."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
"""Plausible times in seconds, fixed rather than relative to now: a verdict must not change with the clock.
Milliseconds since the epoch fall beyond LATEST, and are named by the same reason."""

_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Strings, the last one perhaps not closed. Possessive, and never failing once begun: a regex that tries again at every
quote takes minutes for 200 kB of escaped ones."""
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Rejected(msgspec.Struct, frozen=True):
    """The record cannot be used; `detail` says where, without the event's content."""

    reason: Reason
    detail: str


class Tombstone(msgspec.Struct, frozen=True):
    """A null value: forget the event with this id, and everything of the user with this id."""

    key: str


Verdict = Event | Tombstone | Rejected
Decode = Callable[[bytes | None, bytes | None], Verdict]
"""From a record's key and value."""


class _WireProduct(msgspec.Struct, gc=False):
    id: str
    name: str
    description: str
    category: str
    price: float


class _WireEvent(msgspec.Struct, gc=False):
    event_id: str
    timestamp: datetime | float
    user_id: str
    event_type: str
    product: _WireProduct
    session_id: str


_STRICT_KEYS = len(_WireEvent.__struct_fields__) + len(_WireProduct.__struct_fields__)
_STRICT_STRINGS = 8
"""String values of a strict event whose timestamp is a number; one more where it is text."""


class _RefusedError(Exception):
    """Carries a `Rejected` out of a helper; never leaves this module."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.rejected = Rejected(reason, detail)


def create_decoder(settings: EventSettings) -> Decode:
    """The decode function for this contract; see `EventSettings` for what each setting means."""
    lenient = settings.contract == "lenient" or (settings.contract == "auto" and bool(settings.fields))
    parse = _mapped_parser(settings.fields, strict=not lenient) if lenient or settings.fields else _parse_strict

    def decode(key: bytes | None, value: bytes | None) -> Verdict:
        if value is None:
            return _tombstone(key)
        try:
            return _checked(parse(value, settings), settings, lenient)
        except _RefusedError as refused:
            return refused.rejected

    return decode


def _tombstone(key: bytes | None) -> Tombstone | Rejected:
    if not key or len(key) > TOMBSTONE_KEY_LIMIT:
        return Rejected(Reason.BAD_TOMBSTONE, "a null value needs a key that says what to delete")
    try:
        return Tombstone(key.decode())
    except UnicodeDecodeError:
        return Rejected(Reason.BAD_TOMBSTONE, "the key of a null value must be UTF-8")


# -- bytes to fields ---------------------------------------------------------------------------------------------------

_decode_strict = msgspec.json.Decoder(_WireEvent).decode


def _parse_strict(value: bytes, settings: EventSettings) -> Event:
    _check_size(value, settings)
    try:
        wire = _decode_strict(value)
    except (ValueError, RecursionError) as error:
        raise _explain(value, error) from None
    if not _is_plain(value, wire):
        _check_structure(value)
    product = wire.product
    return Event(
        wire.event_id,
        _seconds(wire.timestamp),
        wire.user_id,
        wire.event_type,
        Product(product.id, product.name, product.description, product.category, product.price),
        wire.session_id,
    )


def _is_plain(value: bytes, wire: _WireEvent) -> bool:
    """Whether the quotes account for exactly the known keys and values, so nothing else can be in there."""
    strings = _STRICT_STRINGS + (1 if isinstance(wire.timestamp, datetime) else 0)
    return value.count(b'"') == 2 * (_STRICT_KEYS + strings)


def _mapped_parser(fields: Mapping[str, str], *, strict: bool) -> Callable[[bytes, EventSettings], Event]:
    """A parser for someone's own topic: their names; unless strict, only what is needed is required."""
    names = ("event_id", "timestamp", "user_id", "event_type", "session_id")
    inner = ("id", "name", "description", "category", "price")
    paths = {name: fields.get(name, name).split(".") for name in (*names, *(f"product.{name}" for name in inner))}

    def parse(value: bytes, settings: EventSettings) -> Event:
        _check_size(value, settings)
        tree = _check_structure(value)
        product_name = _text(tree, paths["product.name"])
        product_id = _text(tree, paths["product.id"], required=strict)
        if not product_id and not strict:
            product_id = identity(product_name).hex()
        return Event(
            _text(tree, paths["event_id"]),
            _seconds(_timestamp(tree, paths["timestamp"])),
            _text(tree, paths["user_id"]),
            _text(tree, paths["event_type"]),
            Product(
                product_id,
                product_name,
                _text(tree, paths["product.description"], required=strict),
                _text(tree, paths["product.category"], required=strict),
                _number(tree, paths["product.price"], required=strict),
            ),
            _text(tree, paths["session_id"], required=strict),
        )

    return parse


_MISSING = object()


def _at(tree: Any, path: list[str]) -> Any:
    for step in path:
        if not isinstance(tree, dict):
            return _MISSING
        tree = tree.get(step, _MISSING)
    return tree


def _text(tree: Any, path: list[str], *, required: bool = True) -> str:
    value = _at(tree, path)
    if value is _MISSING or (value is None and not required):
        if required:
            raise _RefusedError(Reason.MISSING_FIELD, f"at {'.'.join(path)}")
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)  # numeric ids are common in other people's topics
    if not isinstance(value, str):
        raise _RefusedError(Reason.WRONG_TYPE, f"expected text at {'.'.join(path)}")
    return value


def _number(tree: Any, path: list[str], *, required: bool) -> float | None:
    value = _at(tree, path)
    if not required and (value is _MISSING or value is None):
        return None
    if value is _MISSING:
        raise _RefusedError(Reason.MISSING_FIELD, f"at {'.'.join(path)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError(Reason.WRONG_TYPE, f"expected a number at {'.'.join(path)}")
    try:
        return float(value)
    except OverflowError:
        raise _RefusedError(Reason.PRICE_OUT_OF_RANGE, f"at {'.'.join(path)}") from None


_read_time = msgspec.json.Decoder(datetime).decode


def _timestamp(tree: Any, path: list[str]) -> datetime | float:
    value = _at(tree, path)
    where = ".".join(path)
    if value is _MISSING:
        raise _RefusedError(Reason.MISSING_FIELD, f"at {where}")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _RefusedError(Reason.WRONG_TYPE, f"expected a time at {where}")
    try:
        return _read_time(msgspec.json.encode(value)) if isinstance(value, str) else float(value)
    except OverflowError:
        raise _RefusedError(Reason.TIMESTAMP_OUT_OF_RANGE, f"at {where}") from None
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise _RefusedError(Reason.BAD_TIMESTAMP, f"not RFC 3339 at {where}") from None


# -- what fields must be -----------------------------------------------------------------------------------------------


def _seconds(timestamp: datetime | float) -> float:
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            raise _RefusedError(Reason.BAD_TIMESTAMP, "a time without a zone")
        try:
            timestamp = timestamp.timestamp()
        except (OverflowError, ValueError):
            raise _RefusedError(Reason.TIMESTAMP_OUT_OF_RANGE, "at timestamp") from None
    if not EARLIEST <= timestamp < LATEST:
        raise _RefusedError(
            Reason.TIMESTAMP_OUT_OF_RANGE, "before 2000 or from 2100 on; milliseconds? seconds are expected"
        )
    return timestamp


def _checked(event: Event, settings: EventSettings, lenient: bool) -> Event:
    product = event.product
    texts = (event.event_id, event.user_id, product.id, product.name, event.session_id)
    joined = "\n".join((*texts, product.description, product.category, event.event_type))
    if "\0" in joined or _LONE_SURROGATE.search(joined):
        raise _RefusedError(Reason.BAD_CHARACTER, "a NUL or half a surrogate pair in a text")
    if len(joined) > MAX_ID_CHARS:
        _check_lengths((product.name, product.description, product.category), settings.max_text_chars)
        _check_lengths((event.event_id, event.user_id, product.id, event.session_id), MAX_ID_CHARS)
    for name, text in zip(("event_id", "user_id", "product.id", "product.name"), texts, strict=False):
        if not text or text.isspace():
            raise _RefusedError(Reason.EMPTY_FIELD, f"at {name}")
    if not lenient:
        _check_uuid(event.event_id)
    if not _EVENT_TYPE.fullmatch(event.event_type):
        raise _RefusedError(Reason.BAD_EVENT_TYPE, "not a lower-case identifier")
    price = product.price
    if price is not None and not (math.isfinite(price) and 0 <= price <= settings.max_price):
        raise _RefusedError(Reason.PRICE_OUT_OF_RANGE, f"not within 0 and {settings.max_price:g}")
    return event


def _check_lengths(texts: tuple[str, ...], limit: int) -> None:
    if any(len(text) > limit for text in texts):
        raise _RefusedError(Reason.TEXT_TOO_LONG, f"over {limit} characters")


def _check_uuid(event_id: str) -> None:
    # `identity` gives a UUID's own bytes, and a digest for anything else: equal only where the text is that UUID.
    if len(event_id) != 36 or identity(event_id).hex() != event_id.replace("-", "").lower():
        raise _RefusedError(Reason.BAD_EVENT_ID, "not a UUID; set events.contract to lenient for other ids")


def _check_size(value: bytes, settings: EventSettings) -> None:
    if not value:
        raise _RefusedError(Reason.EMPTY, "a value of no bytes")
    if len(value) > settings.max_bytes:
        raise _RefusedError(Reason.TOO_LARGE, f"over {settings.max_bytes} bytes")


# -- the slow look -----------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise _RefusedError(Reason.DUPLICATE_KEY, "a key stands twice in one object")
    return tree


def _no_constant(name: str) -> float:
    raise _RefusedError(Reason.NOT_JSON, f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 64 else float(digits)


def _check_structure(value: bytes) -> dict[str, Any]:
    """Read it all, strictly: UTF-8, depth, JSON, one of each key; returns the object."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _RefusedError(Reason.NOT_UTF8, "the value is not UTF-8") from None
    if _depth(value) > MAX_DEPTH:
        raise _RefusedError(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    try:
        tree = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        raise _RefusedError(Reason.NOT_JSON, "the value is not JSON") from None
    if not isinstance(tree, dict):
        raise _RefusedError(Reason.NOT_AN_OBJECT, "the value is not a JSON object")
    return tree


def _depth(value: bytes) -> int:
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", value):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _explain(value: bytes, error: Exception) -> _RefusedError:
    """Why msgspec refused: structure first (it may stop at a field before it sees that the rest is broken)."""
    try:
        _check_structure(value)
    except _RefusedError as refused:
        return refused
    if not isinstance(error, msgspec.ValidationError):
        # It is JSON, and msgspec could not read it: what Python's reader forgives is an escaped half of a pair.
        return _RefusedError(Reason.BAD_CHARACTER, "half a surrogate pair in a text")
    message = str(error)
    where = message.partition(" - at ")[2].strip("`").removeprefix("$.")
    if "missing required field" in message:
        field = message.split("`")[1]
        return _RefusedError(Reason.MISSING_FIELD, f"at {f'{where}.{field}' if where else field}")
    if "RFC3339" in message:
        return _RefusedError(Reason.BAD_TIMESTAMP, "not RFC 3339 with a zone")
    if "out of range" in message:
        price = where == "product.price"
        return _RefusedError(Reason.PRICE_OUT_OF_RANGE if price else Reason.TIMESTAMP_OUT_OF_RANGE, f"at {where}")
    return _RefusedError(Reason.WRONG_TYPE, f"at {where}")
