"""Topics on a real Kafka: made as wanted, never by accident, never changed; their offsets as Kafka tells them."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamapp.errors import BrokerUnreachableError, ConfigurationError
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import admin, check_broker, client_options, producer
from streamapp.kafka.ports import free_port
from streamapp.kafka.topics import (
    TopicSpec,
    begin_offsets,
    committed_offsets,
    end_offsets,
    ensure_topics,
    topic_partitions,
    worker_topics,
)
from streamapp.settings import KafkaSettings

pytestmark = pytest.mark.broker


def settings(broker: LocalBroker, topic: str = "ecommerce-events", partitions: int = 16) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic=topic, partitions=partitions)


async def test_the_workers_topics_are_made_once_with_their_partitions(broker: LocalBroker) -> None:
    kafka = settings(broker, "orders", 5)
    assert await ensure_topics(kafka, worker_topics(kafka)) == ["orders", "orders-dlq"]
    assert await ensure_topics(kafka, worker_topics(kafka)) == []
    assert await topic_partitions(kafka, "orders") == 5
    assert await topic_partitions(kafka, "orders-dlq") == 1


async def test_two_at_once_may_make_the_same_topics(broker: LocalBroker) -> None:
    kafka = settings(broker, "raced", 3)
    made = await asyncio.gather(*(ensure_topics(kafka, worker_topics(kafka)) for _ in range(3)))
    assert all(set(names) <= {"raced", "raced-dlq"} for names in made)
    assert await topic_partitions(kafka, "raced") == 3


async def test_dead_letters_may_be_large_and_of_any_age(broker: LocalBroker) -> None:
    kafka = settings(broker, "large", 1)
    await ensure_topics(kafka, worker_topics(kafka))
    async with admin(kafka) as client:
        answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "large-dlq")])
    values = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
    assert values["max.message.bytes"] == str(8 * 1024 * 1024)
    assert values["retention.ms"] == "-1"
    assert int(values["retention.bytes"]) > 0
    async with producer(kafka.model_copy(update={"compression": "none"})) as client:
        sent = await client.send_and_wait("large-dlq", bytes(3_000_000))
    assert sent.offset == 0


async def test_a_topic_with_other_partitions_is_named_when_it_must_fit(broker: LocalBroker) -> None:
    kafka = settings(broker)
    await ensure_topics(kafka, [TopicSpec("someones", 2)])
    await ensure_topics(kafka, [TopicSpec("someones", 16)])
    with pytest.raises(ConfigurationError) as caught:
        await ensure_topics(kafka, [TopicSpec("someones", 16, exact=True)])
    assert "Topic someones has 2 partitions, and 16 are needed" in str(caught.value)
    assert "STREAMAPP_KAFKA__PARTITIONS=2" in caught.value.hint


async def test_a_topic_that_kafka_refuses_is_named_with_the_reason(broker: LocalBroker) -> None:
    kafka = settings(broker).model_copy(update={"replication": 3})
    with pytest.raises(ConfigurationError) as caught:
        await ensure_topics(kafka, [TopicSpec("too-safe", 1)])
    assert "too-safe" in str(caught.value)
    assert "replication" in str(caught.value).lower()


async def test_asking_for_a_missing_topic_does_not_make_it(broker: LocalBroker) -> None:
    kafka = settings(broker)
    assert await topic_partitions(kafka, "nowhere") == 0
    assert await end_offsets(kafka, "nowhere") == {}
    assert await begin_offsets(kafka, "nowhere") == {}
    assert await committed_offsets(kafka, "nobody", "nowhere") == {}
    assert await topic_partitions(kafka, "nowhere") == 0


async def test_offsets_are_told_by_partition(broker: LocalBroker) -> None:
    kafka = settings(broker, "counted", 3)
    await ensure_topics(kafka, worker_topics(kafka))
    assert await committed_offsets(kafka, "readers", "counted") == {}
    async with producer(kafka) as client:
        for partition in (0, 2, 2):
            await client.send_and_wait("counted", b"x", partition=partition)
    assert await end_offsets(kafka, "counted") == {0: 1, 1: 0, 2: 2}
    assert await begin_offsets(kafka, "counted") == {0: 0, 1: 0, 2: 0}

    consumer = AIOKafkaConsumer(**client_options(kafka), group_id="readers", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition("counted", 2)])
        await consumer.commit({TopicPartition("counted", 2): 1})
    finally:
        await consumer.stop()
    assert await committed_offsets(kafka, "readers", "counted") == {2: 1}


async def test_a_broker_that_is_not_there_is_named_within_the_deadline() -> None:
    port = free_port()
    with pytest.raises(BrokerUnreachableError) as caught:
        await check_broker(KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}"), timeout_seconds=2)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "streamapp kafka" in caught.value.hint


async def test_something_that_is_no_broker_is_named_within_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(BrokerUnreachableError):
            await check_broker(KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}"), timeout_seconds=1)
