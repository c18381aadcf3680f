"""What a source has sent, so that it can send it again or delete it: bounded, whatever the length of the stream.

In: each event's record. Out: duplicates (the same bytes and key) and tombstones of what was sent.
"""

from collections import deque
from collections.abc import Sequence
from random import Random

from streamapp.sources.record import DeletionNote, DuplicateNote, EventNote, Record

_REMEMBERED = 4096
"""Sent records that may come again much later; a reservoir over everything sent so far."""
_NEAR = 64
"""Sent records that may come again soon."""


class Memory:
    """The last few records, and a fair sample of all."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._near: deque[Record] = deque(maxlen=_NEAR)
        self._sample: list[Record] = []
        self._seen = 0

    def __bool__(self) -> bool:
        return bool(self._near)

    def add(self, record: Record) -> None:
        """Remember an event that was sent."""
        self._near.append(record)
        self._seen += 1
        if len(self._sample) < _REMEMBERED:
            self._sample.append(record)
            return
        place = int(self._seen * self._rng.random())
        if place < _REMEMBERED:
            self._sample[place] = record

    def duplicate(self) -> Record:
        """An earlier record once more: every second time a recent one, else any."""
        recent = self._rng.random() < 0.5 or not self._sample
        pool: Sequence[Record] = self._near if recent else self._sample
        record = pool[int(len(pool) * self._rng.random())]
        assert isinstance(record.note, EventNote)
        return record._replace(note=DuplicateNote(record.note.event_id))

    def tombstone(self) -> Record | None:
        """A deletion of an earlier event, each event at most once; None when there is none to delete."""
        if not self._sample:
            return None
        place = int(len(self._sample) * self._rng.random())
        record = self._sample[place]
        # It leaves the sample, so that it is not deleted twice; as a recent record it may still come again.
        last = self._sample.pop()
        if place < len(self._sample):
            self._sample[place] = last
        assert isinstance(record.note, EventNote)
        event_id = record.note.event_id
        return Record(event_id.encode(), None, DeletionNote(event_id), route=record.key)
