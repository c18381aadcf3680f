"""Sending what an event's fate depends on, on a real Kafka: confirmed, in order, whatever the records are like."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streamapp.errors import ConfigurationError
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import BATCH_BYTES, producer_options
from streamapp.kafka.ports import free_port
from streamapp.kafka.reader import read_topic
from streamapp.kafka.sender import Outgoing, Sender
from streamapp.kafka.topics import TopicSpec, end_offsets, ensure_topics
from streamapp.settings import BrokerSettings, KafkaSettings

pytestmark = pytest.mark.broker


@pytest.fixture
def kafka(broker: LocalBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


@pytest.fixture
async def sender(kafka: KafkaSettings) -> AsyncIterator[Sender]:
    made = create_sender(kafka)
    yield made
    await made.close()


def create_sender(kafka: KafkaSettings, **options: object) -> Sender:
    return Sender(lambda: AIOKafkaProducer(**producer_options(kafka), **options))


async def read(kafka: KafkaSettings, topic: str) -> list[tuple[int, Outgoing]]:
    return [
        (record.offset, Outgoing(record.key, record.value, record.timestamp, record.headers))
        async for records in read_topic(kafka, topic)
        for record in records
    ]


async def create(kafka: KafkaSettings, name: str, partitions: int = 1, **config: str) -> str:
    await ensure_topics(kafka, [TopicSpec(name, partitions, config)])
    return name


async def test_records_arrive_as_they_are_with_the_last_offset_told(kafka: KafkaSettings, sender: Sender) -> None:
    topic = await create(kafka, "sender-kinds")
    records = [
        Outgoing(b"k", b"v", 1_750_000_000_123),
        Outgoing(None, None, 1, [("reason", b"empty"), ("reason", b"again"), ("nothing", b"")]),
        Outgoing(b"", b"", 2),
        Outgoing(b"\xff\x00", None, 3),
        Outgoing(None, bytes(range(256)), 4),
    ]
    assert await sender.send(topic, 0, records) == 4
    assert [one for _, one in await read(kafka, topic)] == [one._replace(headers=tuple(one.headers)) for one in records]
    assert await sender.send(topic, 0, records[:1]) == 5


async def test_a_record_without_a_time_gets_the_time_of_day(kafka: KafkaSettings, sender: Sender) -> None:
    topic = await create(kafka, "sender-now")
    await sender.send(topic, 0, [Outgoing(b"k", b"v")])
    ((_, found),) = await read(kafka, topic)
    assert found.timestamp_ms is not None
    assert found.timestamp_ms > 1_700_000_000_000


async def test_lists_and_values_larger_than_a_batch_arrive_whole_and_in_order(
    kafka: KafkaSettings, sender: Sender
) -> None:
    topic = await create(kafka, "sender-large", **{"max.message.bytes": str(4 * 1024**2)})
    records = [
        Outgoing(
            str(number).encode(), bytes([number % 251]) * (3 * BATCH_BYTES if number % 40 == 7 else 700), number + 1
        )
        for number in range(1000)
    ]
    assert await sender.send(topic, 0, records) == 999
    assert [(place, one._replace(headers=())) for place, one in enumerate(records)] == [
        (offset, one._replace(headers=())) for offset, one in await read(kafka, topic)
    ]


async def test_partitions_and_topics_at_once_do_not_mix(kafka: KafkaSettings, sender: Sender) -> None:
    topics = [await create(kafka, f"sender-mix-{number}", 4) for number in range(3)]
    jobs = [(topic, partition) for topic in topics for partition in range(4)]
    lasts = await asyncio.gather(
        *(
            sender.send(topic, partition, [Outgoing(topic.encode(), str(partition).encode())] * 200)
            for topic, partition in jobs
        )
    )
    assert lasts == [199] * 12
    for topic in topics:
        async for records in read_topic(kafka, topic):
            assert {(record.key, record.value) for record in records} == {
                (topic.encode(), str(records[0].partition).encode())
            }


async def test_a_record_that_kafka_will_never_take_is_an_error_that_says_what_to_do(
    kafka: KafkaSettings, sender: Sender
) -> None:
    topic = await create(kafka, "sender-small", **{"max.message.bytes": "1000"})
    with pytest.raises(ConfigurationError) as caught:
        await sender.send(topic, 0, [Outgoing(None, b"\x00\x01\x02\x03" + os.urandom(5000))])
    assert "sender-small" in str(caught.value)
    assert "max.message.bytes" in caught.value.hint
    assert await sender.send(topic, 0, [Outgoing(None, b"small")]) == 0


async def test_a_broker_that_restarts_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    own = LocalBroker(tmp_path, BrokerSettings(heap_megabytes=256), free_port(), die_with_parent=True)
    kafka = KafkaSettings(bootstrap_servers=own.bootstrap_servers)
    sender = create_sender(kafka, request_timeout_ms=2000)  # so that a producer gives up, and is replaced
    sent: list[bytes] = []
    enough = asyncio.Event()
    stop = False

    async def work() -> None:
        while not stop:
            batch = [str(len(sent) + number).encode() for number in range(100)]
            last = await sender.send("things", 0, [Outgoing(None, value) for value in batch])
            assert last >= len(sent) + 99
            sent.extend(batch)
            enough.set()

    try:
        async with asyncio.timeout(120):
            async with own:
                await create(kafka, "things")
                working = asyncio.create_task(work())
                await enough.wait()
            enough.clear()
            while sender.failing_since is None:  # noqa: ASYNC110 - the sender tells nobody, it is asked
                await asyncio.sleep(0.01)
            async with own:
                await enough.wait()
                stop = True
                await working
                assert sender.failing_since is None
                found = [one.value for _, one in await read(kafka, "things")]
                assert sorted(set(found), key=lambda value: int(value or b"-1")) == sent
                again = len(found) - len(sent)
                print(f"{len(sent)} records over a restart of Kafka, {again} of them twice")
                assert again <= 100
                assert (await end_offsets(kafka, "things"))[0] == len(found)
                await sender.close()
    finally:
        own.stop()
