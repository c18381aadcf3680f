"""Stock Faust: its own transport, one event at a time, a RocksDB table for the ids, uvloop as it recommends.

What is in its favour: writing point by point would be hopeless, so events gather, and every 100 of them (or what has
come within 50 ms) go to the store as a task of their own, up to four at a time, acked when the store has confirmed.
Vectors come from an array, and what is remembered per id is one byte. It keeps no live tables and no ledger. Its
table is written event by event because Faust takes a write's partition from the event in hand (never inside `take`).
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import faust
import uvloop

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

GATHER_EVENTS = 100
GATHER_SECONDS = 0.05
WRITES_AT_ONCE = 4
PARTITIONS = 16


class Gather:
    """Events on their way to the store; each is acked when its points are confirmed."""

    def __init__(self, task: Task) -> None:
        self._topic = task.topic
        self._row_of, self._vectors = load_vectors(task.vectors)
        self._newest = Newest()
        self._products = asyncio.Lock()
        self._room = asyncio.Semaphore(WRITES_AT_ONCE)
        self._writing: set[asyncio.Task[None]] = set()
        self._fresh: list[Known] = []
        self._held: list[Any] = []
        self._letters: list[Any] = []
        self.store: EdgeStore | None = None

    async def add(self, event: Any, known: Known | None = None, letter: Any = None) -> None:
        """Take one event, with what is to be written of it; waits while four writes are under way."""
        self._held.append(event)
        if known is not None:
            self._fresh.append(known)
        if letter is not None:
            self._letters.append(letter)
        if len(self._held) >= GATHER_EVENTS:
            await self.write()

    async def write(self) -> None:
        """Begin to write what has gathered."""
        if not self._held:
            return
        await self._room.acquire()
        job = asyncio.create_task(self._write(self._fresh, self._held, self._letters))
        self._fresh, self._held, self._letters = [], [], []
        self._writing.add(job)
        job.add_done_callback(self._writing.discard)

    async def _write(self, fresh: list[Known], held: list[Any], letters: list[Any]) -> None:
        try:
            if fresh:
                await self._upsert(fresh)
            await asyncio.gather(*letters)
            for event in held:
                event.ack()
        finally:
            self._room.release()

    async def _upsert(self, fresh: list[Known]) -> None:
        assert self.store is not None
        rows = [self._row_of[text_of(one.event)] for one in fresh]
        await self.store.upsert(EVENTS, event_points(fresh, self._topic, self._vectors, rows))
        async with self._products:
            changed = self._newest.changed(fresh)
            if changed:
                await self.store.upsert(PRODUCTS, product_points(fresh, changed, self._vectors, rows))

    async def close(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*self._writing)
        if self.store is not None:
            await self.store.close()


class StockApp(faust.App):  # type: ignore[misc]  # faust ships no types that hold
    """A Faust app that opens its store first."""

    gather: Gather
    folder: Path

    async def on_start(self) -> None:
        """Open the store, then start."""
        self.gather.store = await open_store(self.folder)
        await super().on_start()

    async def on_stop(self) -> None:
        """Stop, then close the store."""
        await super().on_stop()
        await self.gather.close()


def create_app(task: Task) -> StockApp:
    """The app, as Faust's own documentation would have it."""
    app = StockApp(
        task.group,
        broker=f"kafka://{task.bootstrap_servers}",
        store="rocksdb://?driver=rocksdict",
        datadir=str(Path(task.home) / "faust"),
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        stream_wait_empty=False,
    )
    app.gather = Gather(task)
    app.folder = task.store
    seen = app.Table("seen", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
    dead_letters = app.topic(task.dead_letters, key_type=bytes, value_type=bytes, value_serializer="raw")
    topic = app.topic(task.topic, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(topic, name="ingest")  # type: ignore[untyped-decorator]
    async def ingest(stream: Any) -> None:
        begun = False
        async for event in stream.noack().events():
            if not begun:
                begun = True
                say_begun()
            message = event.message
            known = decode(message.value, message.partition, message.offset)
            if known is None:
                # aiokafka sends no record without key and value.
                letter = await dead_letters.send(key=message.key, value=message.value or b"")
                await app.gather.add(event, letter=letter)
                continue
            key = known.event.event_id.bytes
            if key in seen:
                await app.gather.add(event)
                continue
            seen[key] = b"1"
            await app.gather.add(event, known)

    @app.timer(GATHER_SECONDS)  # type: ignore[untyped-decorator]
    async def write_the_rest() -> None:
        await app.gather.write()

    return app


if __name__ == "__main__":
    uvloop.install()
    faust.Worker(
        create_app(read_task(sys.argv[1])), loglevel="warning", redirect_stdouts=False
    ).execute_from_commandline()
