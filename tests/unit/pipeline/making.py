"""Events, records and plans as the pipeline's tests need them, and Kafka's side of a checkpoint."""

import asyncio
import uuid
from collections.abc import Sequence
from types import SimpleNamespace

import msgspec
from aiokafka.structs import ConsumerRecord

from streamapp.events import Event, Product
from streamapp.kafka.sender import Outgoing
from streamapp.kafka.transport import RecordBatch
from streamapp.pipeline.decode import create_decoder
from streamapp.settings import EventSettings

TOPIC = "ecommerce-events"
NOON = 1_750_000_000.0
decode = create_decoder(EventSettings(contract="strict"))


def event_id(number):
    return str(uuid.UUID(int=number))


def event(number=1, *, at=NOON, user="u-1", kind="page_view", product="p-1", name="Kettle", price=10.0):
    described = Product(product, name, f"{name}, described", "Kitchen", price)
    return Event(event_id(number), at, user, kind, described, "s-1")


def record(offset, value=None, *, key=b"u-1", partition=0, timestamp=NOON, headers=()):
    """One record as aiokafka hands it over; `value` may be an Event."""
    data = msgspec.json.encode(value) if isinstance(value, Event) else value
    return ConsumerRecord(
        TOPIC, partition, offset, int(timestamp * 1000), 0, key, data, None, len(key or b""), len(data or b""),
        tuple(headers),
    )  # fmt: skip


def tombstone(offset, key, **more):
    return record(offset, None, key=key.encode(), **more)


class Batch:
    """A Faust event that carries a batch, as far as a lane looks at it."""

    def __init__(self, *records, generation_id=1):
        batch = RecordBatch(records[0].offset, list(records))
        self.message = SimpleNamespace(
            value=batch, offset=records[-1].offset, partition=records[0].partition, generation_id=generation_id
        )

    def __repr__(self):
        return f"Batch({self.message.value.first}..{self.message.offset})"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


class KafkaLog:
    """Kafka's side of `Sender`: keeps what was sent, can be told to fail, or to hold an answer back."""

    def __init__(self):
        self.sent: list[tuple[str, int, list[Outgoing]]] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()
        self.on_send = lambda topic: None

    async def send(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        self.on_send(topic)
        self.waiting.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((topic, partition, list(records)))
        return sum(len(records) for name, _, records in self.sent if name == topic) - 1

    def topics(self):
        return [topic for topic, _, _ in self.sent]

    def records(self, topic):
        return [one for name, _, records in self.sent if name == topic for one in records]


async def until(condition, seconds=5.0):
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition; a turn of the loop is all it waits
            await asyncio.sleep(0)
