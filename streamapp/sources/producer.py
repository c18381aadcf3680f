"""Sends records to Kafka: every one acknowledged by all replicas, written once, in the order of its key.

In: any iterable of `Record`s, finite or not. Out: `Delivered`, with `on_delivered` called for each acknowledged batch.
Records travel in batches built per partition, which is several times as fast as aiokafka's `send` per record.
The trap: an outage of the broker holds the line; nothing is dropped, and memory stays bounded, but it may take long.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError
from aiokafka.partitioner import murmur2

from streamapp.clock import monotonic
from streamapp.errors import BrokerUnreachableError, ConfigurationError, StreamappError
from streamapp.kafka.clients import producer_options
from streamapp.settings import KafkaSettings
from streamapp.sources.pacing import Pacer
from streamapp.sources.record import Record

_CHUNK = 4000
"""Records taken at once: over 16 partitions about 100 kB for each."""
_CHUNK_SECONDS = 0.1
"""A slow source hands over what it has after this long."""
_DRAIN_SECONDS = 15.0
"""How long an interrupted producer waits for acknowledgements still out."""
_KEYS_REMEMBERED = 200_000
"""Partitions of keys are kept, since murmur2 in Python costs more than all the rest."""


@dataclass
class Delivered:
    """What became of the records; grows while producing, so a progress display may keep looking at it."""

    topic: str
    records: int = 0
    """Acknowledged by the broker."""
    bytes: int = 0
    """Of keys and values, before compression."""
    unconfirmed: int = 0
    """Sent, but not acknowledged when the producer had to stop: they may or may not be in the topic."""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def per_second(self) -> float:
        """Acknowledged records per second so far."""
        return self.records / self.seconds if self.seconds else 0.0


OnDelivered = Callable[[list[Record]], None]
OnProgress = Callable[[Delivered], None]


async def produce(
    records: Iterable[Record],
    kafka: KafkaSettings,
    *,
    rate: float | None = None,
    burst: int = 1,
    on_delivered: OnDelivered | None = None,
    on_progress: OnProgress | None = None,
) -> Delivered:
    """Send all records to `kafka.topic`, `rate` a second (None: as fast as it goes) in groups of `burst`.

    Cancelling the task (as Ctrl-C does under `asyncio.run`) stops taking records, waits up to 15 s for what is out, and
    returns with `interrupted` set, instead of raising: the counts are the point. `on_delivered` gets each acknowledged
    batch, `on_progress` is called after it.
    Raises BrokerUnreachableError when no broker answers at the start, ConfigurationError when the topic is missing,
    StreamappError when the broker refuses records for good.
    """
    delivered = Delivered(kafka.topic)
    producer = await _connect(kafka)
    try:
        partitions = await _partitions(producer, kafka)
        shipment = _Shipment(producer, partitions, delivered, on_delivered, on_progress)
        pacer = Pacer(rate, burst) if rate else None
        try:
            await _send_all(iter(records), shipment, pacer)
            await shipment.drain(None)
        except asyncio.CancelledError:
            delivered.interrupted = True
            await shipment.drain(_DRAIN_SECONDS)
        finally:
            delivered.unconfirmed = shipment.outstanding
    finally:
        await _stop(producer, clean=delivered.unconfirmed == 0)
    return delivered


async def _send_all(records: Iterator[Record], shipment: "_Shipment", pacer: Pacer | None) -> None:
    start = monotonic()
    while True:
        limit = _CHUNK
        if pacer is not None:
            await shipment.drain(pacer.wait_seconds(monotonic() - start))
            await asyncio.sleep(pacer.wait_seconds(monotonic() - start))
            limit = min(_CHUNK, pacer.due(monotonic() - start))
        # In a thread: a source such as a pipe may block, and acknowledgements must be read meanwhile.
        chunk, ended = await asyncio.to_thread(take, records, limit, _CHUNK_SECONDS)
        await shipment.send(chunk)
        shipment.report()
        if pacer is not None:
            pacer.sent(len(chunk))
        if ended:
            return


def take(records: Iterator[Record], limit: int, seconds: float) -> tuple[list[Record], bool]:
    """Up to `limit` records, fewer when `seconds` have passed; and whether the source has ended."""
    deadline = monotonic() + seconds
    chunk: list[Record] = []
    while len(chunk) < limit:
        # Small helpings: looking at the clock for each record would cost more than the record.
        wanted = min(1 if not chunk else 64, limit - len(chunk))
        some = list(islice(records, wanted))
        chunk += some
        if len(some) < wanted:
            return chunk, True
        if monotonic() >= deadline:
            break
    return chunk, False


class Partitioner:
    """The partition of a key, the very one that Java's default partitioner chooses."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._known: dict[bytes, int] = {}

    def partition(self, record: Record) -> int:
        """By the record's route or key; keyless records are spread."""
        key = record.route or record.key
        if key is None:
            return random.randrange(self._partitions)  # noqa: S311 - spreading load, not secrets
        partition = self._known.get(key)
        if partition is None:
            if len(self._known) >= _KEYS_REMEMBERED:
                self._known.clear()
            partition = self._known[key] = (murmur2(key) & 0x7FFFFFFF) % self._partitions
        return partition


