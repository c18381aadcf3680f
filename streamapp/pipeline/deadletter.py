"""What becomes of a record that cannot be used: one dead letter, with its original bytes and where it came from.

The key, value, timestamp and headers are those of the record; ours are added with a prefix. After a crash the same
record may be sent again: the origin headers make the second one recognisable, so readers count origins, not letters.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streamapp.events import Origin
from streamapp.kafka.sender import Outgoing
from streamapp.pipeline.decode import Rejected

PREFIX = "streamapp-"
"""Begins every header of ours; a record that came with such headers keeps them, ours come last and win."""


class DeadLetter(NamedTuple):
    """A dead letter as it is read back."""

    origin: Origin
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    offset: int
    """Its own offset in the dead-letter topic."""


def dead_letter(record: Any, rejected: Rejected) -> Outgoing:
    """The dead letter for one of aiokafka's ConsumerRecords."""
    ours = {
        "reason": rejected.reason.value,
        "detail": rejected.detail,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    headers = [*record.headers, *((PREFIX + name, text.encode()) for name, text in ours.items())]
    return Outgoing(record.key, record.value, record.timestamp, headers)


def read_dead_letter(record: Any) -> DeadLetter | None:
    """A ConsumerRecord of the dead-letter topic; None where the headers are not ours."""
    headers: Mapping[str, bytes] = {name: text or b"" for name, text in record.headers}
    try:
        origin = Origin(
            headers[PREFIX + "topic"].decode(),
            int(headers[PREFIX + "partition"]),
            int(headers[PREFIX + "offset"]),
        )
        reason, detail = headers[PREFIX + "reason"].decode(), headers[PREFIX + "detail"].decode()
    except (KeyError, ValueError):
        return None
    return DeadLetter(origin, reason, detail, record.key, record.value, record.timestamp, record.offset)


def by_origin(letters: Iterable[DeadLetter]) -> dict[Origin, DeadLetter]:
    """One letter per origin: the first, for the others say the same."""
    found: dict[Origin, DeadLetter] = {}
    for letter in letters:
        found.setdefault(letter.origin, letter)
    return found
