"""Ids that are on their way: written to the store, not yet checkpointed. Asked before the index.

Without them a duplicate that follows its original within the same second would pass for fresh.
"""

from collections.abc import Mapping, Sequence

from streamapp.pipeline.seen import Seen, SeenIndex


class Pending:
    """The un-checkpointed ids of all partitions, in front of the index."""

    def __init__(self, index: SeenIndex) -> None:
        self._index = index
        self._all: dict[bytes, Seen] = {}
        self._by_partition: dict[int, dict[bytes, Seen]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def lookup(self, ids: Sequence[bytes]) -> list[Seen | None]:
        """For each id the record that brought it, on its way or within the time-to-live; None for a new one."""
        found = [self._all.get(key) for key in ids]
        unknown = [place for place, seen in enumerate(found) if seen is None]
        for place, seen in zip(unknown, self._index.lookup([ids[place] for place in unknown]), strict=True):
            found[place] = seen
        return found

    def add(self, partition: int, ids: Mapping[bytes, Seen]) -> None:
        """Claim the ids of a batch that is under way; the next checkpoint makes them true."""
        self._all.update(ids)
        self._by_partition.setdefault(partition, {}).update(ids)

    def of(self, partition: int) -> list[tuple[bytes, int]]:
        """The ids and offsets that the partition's next checkpoint makes true."""
        mine = self._by_partition.get(partition, {})
        # An id that another partition has claimed since, with a tombstone, is not ours to make true any more.
        return [(key, seen.offset) for key, seen in mine.items() if self._all.get(key) == seen]

    def settle(self, partition: int) -> None:
        """Forget a partition's ids: the index knows them now, or the partition is no longer ours."""
        for key, seen in self._by_partition.pop(partition, {}).items():
            if self._all.get(key) == seen:
                del self._all[key]
