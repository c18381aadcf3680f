"""The one place where work becomes true, for one partition at a time.

The store has confirmed already. In this order: the changelog of every table that changed, confirmed by the broker;
the tables' own files, each in one atomic write; the index of ids. Only then may the caller ack. A crash in between
leaves the earlier ones ahead, and the offsets in each entry make the second delivery fold to the same.
"""

from collections.abc import Sequence
from itertools import islice

from streamapp import metrics
from streamapp.clock import Clock
from streamapp.kafka.sender import Outgoing, Sender
from streamapp.pipeline.pending import Pending
from streamapp.pipeline.seen import SeenIndex, expired_segments, pack_segment, segment_key
from streamapp.pipeline.tables import Change, Tables
from streamapp.pipeline.tablestore import PartitionStore
from streamapp.pipeline.together import together

EXPIRE_AT_ONCE = 50
"""Segments forgotten per checkpoint: enough to keep up for ever, few enough not to be felt."""


class Checkpoint:
    """Writes what changed in a partition since its last checkpoint."""

    def __init__(
        self, tables: Tables, sender: Sender, index: SeenIndex, pending: Pending, clock: Clock, ttl_seconds: float
    ) -> None:
        self._tables = tables
        self._sender = sender
        self._index = index
        self._pending = pending
        self._clock = clock
        self._ttl = ttl_seconds

    async def write(self, partition: int, last_offset: int) -> None:
        """Make everything folded since the last call true; `last_offset` is that of the last record in it."""
        with metrics.CHECKPOINT_SECONDS.time():
            now = self._clock()
            ids = self._pending.of(partition)
            key = segment_key(last_offset)
            segments = self._expired(partition, now)
            if ids:
                segments.append((key, pack_segment(now, ids)))
            *work, ledger = [(table.changelog, table.store, table.changes(partition)) for table in self._tables.live]
            work.append((str(self._tables.seen.changelog_topic_name), self._tables.segments, segments))
            await together(*(self._write(partition, now, *one) for one in work))
            # Last: what the ledger has counted is in every other table, and its id among those seen.
            await self._write(partition, now, *ledger)
            if ids:
                self._index.remember(partition, key, now, ids)
            self._pending.settle(partition)
            self._tables.settle(partition)

    async def _write(
        self, partition: int, now: float, changelog: str, store: PartitionStore, changes: Sequence[Change]
    ) -> None:
        if changes:
            records = [Outgoing(key, value, int(now * 1000)) for key, value in changes]
            store.write(partition, changes, await self._sender.send(changelog, partition, records))

    def _expired(self, partition: int, now: float) -> list[Change]:
        segments = islice(self._tables.segments.scan(partition), EXPIRE_AT_ONCE)
        return [(key, None) for key in expired_segments(segments, now, self._ttl)]
