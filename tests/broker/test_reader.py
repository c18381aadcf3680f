"""Reading a whole topic once on a real Kafka: gaps, ends, parts of it, and topics with nothing in them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import admin, client_options, producer
from streamapp.kafka.reader import read_topic
from streamapp.kafka.topics import TopicSpec, begin_offsets, end_offsets, ensure_topics
from streamapp.settings import KafkaSettings

pytestmark = pytest.mark.broker

COMPACT_SOON = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
    "min.compaction.lag.ms": "0",
}


@pytest.fixture
def kafka(broker: LocalBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


async def create(kafka: KafkaSettings, name: str, partitions: int = 1, **config: str) -> str:
    await ensure_topics(kafka, [TopicSpec(name, partitions, config)])
    return name


async def fill(kafka: KafkaSettings, topic: str, *values: bytes, partition: int = 0, key: bytes | None = None) -> None:
    async with producer(kafka) as client:
        for value in values:
            await client.send(topic, value, key=key, partition=partition)


@asynccontextmanager
async def transactions(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**client_options(kafka), transactional_id="reader-test")
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def read(kafka: KafkaSettings, topic: str, **options: object) -> dict[int, list[int]]:
    """Offsets by partition; fails when a list of records mixes partitions, or does not end."""
    found: dict[int, list[int]] = {}
    async with asyncio.timeout(30):
        async for records in read_topic(kafka, topic, **options):  # type: ignore[arg-type]
            assert len({record.partition for record in records}) == 1
            found.setdefault(records[0].partition, []).extend(record.offset for record in records)
    return found


async def test_an_absent_topic_and_an_empty_one_yield_nothing(kafka: KafkaSettings) -> None:
    assert await read(kafka, "reader-absent") == {}
    assert await end_offsets(kafka, "reader-absent") == {}
    assert await read(kafka, await create(kafka, "reader-empty", 3)) == {}


async def test_every_record_of_every_partition_comes_in_order_with_progress(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-all", 3)
    await fill(kafka, topic, *(b"x" * 500 for _ in range(3000)), partition=0)
    await fill(kafka, topic, b"alone", partition=2)
    seen: list[tuple[int, int]] = []
    found = await read(kafka, topic, progress=lambda done, total: seen.append((done, total)))
    assert found == {0: list(range(3000)), 2: [0]}
    assert seen[-1] == (3001, 3001)
    assert seen == sorted(seen)


async def test_a_part_of_it_is_read_by_offsets(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-part", 3)
    for partition in range(3):
        await fill(kafka, topic, *[b"x"] * 10, partition=partition)
    assert await read(kafka, topic, start={0: 7, 1: 10, 2: 99}) == {0: [7, 8, 9]}
    assert await read(kafka, topic, end={0: 3, 2: 99}) == {0: [0, 1, 2], 2: list(range(10))}
    assert await read(kafka, topic, start={0: 4}, end={0: 6, 1: 0}) == {0: [4, 5]}
    assert await read(kafka, topic, end={}) == {}


async def test_transaction_markers_are_gaps_inside_and_at_the_end(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-markers", 2)
    async with transactions(kafka) as client:
        for number in range(3):
            async with client.transaction():
                await client.send_and_wait(topic, str(number).encode(), partition=0)
    assert await end_offsets(kafka, topic) == {0: 6, 1: 0}
    seen: list[tuple[int, int]] = []
    assert await read(kafka, topic, progress=lambda done, total: seen.append((done, total))) == {0: [0, 2, 4]}
    assert seen[-1] == (6, 6)
    assert await read(kafka, topic, start={0: 5}) == {}
    assert await read(kafka, topic, end={0: 2}) == {0: [0]}


async def test_it_begins_where_retention_has_left_off(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-trimmed")
    await fill(kafka, topic, *[b"x"] * 10)
    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=6)})
    assert await begin_offsets(kafka, topic) == {0: 6}
    assert await read(kafka, topic, start={0: 2}) == {0: [6, 7, 8, 9]}
    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=10)})
    assert await read(kafka, topic) == {}


async def test_what_compaction_has_taken_is_a_gap(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-compacted", **COMPACT_SOON)
    await fill(kafka, topic, *[b"old"] * 50, key=b"same")
    async with asyncio.timeout(90), producer(kafka) as client:
        found = await read(kafka, topic)
        while len(found[0]) == (await end_offsets(kafka, topic))[0]:
            # A segment is rolled, and then compacted, only when another record comes.
            await client.send_and_wait(topic, b"new", key=b"same", partition=0)
            found = await read(kafka, topic)
    end = (await end_offsets(kafka, topic))[0]
    assert found[0] == sorted(set(found[0]))
    assert len(found[0]) < end
    assert found[0][-1] == end - 1


async def test_records_that_come_while_it_reads_are_left_for_the_next_time(kafka: KafkaSettings) -> None:
    topic = await create(kafka, "reader-moving")
    await fill(kafka, topic, *[b"x"] * 10)
    count = 0
    async with asyncio.timeout(30):
        async for records in read_topic(kafka, topic):
            await fill(kafka, topic, *[b"y"] * 5)
            count += len(records)
    assert count == 10
