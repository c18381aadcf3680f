"""What the rest of the house knows about a vector store: one protocol, and the values that cross it.

Every implementation passes `tests/contract/test_store.py`. All calls may raise `StoreUnavailableError` (try again
later) or `StoreRefusedError` (never again as it is). Vectors are float32, one row each, cosine similarity.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Payload = Mapping[str, Any]


class Points(NamedTuple):
    """Points to write: point i is `ids[i]`, `payloads[i]` and the vector `vectors[rows[i]]`, of length 1.

    Many points share a vector (a product's events share its text), so vectors travel once and rows point at them.
    """

    ids: Sequence[str]
    """UUIDs in text (lower case, with hyphens), each at most once."""
    payloads: Sequence[Payload | msgspec.Struct]
    """Anything msgspec writes as a JSON object; dates and UUIDs become text, NaN becomes null."""
    vectors: Vectors
    """Shape (distinct vectors, dimension)."""
    rows: Sequence[int]


class Hit(msgspec.Struct, frozen=True):
    """One answer to a search; `score` is the cosine similarity, -1 to 1."""

    id: str
    score: float
    payload: dict[str, Any]


class StoredPoint(msgspec.Struct, frozen=True):
    """One point as it is stored; `vector` is empty unless it was asked for."""

    id: str
    payload: dict[str, Any]
    vector: list[float] = []


class Page(NamedTuple):
    """Some points in id order, and the `after` that continues (None at the end)."""

    points: list[StoredPoint]
    next: str | None


class Collection(msgspec.Struct, frozen=True):
    """A collection to be: `indexes` maps a payload field to its type (keyword, integer, float)."""

    name: str
    dimension: int
    indexes: dict[str, str]


Where = Mapping[str, str | int | Sequence[str]]
"""A filter: every named payload field must equal the value, or one of the values; of a list, one element is enough.

Name only fields with an index: others are slow here, and refused by a server in strict mode."""


class VectorStore(Protocol):
    """A place for points. `await` of a write returns only when the store has confirmed it."""

    async def open(self, collections: Sequence[Collection]) -> None:
        """Connect, and create each collection with its payload indexes where it does not exist yet.

        Raises ConfigurationError when a collection exists with another dimension.
        """

    async def close(self) -> None:
        """Flush and let go. Calling it twice is harmless."""

    async def upsert(self, collection: str, points: Points) -> None:
        """Write the points, replacing those of the same id. Raises StoreRefusedError on a bad vector."""

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        """Delete by id, or everything that matches, or (both given) the named points that match; returns how many went.

        With neither nothing is deleted; the empty filter `{}` matches every point.
        """

    async def search(self, collection: str, vector: Vectors, limit: int, where: Where | None = None) -> list[Hit]:
        """The nearest points to one vector of shape (dimension,), best first."""

    async def retrieve(self, collection: str, ids: Sequence[str], with_vectors: bool = False) -> list[StoredPoint]:
        """The points of these ids that exist, in no particular order."""

    async def scroll(
        self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Page:  # fmt: skip
        """A page of points in id order, beginning behind the id `after`, with the named payload fields (None: all)."""

    async def count(self, collection: str, where: Where | None = None) -> int:
        """How many points match, exactly."""
