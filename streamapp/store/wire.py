"""What the worker and the engine's process say to each other.

A frame is its length (four bytes, little-endian) and one msgpack message: `Request` towards the engine, `Reply` back.
Replies come in the order of the requests and carry their number; number 0 says that the engine is ready, or why not.
The trap: payloads travel as one JSON array per frame, so that dates, UUIDs and enums are plain text on both sides.
"""

import struct
from typing import Any, Literal

import msgspec

from streamapp.store.store import Collection

LENGTH = struct.Struct("<I")
READY = 0
"""The number of the first reply, which answers no request."""

Filter = dict[str, str | int | list[str]]


class Open(msgspec.Struct, frozen=True, tag=True):
    """Create or load the collections; result: nothing."""

    collections: list[Collection]


class Upsert(msgspec.Struct, frozen=True, tag=True):
    """Write points; result: nothing. `vectors` are float32 rows, `payloads` one JSON array of objects."""

    collection: str
    ids: list[str]
    payloads: bytes
    rows: list[int]
    vectors: bytes


class Delete(msgspec.Struct, frozen=True, tag=True):
    """Delete what is in `ids` (None: any) and matches `where`; result: how many went."""

    collection: str
    ids: list[str] | None
    where: Filter


class Search(msgspec.Struct, frozen=True, tag=True):
    """The nearest points; result: list of `Hit`."""

    collection: str
    vector: bytes
    limit: int
    where: Filter


class Retrieve(msgspec.Struct, frozen=True, tag=True):
    """Points by id; result: list of `StoredPoint`."""

    collection: str
    ids: list[str]
    with_vectors: bool


class Scroll(msgspec.Struct, frozen=True, tag=True):
    """Points in id order, from `after` on and without it; result: `(list of StoredPoint, whether there are more)`."""

    collection: str
    after: str | None
    limit: int
    fields: list[str] | None
    where: Filter


class Count(msgspec.Struct, frozen=True, tag=True):
    """How many points match; result: a number."""

    collection: str
    where: Filter


Call = Open | Upsert | Delete | Search | Retrieve | Scroll | Count


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One call, numbered from 1."""

    number: int
    call: Call


class Failure(msgspec.Struct, frozen=True):
    """Why a call did not succeed; `kind` chooses the error that the caller sees."""

    kind: Literal["refused", "unavailable", "configuration"]
    message: str
    hint: str = ""


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """What came of one call; `result` is msgpack of the type that the call names."""

    number: int
    result: msgspec.Raw
    failure: Failure | None = None


_encoder = msgspec.msgpack.Encoder()
NOTHING = msgspec.Raw(_encoder.encode(None))


def encode_frame(message: Request | Reply) -> bytes:
    """One frame, ready to be written."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def encode_result(result: Any) -> msgspec.Raw:
    """A result as it stands in a reply."""
    return msgspec.Raw(_encoder.encode(result))


decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
