"""The loop an engineer writes by hand in an afternoon, with care: confluent-kafka, one process.

Batches of 2,000 records are consumed and checked in a thread while the batch before is being written; offsets are
committed when the store has confirmed. Invalid records go to a dead-letter topic, ids are in a set, vectors in an
array. What it does not have: live tables, a ledger, a memory of ids that survives a restart or a rebalance (a crash
brings duplicates back, which only deterministic point ids make harmless), retries, back-off, pages, metrics.
"""

import asyncio
import signal
import sys
from typing import NamedTuple
from uuid import UUID

import uvloop
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks.contenders import Task, load_vectors, read_task, say_begun
from benchmarks.contenders.byhand import (
    EVENTS,
    PRODUCTS,
    Known,
    Newest,
    decode,
    event_points,
    open_store,
    product_points,
    text_of,
)
from streamapp.store.edge import EdgeStore

BATCH_RECORDS = 2000
POLL_SECONDS = 0.1


class Batch(NamedTuple):
    """What is to be written, and what may be committed then."""

    fresh: list[Known]
    rows: list[int]
    offsets: dict[int, int]


class Loop:
    """Consume, check, write, commit."""

    def __init__(self, task: Task, store: EdgeStore) -> None:
        self._task = task
        self._store = store
        self._row_of, self._vectors = load_vectors(task.vectors)
        self._seen: set[UUID] = set()
        self._newest = Newest()
        self._begun = False
        self._letters = Producer({"bootstrap.servers": task.bootstrap_servers, "enable.idempotence": True})
        self._consumer = Consumer(
            {
                "bootstrap.servers": task.bootstrap_servers,
                "group.id": task.group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        self._consumer.subscribe([self._task.topic])
        writing: asyncio.Task[None] | None = None
        while not stop.is_set():
            batch = await asyncio.to_thread(self._next)
            if writing is not None:
                await writing
            writing = asyncio.create_task(self._write(batch)) if batch is not None else None
        if writing is not None:
            await writing
        self._consumer.close()

    def _next(self) -> Batch | None:
        """The next batch, checked and judged; runs in a thread beside the writing of the one before."""
        messages = self._consumer.consume(BATCH_RECORDS, POLL_SECONDS)
        if not messages:
            return None
        if not self._begun:
            self._begun = True
            say_begun()
        batch = Batch([], [], {})
        for message in messages:
            if message.error():
                raise RuntimeError(str(message.error()))
            self._judge(message, batch)
        return batch

    def _judge(self, message: Message, batch: Batch) -> None:
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        batch.offsets[partition] = offset + 1
        known = decode(message.value(), partition, offset)
        if known is None:
            self._letters.produce(self._task.dead_letters, key=message.key(), value=message.value())
        elif known.event.event_id not in self._seen:
            self._seen.add(known.event.event_id)
            batch.fresh.append(known)
            batch.rows.append(self._row_of[text_of(known.event)])

    async def _write(self, batch: Batch) -> None:
        if batch.fresh:
            await self._store.upsert(EVENTS, event_points(batch.fresh, self._task.topic, self._vectors, batch.rows))
            changed = self._newest.changed(batch.fresh)
            if changed:
                points = product_points(batch.fresh, changed, self._vectors, batch.rows)
                await self._store.upsert(PRODUCTS, points)
        await asyncio.to_thread(self._letters.flush)
        done = [TopicPartition(self._task.topic, partition, offset) for partition, offset in batch.offsets.items()]
        self._consumer.commit(offsets=done, asynchronous=True)


async def main(task: Task) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = await open_store(task.store)
    try:
        await Loop(task, store).run(stop)
    finally:
        await store.close()


if __name__ == "__main__":
    uvloop.run(main(read_task(sys.argv[1])))
