"""The producer against the real Kafka: what it says was delivered is in the topic, once, in order."""

import asyncio
import hashlib
from collections import Counter
from itertools import count

import aiokafka
import pytest

from streamapp.errors import BrokerUnreachableError
from streamapp.kafka.ports import free_port
from streamapp.kafka.topics import end_offsets, ensure_topics, worker_topics
from streamapp.settings import KafkaSettings
from streamapp.sources.manifest import Manifest, ManifestWriter
from streamapp.sources.producer import produce
from streamapp.sources.record import Record
from streamapp.sources.shares import Shares
from streamapp.sources.shop import open_shop

pytestmark = pytest.mark.broker
NOW = 1_763_705_204.0
ALL_SORTS = Shares(duplicates=0.1, late=0.1, invalid=0.05, tombstones=0.01)


async def create_topic(broker, name):
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic=name, partitions=4)
    await ensure_topics(kafka, [spec for spec in worker_topics(kafka) if spec.name == name])
    return kafka


async def read_topic(kafka):
    ends = await end_offsets(kafka, kafka.topic)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [aiokafka.TopicPartition(kafka.topic, partition) for partition in ends]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = []
        async with asyncio.timeout(30):
            while len(found) < sum(ends.values()):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
        return found
    finally:
        await consumer.stop()


async def test_the_topic_holds_exactly_what_the_manifest_says(broker, tmp_path):
    kafka = await create_topic(broker, "producer-all")
    shop = open_shop(seed=1, now=NOW, count=5_000, shares=ALL_SORTS)
    with ManifestWriter(tmp_path / "manifest", seed=1, topic=kafka.topic, describe=shop.describe) as manifest:
        delivered = await produce(shop.records(5_000), kafka, on_delivered=manifest.add)
    assert (delivered.records, delivered.unconfirmed, delivered.interrupted) == (5_000, 0, False)
    again = open_shop(seed=1, now=NOW, count=5_000, shares=ALL_SORTS)
    sent = Counter((record.key, record.value) for record in again.records(5_000))
    found = await read_topic(kafka)
    assert Counter((record.key, record.value) for record in found) == sent
    planted = Manifest.read(tmp_path / "manifest")
    assert (planted.records, planted.complete) == (5_000, True)
    digests = Counter(hashlib.sha256(record.value or b"").hexdigest() for record in found)
    assert all(digests[digest] >= times for (digest, _, _), times in planted.invalid.items())


async def test_the_records_of_a_key_keep_their_order(broker):
    kafka = await create_topic(broker, "producer-order")
    records = [Record(f"user-{number % 7}".encode(), str(number).encode()) for number in range(3_000)]
    await produce(records, kafka)
    by_key: dict[bytes, list[int]] = {}
    for record in sorted(await read_topic(kafka), key=lambda record: (record.partition, record.offset)):
        by_key.setdefault(record.key, []).append(int(record.value))
    assert len(by_key) == 7
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_a_cancelled_producer_drains_and_tells_the_truth(broker):
    kafka = await create_topic(broker, "producer-cancel")
    under_way = asyncio.Event()
    endless = (Record(str(number % 50).encode(), str(number).encode()) for number in count())
    task = asyncio.create_task(produce(endless, kafka, rate=2_000, on_progress=lambda _: under_way.set()))
    async with asyncio.timeout(30):
        await under_way.wait()
        task.cancel()
        delivered = await task
    assert delivered.interrupted
    assert delivered.unconfirmed == 0
    assert delivered.records == sum((await end_offsets(kafka, kafka.topic)).values()) > 0


async def test_a_broker_that_is_not_there_is_named():
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(BrokerUnreachableError, match=kafka.bootstrap_servers):
        await produce([], kafka)
