"""A `VectorStore` in this process's memory, for tests and for looking things up: same promises, nothing on disk.

In and out: as the protocol says; the contract suite holds it against the engine. Search is exact.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamapp.errors import ConfigurationError
from streamapp.store.check import check_ids, check_points, check_query, encode_payloads
from streamapp.store.store import Collection, Hit, Page, Points, StoredPoint, Vectors, Where


class _Row(msgspec.Struct):
    payload: dict[str, Any]
    vector: NDArray[np.float32]


class _Shelf:
    """The points of one collection, by id."""

    def __init__(self, collection: Collection) -> None:
        self.dimension = collection.dimension
        self.rows: dict[str, _Row] = {}

    def matching(self, where: Where | None) -> Iterator[tuple[str, _Row]]:
        return ((id_, row) for id_, row in self.rows.items() if _matches(row.payload, where or {}))


class MemoryStore:
    """Points that live as long as this object; closing it forgets nothing, so it can be opened again."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}

    async def open(self, collections: Sequence[Collection]) -> None:
        """Create what does not exist; raises ConfigurationError on another dimension."""
        for collection in collections:
            shelf = self._shelves.setdefault(collection.name, _Shelf(collection))
            if shelf.dimension != collection.dimension:
                raise ConfigurationError(
                    f"The collection {collection.name} holds vectors of dimension {shelf.dimension}, "
                    f"not {collection.dimension}.",
                    "Use the embedder it was made with, or another collection name.",
                )

    async def close(self) -> None:
        """Nothing to let go of."""

    async def upsert(self, collection: str, points: Points) -> None:
        """Write the points."""
        shelf = self._shelf(collection)
        check_points(points, shelf.dimension)
        payloads = msgspec.json.decode(encode_payloads(points, 0, len(points.ids)))
        for id_, payload, row in zip(points.ids, payloads, points.rows, strict=True):
            shelf.rows[id_] = _Row(payload, _unit(points.vectors[row]))

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        """Delete by id, by filter, or (both given) the points of these ids that match."""
        check_ids(ids)
        shelf = self._shelf(collection)
        if not ids and where is None:
            return 0
        named = set(ids) or shelf.rows.keys()
        gone = [id_ for id_, _ in shelf.matching(where) if id_ in named]
        for id_ in gone:
            del shelf.rows[id_]
        return len(gone)

    async def search(self, collection: str, vector: Vectors, limit: int, where: Where | None = None) -> list[Hit]:
        """The nearest points, best first."""
        shelf = self._shelf(collection)
        check_query(vector, shelf.dimension)
        found = list(shelf.matching(where))
        if not found:
            return []
        scores = np.stack([row.vector for _, row in found]) @ _unit(vector)
        best = np.argsort(-scores, kind="stable")[:limit]
        return [Hit(found[i][0], float(scores[i]), found[i][1].payload) for i in best]

    async def retrieve(self, collection: str, ids: Sequence[str], with_vectors: bool = False) -> list[StoredPoint]:
        """The points of these ids that exist."""
        check_ids(ids)
        rows = self._shelf(collection).rows
        return [
            StoredPoint(id_, rows[id_].payload, rows[id_].vector.tolist() if with_vectors else [])
            for id_ in dict.fromkeys(ids)
            if id_ in rows
        ]

    async def scroll(
        self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Page:  # fmt: skip
        """A page of points in id order."""
        found = sorted(
            (id_, row) for id_, row in self._shelf(collection).matching(where) if after is None or id_ > after
        )
        points = [StoredPoint(id_, _project(row.payload, fields)) for id_, row in found[:limit]]
        return Page(points, points[-1].id if len(found) > limit and points else None)

    async def count(self, collection: str, where: Where | None = None) -> int:
        """How many points match."""
        return sum(1 for _ in self._shelf(collection).matching(where))

    def _shelf(self, collection: str) -> _Shelf:
        try:
            return self._shelves[collection]
        except KeyError:
            raise ConfigurationError(f"The collection '{collection}' has not been opened.") from None


def _unit(vector: Vectors) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _matches(payload: dict[str, Any], where: Where) -> bool:
    return all(_holds(payload.get(key), wanted) for key, wanted in where.items())


def _holds(value: Any, wanted: str | int | Sequence[str]) -> bool:
    """Equal in value and type; of a list, one element is enough."""
    if isinstance(value, list):
        return any(_holds(element, wanted) for element in value)
    choices = [wanted] if isinstance(wanted, str | int) else wanted
    return any(type(value) is type(choice) and value == choice for choice in choices)


def _project(payload: dict[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    return payload if fields is None else {key: value for key, value in payload.items() if key in fields}
