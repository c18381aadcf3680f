"""The common ground: one local broker in a temporary folder, topics filled once, vectors made once.

In: a `Load`. Out: topics that hold it, and `Task`s for contenders, each with a fresh home and a warm vector cache.
The trap: whoever leaves the `async with` takes the broker and every folder with them, also on Ctrl-C.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.contenders import Task, save_vectors
from benchmarks.load import Load
from streamapp.embedding.create import create_vectors
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.ports import free_port
from streamapp.kafka.topics import TopicSpec, ensure_topics
from streamapp.settings import BrokerSettings, EmbeddingSettings, KafkaSettings
from streamapp.sources.producer import produce

PARTITIONS = 16
Say = Callable[[str], None]


class Ground:
    """A broker, filled topics and warm vectors; use it as `async with`."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._folder = Path(tempfile.mkdtemp(prefix="streamapp-bench-"))
        self.broker = LocalBroker(self._folder / "broker", BrokerSettings(), free_port(), die_with_parent=True)

    async def __aenter__(self) -> Self:
        """Start the broker."""
        self._say("starting a local Kafka")
        try:
            await self.broker.__aenter__()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker and delete everything."""
        await self.broker.__aexit__(kind, error, trace)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def kafka(self, topic: str, group: str = "bench") -> KafkaSettings:
        """The settings for one topic here."""
        return KafkaSettings(
            bootstrap_servers=self.broker.bootstrap_servers, topic=topic, group=group, partitions=PARTITIONS
        )

    async def fill(self, topic: str, load: Load) -> None:
        """Make a topic and produce the load into it."""
        kafka = self.kafka(topic)
        await ensure_topics(kafka, [TopicSpec(topic, PARTITIONS)])
        self._say(f"producing {len(load.records):,} records into {topic}")
        await produce(load.records, kafka)

    async def warm(self, texts: list[str]) -> None:
        """Embed every text once: into the disk cache that each home starts with, and into a file for the rivals."""
        self._say(f"embedding {len(texts):,} texts, once for all contenders")
        service = create_vectors(EmbeddingSettings(), self._folder / "warm")
        try:
            vectors, rows = await service.vectors(texts)
        finally:
            await service.close()
        save_vectors(self._folder / "vectors.npz", texts, vectors[rows])

    async def task(self, name: str, topic: str) -> Task:
        """What the contender of this name is told: a group, a dead-letter topic and a home of its own."""
        home = self._folder / name
        await asyncio.to_thread(shutil.copytree, self._folder / "warm", home)
        dead_letters = f"{name}-dlq"
        await ensure_topics(self.kafka(topic), [TopicSpec(dead_letters, 1, {"max.message.bytes": "8388608"})])
        vectors = str(self._folder / "vectors.npz")
        return Task(self.broker.bootstrap_servers, topic, dead_letters, name, str(home), vectors)

    async def drop(self, task: Task) -> None:
        """Forget a contender's home."""
        await asyncio.to_thread(shutil.rmtree, task.home, ignore_errors=True)
