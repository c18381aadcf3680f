"""A small worker and a small store that really do what their protocols promise, in memory."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streamapp.errors import StoreUnavailableError
from streamapp.pipeline.views import Health, Row
from streamapp.store.store import Collection, Hit, Page, Points, StoredPoint, Vectors, Where

EVENTS, PRODUCTS = "ecommerce_embeddings", "products"


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

    def alive(self) -> bool:
        return self.turns

    def health(self) -> Mapping[str, Health]:
        return self.components

    def status(self) -> dict[str, Any]:
        return self.numbers

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        return self.events.get(event_id)


class MemoryStore:
    """A `VectorStore` in dicts; `away = True` makes it an outage."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, StoredPoint]] = {EVENTS: {}, PRODUCTS: {}}
        self.away = False

    def _points(self, collection: str, where: Where | None = None) -> list[StoredPoint]:
        if self.away:
            raise StoreUnavailableError("The store does not answer.", "It is tried again every second.")
        points = self.collections[collection].values()
        return [point for point in points if all(point.payload.get(k) == v for k, v in (where or {}).items())]

    async def open(self, collections: Sequence[Collection]) -> None:
        for collection in collections:
            self.collections.setdefault(collection.name, {})

    async def close(self) -> None:
        self.away = True

    async def upsert(self, collection: str, points: Points) -> None:
        self._points(collection)
        for index, point_id in enumerate(points.ids):
            payload = dict(points.payloads[index])  # type: ignore[arg-type]
            vector = points.vectors[points.rows[index]].tolist()
            self.collections[collection][point_id] = StoredPoint(point_id, payload, vector)

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        gone = set(ids) | ({point.id for point in self._points(collection, where)} if where else set())
        return sum(self.collections[collection].pop(one, None) is not None for one in gone)

    async def search(self, collection: str, vector: Vectors, limit: int, where: Where | None = None) -> list[Hit]:
        hits = [Hit(p.id, cosine(np.asarray(p.vector), vector), p.payload) for p in self._points(collection, where)]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    async def retrieve(self, collection: str, ids: Sequence[str], with_vectors: bool = False) -> list[StoredPoint]:
        return [point for point in self._points(collection) if point.id in ids]

    async def scroll(
        self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Page:  # fmt: skip
        points = sorted(self._points(collection, where), key=lambda point: point.id)
        rest = [point for point in points if after is None or point.id >= after]
        return Page(rest[:limit], rest[limit].id if len(rest) > limit else None)

    async def count(self, collection: str, where: Where | None = None) -> int:
        return len(self._points(collection, where))


def cosine(one: Vectors, other: Vectors) -> float:
    """The cosine similarity of two vectors."""
    return float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
