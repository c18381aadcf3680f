"""The words for one shop event, from the wire to the store.

An `Event` has passed every check of `pipeline.ingest`; nothing else makes one from bytes of a topic.
`identity` is the one definition of "the same event": dedup, point ids and the audit all use it.
"""

import hashlib
from enum import StrEnum
from typing import NamedTuple

import msgspec

TOMBSTONE_KEY_LIMIT = 1024
"""Bytes of a key that a tombstone may carry; identifiers are far shorter."""


class Product(msgspec.Struct, frozen=True, gc=False):
    """What was looked at, put in a cart or bought."""

    id: str
    name: str
    description: str = ""
    category: str = ""
    price: float | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One valid shop event; `timestamp` is in seconds since the epoch, UTC."""

    event_id: str
    timestamp: float
    user_id: str
    event_type: str
    product: Product
    session_id: str = ""


class Origin(NamedTuple):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


class Reason(StrEnum):
    """Why a record became a dead letter. Stable: dashboards, the manifest and users' scripts name them."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EMPTY_FIELD = "empty_field"
    TEXT_TOO_LONG = "text_too_long"
    BAD_CHARACTER = "bad_character"
    BAD_EVENT_ID = "bad_event_id"
    BAD_EVENT_TYPE = "bad_event_type"
    BAD_TIMESTAMP = "bad_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    BAD_TOMBSTONE = "bad_tombstone"


def identity(event_id: str) -> bytes:
    """The 16 bytes that make two events the same: a UUID's own bytes, or a digest of any other text.

    >>> identity("8D0D5D36-3F6C-4B41-9B7E-4F8F3FBA7D0A") == identity("8d0d5d36-3f6c-4b41-9b7e-4f8f3fba7d0a")
    True
    """
    if len(event_id) == 36 and event_id[8] == event_id[13] == event_id[18] == event_id[23] == "-":
        try:
            key = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            pass
        else:
            if len(key) == 16:
                return key
    return hashlib.blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def event_point_id(event_id: str) -> str:
    """The id (a UUID in text) of the point that an event becomes."""
    return _uuid_text(identity(event_id))


def product_point_id(product_id: str) -> str:
    """The id (a UUID in text) of a product's point, whatever the shop uses as product ids."""
    return _uuid_text(hashlib.blake2b(b"product\0" + product_id.encode(), digest_size=16).digest())


def _uuid_text(key: bytes) -> str:
    # What str(uuid.UUID(bytes=key)) says, at a third of its cost: it is made for every event.
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
