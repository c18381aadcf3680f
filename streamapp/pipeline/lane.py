"""One partition's way through the pipeline: batch by batch, in offset order, to the checkpoint.

In: Faust events whose value is a `RecordBatch`. Out: acks, each after its batch has become true. Lanes of several
partitions run side by side; within one nothing overtakes anything. Nothing raised here reaches the agent, which
would ack: a step that fails is tried again, holding the line, and every step may be done twice without harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from streamapp import metrics
from streamapp.clock import Clock
from streamapp.kafka.sender import Sender
from streamapp.kafka.transport import RecordBatch
from streamapp.logs import get_logger
from streamapp.pipeline.checkpoint import Checkpoint
from streamapp.pipeline.decode import Decode
from streamapp.pipeline.ingest import Deletion, Plan, plan, tally
from streamapp.pipeline.monitor import Monitor
from streamapp.pipeline.pending import Pending
from streamapp.pipeline.sink import Placed

log = get_logger(__name__)

QUEUE_BATCHES = 2
"""Batches that wait in a lane: one to go on with while the next is fetched, and no more memory than that."""

CHECKPOINT_RECORDS = 20_000
"""A checkpoint is due after so many records at the latest: its ids, 24 bytes each, must fit into one Kafka record."""


class Write(Protocol):
    """Embeds and writes fresh events; `writer.Writer`."""

    async def write(self, placed: Sequence[Placed]) -> None:
        """Return once the store has confirmed every point."""

    async def delete(self, keys: Sequence[str], partition: int) -> int:
        """Delete the events of these ids, and the partition's events of the users of these ids."""


class Steps(NamedTuple):
    """What all lanes share: the steps of the path, in order."""

    decode: Decode
    pending: Pending
    sender: Sender
    dead_letter_topic: str
    writer: Write
    checkpoint: Checkpoint
    fold: Callable[[int, Plan], None]
    """Folds a finished batch of a partition into the live tables."""
    counted: Callable[[int], int]
    """The last offset of a partition that the ledger has counted."""
    ack: Callable[[Any], Awaitable[None]]
    clock: Clock
    """Monotonic seconds."""
    wall: Clock
    """Seconds since the epoch."""
    checkpoint_seconds: float
    monitor: Monitor


class Lane:
    """Runs one partition; `put` hands it events, `stop` ends it at a checkpoint."""

    def __init__(self, partition: int, steps: Steps) -> None:
        self.partition = partition
        self.stuck: str = ""
        """What a step that is being tried again said; empty while all is well."""
        self.in_flight = 0
        self._steps = steps
        self._queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE_BATCHES)
        self._unacked: list[Any] = []
        self._next_checkpoint = 0.0
        self._stopping = False
        self._lettered = -1
        """The offset up to which this lane's dead letters are confirmed."""
        self._task = asyncio.create_task(self._run(), name=f"lane-{partition}")

    def configure(self, steps: Steps) -> None:
        """Take over new steps, from the next batch on."""
        self._steps = steps

    @property
    def alive(self) -> bool:
        """Whether the lane still runs."""
        return not self._task.done()

    async def put(self, event: Any) -> None:
        """Wait for room, then queue a Faust event."""
        await self._queue.put(event)
        self.in_flight += len(event.message.value.records)

    async def stop(self, timeout_seconds: float) -> None:
        """Finish the batch under way, checkpoint, and end; give up after the timeout. Queued batches are dropped."""
        self._stopping = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)
        _, running = await asyncio.wait([self._task], timeout=timeout_seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping:
            event = await self._next()
            if event is not None:
                await self._hold(self._process, event.message.value)
                self._unacked.append(event)
            if self._unacked and (self._stopping or self._is_due()):
                await self._hold(self._make_true)

    def _is_due(self) -> bool:
        records = sum(len(event.message.value.records) for event in self._unacked)
        return records >= CHECKPOINT_RECORDS or self._steps.clock() >= self._next_checkpoint

    async def _next(self) -> Any:
        """The next event, or None when a checkpoint is due first or the lane is to stop."""
        if not self._unacked:
            event = await self._queue.get()
            self._next_checkpoint = self._steps.clock() + self._steps.checkpoint_seconds
            return event
        try:
            async with asyncio.timeout(max(0.0, self._next_checkpoint - self._steps.clock())):
                return await self._queue.get()
        except TimeoutError:
            return None

    async def _hold(self, step: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Do a step until it succeeds. Anything else would lose events or skip over them."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Exception),
            wait=wait_random_exponential(multiplier=0.5, max=15),
            before_sleep=self._note,
        )
        async for attempt in retrying:
            with attempt:
                await step(*args)
        self.stuck = ""

    def _note(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.stuck = f"{type(error).__name__}: {error}"
        log.error("a step failed, holding the line", partition=self.partition, error=self.stuck)

    async def _process(self, batch: RecordBatch) -> None:
        steps, started = self._steps, self._steps.clock()
        made = plan(batch.records, steps.decode, steps.pending.lookup, steps.counted(self.partition))
        # Claimed in the same breath as judged: a copy that arrives on another partition meanwhile is a duplicate.
        steps.pending.add(self.partition, made.ids)
        metrics.INGEST_SECONDS.observe(steps.clock() - started)
        # Both end before either is tried again: a letter whose fate is unknown would be doubled.
        both = (self._send_letters(made), self._write(made.fresh, made.deletions))
        for ended in await asyncio.gather(*both, return_exceptions=True):
            if ended is not None:
                raise ended
        # From here on nothing waits and nothing fails: a batch is folded whole or not at all.
        steps.fold(self.partition, made)
        # The batch's oldest record stands for all of it: one observation, and never a flattering one.
        latency = max(0.0, steps.wall() - batch.records[0].timestamp / 1000)
        steps.monitor.batch(len(batch.records), latency)
        _measure(batch, made, latency)

    async def _send_letters(self, made: Plan) -> None:
        # What the ledger has counted was confirmed before: neither a redelivery nor a second try may double a letter.
        done = max(self._steps.counted(self.partition), self._lettered)
        letters = [letter for offset, letter in made.letters if offset > done]
        if letters:
            await self._steps.sender.send(self._steps.dead_letter_topic, 0, letters)
            self._lettered = made.letters[-1][0]

    async def _write(self, fresh: Sequence[Placed], deletions: Sequence[Deletion]) -> None:
        start = 0
        for index, deletion in enumerate(deletions):
            if index + 1 < len(deletions) and deletions[index + 1].before == deletion.before:
                continue  # the last of neighbouring tombstones deletes for all of them
            await self._steps.writer.write(fresh[start : deletion.before])
            start = deletion.before
            keys = [other.key for other in deletions if other.before == deletion.before]
            await self._steps.writer.delete(keys, self.partition)
        await self._steps.writer.write(fresh[start:])

    async def _make_true(self) -> None:
        await self._steps.checkpoint.write(self.partition, self._unacked[-1].message.offset)
        for event in self._unacked:
            await self._steps.ack(event)
            self.in_flight -= len(event.message.value.records)
        self._unacked.clear()
        self._next_checkpoint = self._steps.clock() + self._steps.checkpoint_seconds


def _measure(batch: RecordBatch, made: Plan, latency: float) -> None:
    metrics.END_TO_END_SECONDS.observe(latency)
    metrics.BATCH_EVENTS.observe(len(batch.records))
    for outcome, count in tally(made.outcomes).items():
        metrics.INGEST_EVENTS.labels(outcome).inc(count)
    for reason in made.reasons:
        metrics.DEAD_LETTERS.labels(reason).inc()