@dataclass
class _Shipment:
    """The running state of one `produce`: batches that are out, and what has come of them."""

    producer: Any
    partitions: int
    delivered: Delivered
    on_delivered: OnDelivered | None
    on_progress: OnProgress | None
    out: dict["asyncio.Future[Any]", list[Record]] = field(default_factory=dict)
    settled: list[list[Record]] = field(default_factory=list)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self._start = monotonic()
        self._partition = Partitioner(self.partitions).partition

    @property
    def outstanding(self) -> int:
        return sum(map(len, self.out.values()))

    async def send(self, chunk: list[Record]) -> None:
        """Hand a chunk to the producer, in batches per partition; waits while earlier ones are still queued."""
        by_partition: dict[int, list[Record]] = {}
        for record in chunk:
            by_partition.setdefault(self._partition(record), []).append(record)
        for partition, records in by_partition.items():
            for builder, batch in self._build(records):
                await self._submit(builder, batch, partition)

    def _build(self, records: list[Record]) -> Iterator[tuple[Any, list[Record]]]:
        now_ms = int(time.time() * 1000)
        builder = self.producer.create_batch()
        batch: list[Record] = []
        for record in records:
            while builder.append(key=record.key, value=record.value, timestamp=now_ms) is None:
                yield builder, batch
                builder, batch = self.producer.create_batch(), []
            batch.append(record)
        yield builder, batch

    async def _submit(self, builder: Any, batch: list[Record], partition: int) -> None:
        builder.close()
        while True:
            self._raise_error()
            try:
                future = await self.producer.send_batch(builder, self.delivered.topic, partition=partition)
            except KafkaTimeoutError:
                continue  # the queue of this partition is full: the broker is away, hold the line
            break
        self.out[future] = batch
        future.add_done_callback(self._settle)

    def _settle(self, future: "asyncio.Future[Any]") -> None:
        """Runs in the loop's callbacks, so it only sorts; `report` calls what may fail."""
        if future.cancelled():
            return
        if future.exception() is not None:
            self.error = self.error or future.exception()
            return
        self.settled.append(self.out.pop(future))

    def report(self) -> None:
        """Tell of the batches acknowledged since the last time."""
        settled, self.settled = self.settled, []
        delivered = self.delivered
        delivered.seconds = monotonic() - self._start
        for batch in settled:
            delivered.records += len(batch)
            delivered.bytes += sum(len(record.key or b"") + len(record.value or b"") for record in batch)
            if self.on_delivered is not None:
                self.on_delivered(batch)
        if settled and self.on_progress is not None:
            self.on_progress(delivered)

    async def drain(self, seconds: float | None) -> None:
        """Wait until everything that is out is settled, at most so long."""
        waiting = [future for future in self.out if not future.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        self.report()
        self._raise_error()

    def _raise_error(self) -> None:
        if self.error is not None:
            raise StreamappError(
                f"Kafka refused records for {self.delivered.topic}: {self.error!r}. "
                f"{self.delivered.records:,} were acknowledged, {self.outstanding:,} were not.",
                "See the broker's log; what was acknowledged is safe.",
            ) from self.error


async def _connect(kafka: KafkaSettings) -> Any:
    producer = AIOKafkaProducer(**producer_options(kafka))
    # Idempotent batches are retried without end, but for one case: after an outage a partition without a leader fails
    # batches older than the request timeout, and leaves a hole in the sequence numbers. So batches never grow old.
    producer._message_accumulator._batch_ttl = math.inf
    try:
        await producer.start()
    except KafkaConnectionError as error:
        await producer.stop()
        raise BrokerUnreachableError(
            f"No Kafka broker answers at {kafka.bootstrap_servers}.",
            "Start one with `streamapp kafka`, or set kafka.bootstrap_servers.",
        ) from error
    return producer


async def _partitions(producer: Any, kafka: KafkaSettings) -> int:
    try:
        found = await producer.partitions_for(kafka.topic)
    except (UnknownTopicOrPartitionError, KafkaTimeoutError) as error:
        raise ConfigurationError(
            f"There is no topic {kafka.topic} at {kafka.bootstrap_servers}.",
            "Start the worker or `streamapp kafka` first, which create it, or set kafka.topic.",
        ) from error
    return len(found)


async def _stop(producer: Any, *, clean: bool) -> None:
    if clean:
        await producer.stop()
        return
    # stop() waits for batches that nobody may ever acknowledge. Without its connections the sender gives them up.
    await producer.client.close()
    with contextlib.suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(producer.stop(), timeout=1.0)
