"""One dead letter with all its headers: which letters say the same, how often it was replayed, what its record was.

Pure. In: ConsumerRecords of the dead-letter topic. Out: `Letter`, and the record to produce for it again.
The trap: a record may have come with headers named like ours, so only the ones that `dead_letter` added are taken off.
"""

import hashlib
from typing import Any, NamedTuple

from streamapp.kafka.sender import Headers, Outgoing
from streamapp.pipeline.deadletter import PREFIX, DeadLetter, read_dead_letter

ADDED = frozenset(PREFIX + name for name in ("reason", "detail", "topic", "partition", "offset"))
"""The headers that a rejection adds, each once, after those of the record."""

REPLAYS = PREFIX + "replays"
"""How often a record was replayed; it travels with the record, so it is still there after another rejection."""


class Letter(NamedTuple):
    """A dead letter, the partition of the dead-letter topic it stands in, and its headers as they are."""

    dead: DeadLetter
    partition: int
    headers: Headers

    @property
    def replays(self) -> int:
        """How often its record was replayed before it was rejected this time."""
        return max((_count(value) for name, value in self.headers if name == REPLAYS), default=0)


def read_letter(record: Any) -> Letter | None:
    """A ConsumerRecord as a letter; None where its headers are not those of a dead letter."""
    dead = read_dead_letter(record)
    return None if dead is None else Letter(dead, record.partition, tuple(record.headers))


def identity(letter: Letter) -> bytes:
    """16 bytes that letters of one record share, however often it was sent.

    The content is in it beside the origin: in a topic that was deleted and made again, another record stands there.
    """
    digest = hashlib.blake2b(repr(letter.dead.origin).encode(), digest_size=16)
    for part in (letter.dead.key, letter.dead.value):
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.digest()


def original_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers that the record came with: without the last of each that a rejection adds, and without counters."""
    kept: list[tuple[str, bytes]] = []
    to_drop = set(ADDED)
    for name, value in reversed(headers):
        if name in to_drop:
            to_drop.remove(name)
        elif name != REPLAYS:
            kept.append((name, value))
    return kept[::-1]


def replayed(letter: Letter) -> Outgoing:
    """The record once more, counted. Its time is that of the replay: to Kafka it arrives now, and ages from now."""
    counter = (REPLAYS, str(letter.replays + 1).encode())
    return Outgoing(letter.dead.key, letter.dead.value, None, [*original_headers(letter.headers), counter])


def copied(letter: Letter) -> Outgoing:
    """The letter as it is, for another topic of dead letters."""
    return Outgoing(letter.dead.key, letter.dead.value, letter.dead.timestamp_ms, letter.headers)


def _count(value: bytes) -> int:
    """A counter's number; anything that is none counts as never."""
    return int(value) if value.isdigit() and len(value) < 10 else 0
