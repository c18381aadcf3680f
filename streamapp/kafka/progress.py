"""What has been handed out of each partition, and up to where it may be committed. Pure bookkeeping, no Kafka.

Faust keeps a list of single acked offsets and guesses at gaps; with batches, compaction and rebalances that goes
wrong in ways that stop a partition's commits for good. Here a batch carries the offset that follows it, batches are
confirmed in the order they were handed out, and whatever belongs to an older assignment is refused.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar


class HasOffset(Protocol):
    """A record, as far as this file is concerned."""

    @property
    def offset(self) -> int:
        """Where it stands in its partition."""


R = TypeVar("R", bound=HasOffset)


class Deliver(NamedTuple):
    """Hand these records out (none, when all of them had been handed out before)."""

    records: Sequence[HasOffset]


class Rewind(NamedTuple):
    """Records were skipped: seek to this offset and fetch again."""

    offset: int


class Progress:
    """One partition of the current assignment. Offsets are Kafka's: "next" is the first one not yet done."""

    def __init__(self, next_offset: int | None = None) -> None:
        self._expected = next_offset
        """The next offset to hand out; None until the first record shows where the partition begins."""
        self._committable: int | None = None
        self._rewound_to: int | None = None
        self._unseen = False
        """Whether records were fetched and not admitted."""
        self._outstanding: deque[int] = deque()

    @property
    def committable(self) -> int | None:
        """The offset to commit: everything before it is done. None while nothing was confirmed."""
        return self._committable

    @property
    def expected(self) -> int | None:
        """The next offset to hand out."""
        return self._expected

    def fetched(self) -> None:
        """Note a fetch, whether or not it comes to `admit`; called for every one, before anything may drop it."""
        if self._unseen:
            self._rewound_to = None  # what was dropped may be the very records that were sought
        self._unseen = True

    def admit(self, run: Sequence[R]) -> Deliver | Rewind:
        """Decide on a fetched run of records in offset order.

        A run that begins beyond what is expected is either a gap in the topic (compaction, transaction markers) or the
        trace of records that were fetched and then dropped in a rebalance. Seeking once tells them apart: a real gap
        is still there afterwards.
        """
        self._unseen = False
        if self._expected is None:
            return Deliver(run)
        fresh = run if not run or run[0].offset >= self._expected else [r for r in run if r.offset >= self._expected]
        if not fresh or fresh[0].offset == self._expected or self._rewound_to == self._expected:
            return Deliver(fresh)
        self._rewound_to = self._expected
        return Rewind(self._expected)

    def hand_out(self, last_offset: int) -> None:
        """Note that everything up to and including `last_offset` is on its way."""
        self._expected = last_offset + 1
        self._outstanding.append(last_offset)

    def confirm(self, last_offset: int) -> bool:
        """Note that the oldest batch on its way, which ends with `last_offset`, is done.

        Returns False, and changes nothing, for any other batch: from before a rewind, or out of order.
        """
        if not self._outstanding or self._outstanding[0] != last_offset:
            return False
        self._outstanding.popleft()
        self._committable = last_offset + 1
        return True
