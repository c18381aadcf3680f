"""Records to one partition of one topic, confirmed by every in-sync replica before `send` returns.

Used where an event's fate depends on the answer: changelogs and dead letters. A whole list becomes as few Kafka
batches as fit (3 µs a record; `AIOKafkaProducer.send` costs about 50). While no broker answers, `send` goes on trying:
an outage holds the line.
The trap: after a failed send an idempotent producer's sequence numbers have a hole, so it is replaced, not reused.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import aiokafka
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from streamapp.errors import ConfigurationError
from streamapp.logs import get_logger

log = get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """One record to send; `timestamp_ms` None lets the producer take the time of day."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: Headers = ()


def _worth_another_try(error: BaseException) -> bool:
    return isinstance(error, KafkaError | OSError | TimeoutError) and not isinstance(error, MessageSizeTooLargeError)


class Sender:
    """Sends lists of records to given partitions."""

    def __init__(self, create_producer: Callable[[], aiokafka.AIOKafkaProducer]) -> None:
        self._create_producer = create_producer
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self.failing_since: float | None = None
        """When sending began to fail, in loop seconds; None while it works."""

    async def send(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        """Send all records in order; returns the offset of the last one once all are confirmed.

        Raises ConfigurationError when the broker will not take a record of this size; nothing else.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_another_try), wait=wait_random_exponential(multiplier=0.2, max=10)
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._attempt(topic, partition, records)
        except MessageSizeTooLargeError as error:
            raise ConfigurationError(
                f"Kafka refuses a record of this size in {topic}: {error}.",
                f"Raise the topic's max.message.bytes, it should be twice that of the source topic of {topic}.",
            ) from error
        raise AssertionError("tenacity returns or raises")

    async def _attempt(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        producer = await self._started()
        try:
            last = await _send_all(producer, topic, partition, records)
        except (KafkaError, OSError, TimeoutError) as error:
            loop_time = asyncio.get_running_loop().time()
            self.failing_since = self.failing_since or loop_time
            log.warning("kafka did not confirm, trying again", topic=topic, error=repr(error))
            await self._discard(producer)
            raise
        self.failing_since = None
        return last

    async def _started(self) -> aiokafka.AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = self._create_producer()
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: aiokafka.AIOKafkaProducer) -> None:
        async with self._lock:
            if self._producer is producer:
                self._producer = None
        await producer.stop()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await self._discard(self._producer)


async def _send_all(
    producer: aiokafka.AIOKafkaProducer, topic: str, partition: int, records: Sequence[Outgoing]
) -> int:
    confirmations = []
    batch, size = producer.create_batch(), 0
    for record in records:
        added = batch.append(
            key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
        )
        if added is None:
            confirmations.append((await producer.send_batch(batch, topic, partition=partition), size))
            batch, size = producer.create_batch(), 0
            batch.append(
                key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
            )
        size += 1
    confirmations.append((await producer.send_batch(batch, topic, partition=partition), size))
    last = -1
    for confirmation, count in confirmations:
        metadata = await confirmation
        last = metadata.offset + count - 1
    return int(last)
