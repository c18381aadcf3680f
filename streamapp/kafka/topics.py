"""The topics that streamapp needs, and what Kafka itself says about a topic's offsets.

In: the kafka section of the settings. Out: topics made with the right partitions before anybody uses them; offsets
per partition. Trap: asking Kafka for the metadata of one missing topic can create it, with the wrong partitions; so
the metadata of all topics is asked for, which never does.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code

from streamapp.errors import BrokerUnreachableError, ConfigurationError
from streamapp.kafka.clients import DEAD_LETTER_BYTES, admin, client_options, reached
from streamapp.settings import KafkaSettings

DEAD_LETTERS_BYTES = 4 * 1024**3
"""What the dead-letter topic may hold before it lets go of the oldest: millions of letters."""

ANY_TIME_MS = 2**63 - 1

ALREADY_EXISTS = 36
VISIBLE_SECONDS = 30.0
"""A new topic has its leaders in well under a second; a busy cluster may take some."""


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it should be; `exact` refuses an existing one with another number of partitions."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False


def worker_topics(kafka: KafkaSettings) -> list[TopicSpec]:
    """Return the topics that must be there before the worker starts: the events' and the dead letters'."""
    dead_letters = {
        "max.message.bytes": str(DEAD_LETTER_BYTES),
        # Letters keep their record's timestamp, whatever it is: it must neither refuse them nor make them old.
        "message.timestamp.after.max.ms": str(ANY_TIME_MS),
        "message.timestamp.before.max.ms": str(ANY_TIME_MS),
        "retention.ms": "-1",
        "retention.bytes": str(DEAD_LETTERS_BYTES),
    }
    return [TopicSpec(kafka.topic, kafka.partitions), TopicSpec(kafka.dlq, 1, dead_letters)]


async def ensure_topics(kafka: KafkaSettings, specs: Sequence[TopicSpec]) -> list[str]:
    """Create the topics that are missing, wait until they can be used, and return their names.

    An existing topic stays as it is. Raises `ConfigurationError` for one with other partitions than an `exact` spec
    wants and for a topic that Kafka refuses, `BrokerUnreachableError` when no broker answers.
    """
    async with admin(kafka) as client:
        existing = await _partitions(client)
        missing = [spec for spec in specs if spec.name not in existing]
        if missing:
            await _create(client, kafka, missing)
            existing = await _wait_visible(client, missing)
    check_partitions(specs, existing)
    return [spec.name for spec in missing]


def check_partitions(specs: Sequence[TopicSpec], existing: Mapping[str, int]) -> None:
    """Raise `ConfigurationError` for the first `exact` spec whose topic has another number of partitions."""
    for spec in specs:
        there = existing.get(spec.name, spec.partitions)
        if spec.exact and there != spec.partitions:
            raise ConfigurationError(
                f"Topic {spec.name} has {there} partitions, and {spec.partitions} are needed.",
                f"Set STREAMAPP_KAFKA__PARTITIONS={there}, or delete the topic (and its events) and start again, "
                "or use another topic.",
            )


async def topic_partitions(kafka: KafkaSettings, topic: str) -> int:
    """Return how many partitions a topic has; 0 when there is no such topic."""
    async with admin(kafka) as client:
        return (await _partitions(client)).get(topic, 0)


async def begin_offsets(kafka: KafkaSettings, topic: str) -> dict[int, int]:
    """Return the first offset that is still there, by partition; empty when there is no such topic."""
    return await _offsets(kafka, topic, "beginning_offsets")


async def end_offsets(kafka: KafkaSettings, topic: str) -> dict[int, int]:
    """Return the offset that the next record will get, by partition; empty when there is no such topic."""
    return await _offsets(kafka, topic, "end_offsets")


async def committed_offsets(kafka: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """Return the group's committed offset (the next to read) by partition, for the partitions that have one."""
    async with admin(kafka) as client:
        partitions = [TopicPartition(topic, n) for n in range((await _partitions(client)).get(topic, 0))]
        if not partitions:
            return {}
        found = await _group_offsets(client, group, partitions)
    return {tp.partition: there.offset for tp, there in sorted(found.items()) if there.offset >= 0}


async def _group_offsets(client: Any, group: str, partitions: list[TopicPartition]) -> dict[TopicPartition, Any]:
    """Ask the group's coordinator, which a fresh broker chooses (and makes a topic for) at the first question."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while True:
        try:
            found: dict[TopicPartition, Any] = await client.list_consumer_group_offsets(group, partitions=partitions)
        except GroupCoordinatorNotAvailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return found


async def _partitions(client: Any) -> dict[str, int]:
    """Return the number of partitions of every topic."""
    return {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}


async def _create(client: Any, kafka: KafkaSettings, specs: Sequence[TopicSpec]) -> None:
    new = [NewTopic(spec.name, spec.partitions, kafka.replication, topic_configs=dict(spec.config)) for spec in specs]
    answer = await client.create_topics(new)
    for name, code, *why in answer.topic_errors:
        if code not in (0, ALREADY_EXISTS):  # another process may have been faster
            reason = (why[0] if why else None) or for_code(code).__name__
            raise ConfigurationError(
                f"Kafka at {kafka.bootstrap_servers} refuses to create topic {name}: {reason}",
                "Create it yourself, or mend STREAMAPP_KAFKA__REPLICATION, STREAMAPP_KAFKA__PARTITIONS or our rights.",
            )


async def _wait_visible(client: Any, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Wait until every new topic has a leader for each partition; return the partitions of all topics."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    names = {spec.name for spec in specs}
    while True:
        topics = [topic for topic in await client.describe_topics() if topic["topic"] in names]
        led = {t["topic"] for t in topics if t["partitions"] and all(p["leader"] >= 0 for p in t["partitions"])}
        if led == names:
            return await _partitions(client)
        if time.monotonic() > deadline:
            raise BrokerUnreachableError(
                f"Kafka created {', '.join(sorted(names - led))} but gave no leader within {VISIBLE_SECONDS:.0f} s.",
                "Look at the brokers' health and try again.",
            )
        await asyncio.sleep(0.05)


async def _offsets(
    kafka: KafkaSettings, topic: str, which: Literal["beginning_offsets", "end_offsets"]
) -> dict[int, int]:
    """Ask a consumer without a group for the offsets of all partitions of a topic."""
    partitions = [TopicPartition(topic, n) for n in range(await topic_partitions(kafka, topic))]
    if not partitions:
        return {}  # and no consumer, whose `stop` right after `start` raises CancelledError (aiokafka 0.14)
    async with reached(kafka):
        consumer = AIOKafkaConsumer(**client_options(kafka), group_id=None, enable_auto_commit=False)
        try:
            await consumer.start()
            found = await getattr(consumer, which)(partitions)
        finally:
            await consumer.stop()
    return {tp.partition: offset for tp, offset in sorted(found.items())}
