"""A small worker and a small store that really do what their protocols promise, in memory."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streamapp.errors import StoreUnavailableError
from streamapp.pipeline.views import Health, Row
from streamapp.store.memory import MemoryStore
from streamapp.store.store import Collection, Page, Vectors

EVENTS, PRODUCTS = "ecommerce_embeddings", "products"
DIMENSION = 64


class MemoryTable:
    """A `TableView` over a dict."""

    def __init__(self, name: str, help: str, rows: Mapping[str, dict[str, Any]], partitions: Sequence[int] = (0, 1)):
        self.name, self.help = name, help
        self._rows, self._partitions = dict(rows), partitions

    def partitions(self) -> Sequence[int]:
        return self._partitions

    def size(self) -> int:
        return len(self._rows)

    def page(self, offset: int, limit: int, search: str = "") -> Sequence[Row]:
        wanted = search.lower()
        found = [
            Row(key, self._rows[key])
            for key in sorted(self._rows)
            if wanted in f"{key} {self._rows[key].get('name', '')}".lower()
        ]
        return found[offset : offset + limit]

    def get(self, key: str) -> Row | None:
        return Row(key, self._rows[key]) if key in self._rows else None


class MemoryWorker:
    """A `WorkerView` whose every answer is set by hand."""

    def __init__(self, tables: Sequence[MemoryTable] = ()):
        self.tables = {table.name: table for table in tables}
        self.turns = True
        self.components = {
            name: Health("up", "It answers.", 1_750_000_000.0)
            for name in ("kafka", "store", "model", "worker", "system")
        }
        self.numbers: dict[str, Any] = {"ledger": {"consumed": 0}}
        self.events: dict[str, dict[str, Any]] = {}
        self.collections: Sequence[str] = (EVENTS, PRODUCTS)
        self.store = MemoryStore()

    async def points(self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None) -> Page:
        return await self.store.scroll(collection, after, limit, fields)

    def alive(self) -> bool:
        return self.turns

    def health(self) -> Mapping[str, Health]:
        return self.components

    def status(self) -> dict[str, Any]:
        return self.numbers

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        return self.events.get(event_id)


class FailingStore(MemoryStore):
    """The store in memory; `away = True` makes it an outage."""

    away = False

    def _shelf(self, collection: str) -> Any:
        if self.away:
            raise StoreUnavailableError("The store does not answer.", "It is tried again every second.")
        return super()._shelf(collection)


async def open_store() -> FailingStore:
    """A store with both collections, for the vectors of `embed_words`."""
    store = FailingStore()
    await store.open([Collection(EVENTS, DIMENSION, {}), Collection(PRODUCTS, DIMENSION, {})])
    return store


async def embed_words(text: str) -> Vectors:
    """An honest small embedder: texts that share words are near."""
    vector = np.full(DIMENSION, 0.01, dtype=np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return (vector / np.linalg.norm(vector)).astype(np.float32)
