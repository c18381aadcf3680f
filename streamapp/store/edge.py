"""Qdrant's engine as a `VectorStore`, in a process of its own: it blocks its process for moments, never this one.

In: points and questions, from any number of tasks. Out: confirmed writes, answers. The process is started by `open`,
and again by the next call when it has died; what it had confirmed is there again. The trap: a long write goes over in
frames, so a write that fails in the middle (StoreUnavailableError) may be there in part; repeat it, ids make it whole.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from streamapp.errors import ConfigurationError, StoreUnavailableError
from streamapp.store import wire
from streamapp.store.check import check_ids, check_points, check_query, encode_payloads
from streamapp.store.link import EngineLink, start_engine
from streamapp.store.store import Collection, Hit, Page, Points, StoredPoint, Vectors, Where

FRAME_POINTS = 250
"""The engine writes 250 as fast as 1,000 at a time, and they keep a search waiting for 12 ms."""
PATIENCE_SECONDS = 10.0
"""How long to wait for a process that holds the folder: one whose parent was killed ends well within it."""

Answer = TypeVar("Answer")


class EdgeStore:
    """The points of one folder. Only one process can hold it; a second `open` raises ConfigurationError."""

    def __init__(self, folder: Path, timeout_seconds: float, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._folder = folder
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._collections: dict[str, Collection] = {}
        self._link: EngineLink | None = None
        self._starting = asyncio.Lock()
        self._is_open = False

    async def open(self, collections: Sequence[Collection]) -> None:
        """Start the process and create what does not exist; see `VectorStore.open`."""
        self._is_open = True
        try:
            link = await self._linked()
            await link.ask(wire.Open(list(collections)))
        except BaseException:  # a store that could not be opened holds nothing, also when opening was cancelled
            await self.close()
            raise
        self._collections |= {collection.name: collection for collection in collections}

    async def close(self) -> None:
        """Flush and end the process. Calling it twice is harmless."""
        self._is_open = False
        async with self._starting:
            link, self._link = self._link, None
            if link is not None:
                await link.close()

    @property
    def process_id(self) -> int | None:
        """The engine's process; None while there is none."""
        return self._link.process.pid if self._link is not None and self._link.lost is None else None

    async def upsert(self, collection: str, points: Points) -> None:
        """Write the points; they survive a kill of any process from when this returns."""
        check_points(points, self._dimension(collection))
        # Everything is encoded before anything is sent, so that a bad payload refuses the whole batch.
        calls = [_encode_upsert(collection, points, start) for start in range(0, len(points.ids), FRAME_POINTS)]
        outcomes = await asyncio.gather(*(self._ask(call, Any) for call in calls), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        """Delete by id, by filter, or (both given) the points of these ids that match."""
        check_ids(ids)
        if not ids and where is None:
            return 0
        return await self._ask(wire.Delete(collection, list(ids) or None, _filter(where)), int)

    async def search(self, collection: str, vector: Vectors, limit: int, where: Where | None = None) -> list[Hit]:
        """The nearest points, exactly, best first."""
        check_query(vector, self._dimension(collection))
        raw = np.ascontiguousarray(vector, dtype=np.float32).tobytes()
        return await self._ask(wire.Search(collection, raw, limit, _filter(where)), list[Hit])

    async def retrieve(self, collection: str, ids: Sequence[str], with_vectors: bool = False) -> list[StoredPoint]:
        """The points of these ids that exist."""
        check_ids(ids)
        return await self._ask(wire.Retrieve(collection, list(ids), with_vectors), list[StoredPoint])

    async def scroll(
        self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Page:  # fmt: skip
        """A page of points in id order."""
        call = wire.Scroll(collection, after, limit, None if fields is None else list(fields), _filter(where))
        points, more = await self._ask(call, tuple[list[StoredPoint], bool])
        return Page(points, points[-1].id if more and points else None)

    async def count(self, collection: str, where: Where | None = None) -> int:
        """How many points match, exactly."""
        return await self._ask(wire.Count(collection, _filter(where)), int)

    async def _ask(self, call: wire.Call, answer: type[Answer]) -> Answer:
        return msgspec.msgpack.decode(await (await self._linked()).ask(call), type=answer)

    async def _linked(self) -> EngineLink:
        """The running process; started, and given the collections again, where it has died."""
        if self._link is not None and self._link.lost is None:
            return self._link
        async with self._starting:
            if not self._is_open:
                raise StoreUnavailableError(f"The store in {self._folder} is closed.", "Open it first.")
            if self._link is None or self._link.lost is not None:
                self._link = await self._start()
            return self._link

    async def _start(self) -> EngineLink:
        if self._link is not None:
            await self._link.close()
        link = await start_engine(self._folder, self._timeout_seconds, self._patience_seconds)
        try:
            await link.ask(wire.Open(list(self._collections.values())))
        except BaseException:  # whatever it was, cancellation too, no process is left behind
            await link.close()
            raise
        return link

    def _dimension(self, collection: str) -> int:
        try:
            return self._collections[collection].dimension
        except KeyError:
            raise ConfigurationError(f"The collection '{collection}' has not been opened.") from None


def _encode_upsert(collection: str, points: Points, start: int) -> wire.Upsert:
    """One frame's worth of points, with only the vectors that they use."""
    stop = min(start + FRAME_POINTS, len(points.ids))
    used, rows = np.unique(np.asarray(points.rows[start:stop], dtype=np.int64), return_inverse=True)
    vectors = np.ascontiguousarray(points.vectors[used], dtype=np.float32)
    return wire.Upsert(
        collection,
        list(points.ids[start:stop]),
        encode_payloads(points, start, stop),
        rows.tolist(),
        vectors.tobytes(),
    )


def _filter(where: Where | None) -> wire.Filter:
    return {key: value if isinstance(value, str | int) else list(value) for key, value in (where or {}).items()}
