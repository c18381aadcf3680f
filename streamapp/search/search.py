"""A question in words becomes products, best first.

In: text, how many, and perhaps a category. Out: one `ProductHit` per product, with the number of its event points.
The text goes through the same model as the products did; a query embedded by another model finds nonsense.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from streamapp.errors import StreamappError
from streamapp.events import Product
from streamapp.store.store import Vectors, VectorStore

MAX_TEXT_CHARS = 1000
"""MiniLM reads 256 word pieces; beyond about a thousand characters it would silently ignore the rest."""

MAX_LIMIT = 100
"""Hits per answer: each one costs a count of its events."""

EmbedQuery = Callable[[str], Awaitable[Vectors]]
"""Turns one text into a float32 vector of shape (dimension,), by the model the products were embedded with."""


class BadQuestionError(StreamappError):
    """A question that cannot be answered as it was asked (HTTP 400)."""

    exit_code = 2


class ProductHit(msgspec.Struct, frozen=True):
    """One product that answers a question; `score` is the cosine similarity, -1 to 1."""

    score: float
    product: Product
    events: int
    """How many event points of this product the store holds."""


class BatchEmbedder(Protocol):
    """What `query_embedder` needs of the embedding room."""

    async def vectors(self, texts: Sequence[str]) -> tuple[Vectors, Sequence[int]]:
        """The distinct vectors, shape (m, dimension), and for each text its row in them."""


def query_embedder(service: BatchEmbedder) -> EmbedQuery:
    """An `EmbedQuery` that asks the embedding room for one text at a time."""

    async def embed_query(text: str) -> Vectors:
        vectors, rows = await service.vectors([text])
        vector: Vectors = vectors[rows[0]]
        return vector

    return embed_query


class Search:
    """Answers questions in words from the product points."""

    def __init__(
        self, store: VectorStore, embed_query: EmbedQuery, events_collection: str, products_collection: str
    ) -> None:
        self._store = store
        self._embed_query = embed_query
        self._events = events_collection
        self._products = products_collection

    async def search(self, text: str, limit: int = 10, category: str | None = None) -> list[ProductHit]:
        """The products nearest in meaning to `text`, best first, one hit each; `category` must match exactly.

        Raises BadQuestionError, and StoreUnavailableError while the store is away.
        """
        wanted, limit = check_text(text), check_limit(limit)
        vector = await self._embed_query(wanted)
        where = {"category": category} if category else None
        found = await self._store.search(self._products, vector, limit, where)
        counts = await count_events(self._store, self._events, [hit.payload["product_id"] for hit in found])
        return [
            ProductHit(round(hit.score, 6), product_of(hit.payload), count)
            for hit, count in zip(found, counts, strict=True)
        ]


def check_text(text: str) -> str:
    """The question without the space around it. Raises BadQuestionError when nobody could answer it.

    >>> check_text("  wireless headphones ")
    'wireless headphones'
    """
    wanted = text.strip()
    if not wanted:
        raise BadQuestionError("The question is empty.", "Ask in plain words, such as: wireless headphones.")
    if len(wanted) > MAX_TEXT_CHARS:
        raise BadQuestionError(
            f"The question has {len(wanted):,} characters; the model reads at most {MAX_TEXT_CHARS:,}.",
            "Ask with the words that matter most.",
        )
    check_characters(wanted, "question")
    return wanted


def check_characters(text: str, what: str) -> None:
    """Raise BadQuestionError when `text` holds NUL or half a surrogate pair, which no product text can hold."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise BadQuestionError(f"The {what} holds a character that is not text (NUL or half a pair).", "Leave it out.")


def check_limit(limit: int) -> int:
    """`limit` itself when it is 1 to MAX_LIMIT; BadQuestionError otherwise."""
    if not 1 <= limit <= MAX_LIMIT:
        raise BadQuestionError(f"limit is {limit}; it must be 1 to {MAX_LIMIT}.", f"Ask for at most {MAX_LIMIT} hits.")
    return limit


def product_of(payload: Mapping[str, Any]) -> Product:
    """The product that a point's payload describes."""
    return Product(
        id=payload["product_id"],
        name=payload["name"],
        description=payload.get("description", ""),
        category=payload.get("category", ""),
        price=payload.get("price"),
    )


async def count_events(store: VectorStore, collection: str, product_ids: Sequence[str]) -> list[int]:
    """How many event points each of these products has, in the same order."""
    return await asyncio.gather(*(store.count(collection, {"product_id": one}) for one in product_ids))
