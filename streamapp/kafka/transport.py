"""Faust's aiokafka transport, handing over one event per run of records of one partition.

In: what the consumer fetched. Out: messages whose value is a `RecordBatch`. Stock Faust pays its price per record
(14-18k records/s for an agent that only decodes); a batch of up to `MAX_RECORDS` pays it once (300k/s). Topics
that were not registered with `batch_topic`, changelogs above all, keep Faust's own way.
The trap: a fetch moves the consumer's position, so records dropped in a rebalance or during recovery are skipped for
good unless the position is sought back. `Progress` notices, and keeps the offsets that may be committed.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from faust.transport.drivers import TRANSPORTS, aiokafka
from faust.types import TP

from streamapp.kafka.progress import Progress, Rewind

SCHEME = "batches"
"""The URL scheme of this transport: `batches://host:port`."""


class RecordBatch(NamedTuple):
    """Consecutive records of one partition; aiokafka's ConsumerRecords, untouched."""

    first: int
    """Offset of the first record."""
    records: list[Any]


class Batching:
    """What an app sets before it starts: which topics, how many records, and whom to call before partitions go."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.max_records = 2000
        self.before_revoke: Callable[[set[TP]], Awaitable[None]] | None = None
        """Awaited while the partitions are still ours: the last moment to make work true."""
        self.before_assign: Callable[[], None] | None = None
        """Called when partitions have been assigned anew, before anything of them is handed out."""


def batching(app: Any) -> Batching:
    """The `Batching` of a Faust app, made at the first call."""
    if not hasattr(app, "streamapp_batching"):
        app.streamapp_batching = Batching()
    found: Batching = app.streamapp_batching
    return found


class Consumer(aiokafka.Consumer):  # type: ignore[misc]  # faust ships no types that hold
    """Faust's consumer with its own offset bookkeeping for batched topics."""

    logger = logging.getLogger("faust.batches")  # Faust speaks through it: heard from warning on

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._batching = batching(self.app)
        self._progress: dict[TP, Progress] = {}
        self._early: set[TP] = set()

    # -- handing out ---------------------------------------------------------------------------------------------------

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once; yield batches of batched topics, and single messages of all others."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id

        def current() -> bool:
            return bool(self.flow_active) and self.app.consumer_generation_id == generation

        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        singles = {tp: run for tp, run in records.items() if tp.topic not in self._batching.topics}
        batched = records.keys() - singles.keys()
        for tp in batched:
            self._progress.setdefault(tp, Progress()).fetched()
        if self.app.tables.actives_ready:
            await self._seek_early()
        else:
            # Faust clears its streams when it resumes after recovery: what was put there before would be lost.
            self._early.update(batched)
            batched = set()
        wanted = [tp for tp in batched if active is None or tp in active or tp in self._buffered_partitions]
        async for tp, message in _in_turns({tp: self._batches(tp, records[tp]) for tp in wanted}):
            if not current():
                return
            yield tp, message
        for tp, record in self.scheduler.iterate(singles):
            if not current():
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                yield tp, self._to_message(tp, record)

    async def _seek_early(self) -> None:
        """Go back for what was fetched before the tables were ready, and not handed out."""
        early, self._early = self._early, set()
        for tp in early:
            progress = self._progress.get(tp)
            if progress is not None and progress.expected is not None:
                await self._seek(tp, progress.expected)

    async def _batches(self, tp: TP, run: list[Any]) -> AsyncIterator[Any]:
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        progress = self._progress.setdefault(tp, Progress())
        decision = progress.admit(run)
        if isinstance(decision, Rewind):
            self.log.warning("records of %r were skipped, reading again from offset %r", tp, decision.offset)
            await self._seek(tp, decision.offset)
            return
        fresh = decision.records
        for start in range(0, len(fresh), self._batching.max_records):
            chunk = fresh[start : start + self._batching.max_records]
            if self._progress.get(tp) is not progress:
                return  # a rebalance came in between
            message = self._to_message(tp, chunk[-1])
            message.key, message.value = None, RecordBatch(chunk[0].offset, list(chunk))
            progress.hand_out(chunk[-1].offset)
            yield message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Every batch jumps in offsets; Faust would take the jump for a gap, and a gap for acked.
        if tp.topic not in self._batching.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    # -- taking back ---------------------------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Confirm a batch; batches of one partition must be confirmed in the order they came."""
        if message.topic not in self._batching.topics:
            return bool(super().ack(message))
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        progress = self._progress.get(message.tp)
        if progress is None or message.generation_id != self.app.consumer_generation_id:
            return False  # from before a rebalance: it will be delivered again, perhaps to another worker
        self._n_acked += 1
        return progress.confirm(message.offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (tp for tp in list(self._progress) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._batching.topics:
            found: int | None = super()._new_offset(tp)
            return found
        progress = self._progress.get(tp)
        return progress.committable if progress else None

    def _should_commit(self, tp: TP, offset: int) -> bool:
        committed = self._committed_offset[tp]
        return bool(offset) and (committed is None or offset > committed)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets}
        done = bool(await super()._commit_offsets(offsets, start_new_transaction))
        if not done:  # Faust notes them as committed all the same, and would not try an idle partition again
            self._committed_offset.update({tp: offset for tp, offset in before.items() if tp in self._progress})
        return done

    # -- rebalances and seeks ------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the app finish what is under way and commit it, then let go of the partitions."""
        if self._batching.before_revoke is not None:
            await self._batching.before_revoke(set(revoked))
            await self.commit()
        self._forget(revoked)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin with nothing known of the new partitions; `perform_seek` finds where they stand."""
        self._forget(assigned)
        if self._batching.before_assign is not None:
            self._batching.before_assign()
        await super().on_partitions_assigned(assigned, generation_id)

    def _forget(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            self._progress.pop(tp, None)
            self._early.discard(tp)

    async def perform_seek(self) -> None:
        """Seek every partition to its committed offset, and expect just that one next."""
        await super().perform_seek()
        read_offsets: Mapping[TP, int | None] = self._read_offset
        batched = [tp for tp in read_offsets if tp.topic in self._batching.topics]
        # aiokafka does not seek where nothing, or 0, is committed; what was fetched there before would be skipped.
        unread = [tp for tp in batched if not read_offsets[tp]]
        begins = await self.earliest_offsets(*unread) if unread else {}
        for tp in unread:
            await self._seek(tp, begins[tp])
        for tp in batched:
            self._progress[tp] = Progress(read_offsets[tp] or begins[tp])


async def _in_turns(sources: dict[TP, AsyncIterator[Any]]) -> AsyncIterator[tuple[TP, Any]]:
    """One message of each partition, then the next of each: one partition's long run must not make others wait."""
    while sources:
        for tp, source in list(sources.items()):
            message = await anext(source, None)
            if message is None:
                del sources[tp]
            else:
                yield tp, message


class Transport(aiokafka.Transport):  # type: ignore[misc]  # as above
    """The transport behind `batches://`."""

    Consumer = Consumer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
