"""One record on its way to Kafka, and the note of what was planted with it.

A source yields `Record`s; the producer sends them; the manifest keeps the notes of those that were delivered.
Notes are written as JSON arrays that begin with their tag: `["event", id, product, version, timestamp]`.
"""

from typing import NamedTuple

import msgspec


class EventNote(msgspec.Struct, array_like=True, tag="event", frozen=True, gc=False):
    """A valid event: this version of this product belongs into its point."""

    event_id: str
    product_id: str
    version: int
    timestamp: float
    """Seconds since the epoch, the very double that the event's text stands for."""
    late: bool = False


class DuplicateNote(msgspec.Struct, array_like=True, tag="duplicate", frozen=True, gc=False):
    """The bytes of an earlier event once more."""

    event_id: str


class InvalidNote(msgspec.Struct, array_like=True, tag="invalid", frozen=True, gc=False):
    """A record that must become a dead letter for this reason."""

    sha256: str
    """Of the original value; a null value counts as no bytes."""
    reason: str
    key: str | None
    kind: str


class DeletionNote(msgspec.Struct, array_like=True, tag="deletion", frozen=True, gc=False):
    """A tombstone for an earlier event."""

    event_id: str


Note = EventNote | DuplicateNote | InvalidNote | DeletionNote


class Record(NamedTuple):
    """A record to produce.

    `route` picks the partition in place of the key: a tombstone follows its event, so that it cannot overtake it.
    """

    key: bytes | None
    value: bytes | None
    note: Note | None = None
    route: bytes | None = None
