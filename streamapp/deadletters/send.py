"""Records to topics, confirmed, or an error: an operator is waiting, so the line is not held for ever.

In: groups of records, each with its topic and partition. Out: nothing, once every one is confirmed by Kafka.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from streamapp.kafka.clients import producer_options, reached
from streamapp.kafka.sender import Outgoing, Sender
from streamapp.settings import KafkaSettings

CONFIRM_SECONDS = 30.0
"""A broker that is there confirms in milliseconds; one that restarts is back in ten seconds."""

GOODBYE_SECONDS = 2.0
"""How long to wait for connections to close; what they carried was confirmed, or given up with an error."""


class Posted(NamedTuple):
    """A record, and where it goes."""

    topic: str
    partition: int
    record: Outgoing


class Post:
    """Sends; made by `open_post`."""

    def __init__(self, kafka: KafkaSettings, sender: Sender) -> None:
        self._kafka = kafka
        self._sender = sender

    async def send(self, posted: Sequence[Posted]) -> None:
        """Return once every record is confirmed; those of one partition keep their order.

        Raises BrokerUnreachableError after half a minute without an answer, ConfigurationError for a record that the
        topic is too small for. Some of the records may have arrived then.
        """
        by_place: dict[tuple[str, int], list[Outgoing]] = {}
        for one in posted:
            by_place.setdefault((one.topic, one.partition), []).append(one.record)
        async with reached(self._kafka), asyncio.timeout(CONFIRM_SECONDS):
            for (topic, partition), records in by_place.items():
                await self._sender.send(topic, partition, records)


@asynccontextmanager
async def open_post(kafka: KafkaSettings) -> AsyncIterator[Post]:
    """Give a `Post`, and let go of its connection afterwards."""
    sender = Sender(lambda: AIOKafkaProducer(**producer_options(kafka)))
    try:
        yield Post(kafka, sender)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await sender.close()
