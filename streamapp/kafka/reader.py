"""A whole topic, or a part of it, read once from start to end; without a consumer group, leaving no trace.

Used where everything must be looked at: audits, dead letters, a ledger from its changelog.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka import TopicPartition

from streamapp.kafka.clients import client_options
from streamapp.kafka.topics import topic_partitions
from streamapp.settings import KafkaSettings

Progress = Callable[[int, int], None]
"""Told how many offsets are read, and how many there are to read."""

FETCH_BYTES = 4 * 1024**2


async def read_topic(
    kafka: KafkaSettings,
    topic: str,
    *,
    start: Mapping[int, int] | None = None,
    end: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> AsyncGenerator[list[Any], None]:
    """Yield lists of ConsumerRecords, each of one partition in offset order.

    `start` and `end` are offsets by partition (end not included); by default all that is there now. Partitions that
    do not stand in a given `end` are not read. A topic that does not exist yields nothing.
    """
    partitions = [TopicPartition(topic, partition) for partition in range(await topic_partitions(kafka, topic))]
    if not partitions:
        return
    consumer = aiokafka.AIOKafkaConsumer(
        **client_options(kafka), enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES
    )
    await consumer.start()
    try:
        async for records in _read(consumer, partitions, start or {}, end, progress):
            yield records
    finally:
        await consumer.stop()


async def _read(
    consumer: aiokafka.AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    start: Mapping[int, int],
    end: Mapping[int, int] | None,
    progress: Progress | None,
) -> AsyncIterator[list[Any]]:
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    consumer.assign(partitions)  # last: from here on it fetches, and a seek waits for a fetch under way
    left: dict[Any, int] = {}
    total = 0
    for tp in partitions:
        first = max(begins[tp], start.get(tp.partition, 0))
        stop = ends[tp] if end is None else min(ends[tp], end.get(tp.partition, 0))
        if first < stop:
            consumer.seek(tp, first)
            left[tp] = stop
            total += stop - first
        else:
            consumer.pause(tp)
    positions = {tp: max(begins[tp], start.get(tp.partition, 0)) for tp in left}
    done = 0
    while left:
        for tp, records in (await consumer.getmany(timeout_ms=500)).items():
            if tp in left and (wanted := [record for record in records if record.offset < left[tp]]):
                yield wanted
        for tp in list(left):
            # The position moves over offsets that hold no record for us, so this ends where getmany shows nothing.
            position = min(await consumer.position(tp), left[tp])
            done, positions[tp] = done + position - positions[tp], position
            if position >= left[tp]:
                consumer.pause(tp)
                del left[tp]
        if progress is not None:
            progress(done, total)
