"""Products that go with a product, with a user's taste, or with examples for and against.

In: ids. Out: `Recommendation`s, shaped like search hits plus the sentence why. A user's taste is the weighted mean of
the vectors of what they lately looked at, put in a cart or bought. What was given or already bought never comes back.
The store cannot say "not these", so the excluded ones are asked for as well and then dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamapp.errors import StreamappError
from streamapp.events import Product, product_point_id
from streamapp.search.search import (
    BadQuestionError,
    ProductHit,
    check_characters,
    check_limit,
    count_events,
    product_of,
)
from streamapp.store.store import Vectors, VectorStore

WEIGHTS = {"page_view": 1.0, "add_to_cart": 2.0, "purchase": 3.0}
"""How much one event says about taste; any other type counts like a page view."""

FADE = 0.93
"""Each step back in a user's events counts this much of the one after it: ten events ago is worth about half."""

RECENT_EVENTS = 50
"""Events of a user that make their taste; with FADE the fiftieth still counts 3 %."""

SCROLL_PAGE = 1000
"""Points per page when a user's events are read from the store."""

EVENTS_READ = 10_000
"""Events of one user that are read from the store at most; they come in no order of time."""

MAX_EXAMPLES = 50
"""Examples in one question."""

DEEDS = {"add_to_cart": ("put", " in a cart"), "purchase": ("bought", "")}
"""What an event is called, before and after the product; any other type is a look."""


class UnknownItemError(StreamappError):
    """A product or user that nothing is known of (HTTP 404)."""


class Recommendation(ProductHit, frozen=True):
    """A product hit, and one sentence why it is recommended."""

    because: str


class RecentEvent(NamedTuple):
    """What a user did to a product; `timestamp` in seconds since the epoch."""

    product_id: str
    event_type: str
    timestamp: float


class Known(NamedTuple):
    """A product that the store knows, with its unit vector of shape (dimension,)."""

    product: Product
    vector: Vectors


RecentEvents = Callable[[str], Awaitable[Sequence[RecentEvent]]]
"""A user's latest events in any order; empty when the user is unknown."""


class Recommend:
    """Answers "what else?" from the product points."""

    def __init__(
        self,
        store: VectorStore,
        events_collection: str,
        products_collection: str,
        recent: RecentEvents | None = None,
    ) -> None:
        """`recent` reads a live table; a user it does not know, or none given, is looked up in the store."""
        self._store = store
        self._events = events_collection
        self._products = products_collection
        self._recent = recent

    async def like_product(self, product_id: str, limit: int = 10) -> list[Recommendation]:
        """The products nearest to this one. Raises UnknownItemError, BadQuestionError, StoreUnavailableError."""
        check_limit(limit)
        known = await self._known([product_id])
        source = require(known, [product_id])[0]
        hits = await self._nearest(source.vector, limit, {product_id})
        return _explained(hits, lambda _: f"It is close to “{source.product.name}”.")

    async def for_user(self, user_id: str, limit: int = 10) -> list[Recommendation]:
        """What fits this user's recent events, without what they already bought.

        Raises UnknownItemError, BadQuestionError, StoreUnavailableError.
        """
        check_limit(limit)
        recent = await self._recent_events(user_id)
        weights = taste_weights(recent)
        known = await self._known(list(weights))
        if not known:
            raise UnknownItemError(
                f"Nothing is known of user “{user_id}” yet.", "Check the id in /tables/users, or wait for their events."
            )
        taste = unit(sum_of(known, weights))
        hits = await self._nearest(taste, limit, await self._bought(user_id, recent))
        vectors = await self._known([hit.product.id for hit in hits])

        def why(product: Product) -> str:
            return because_of_user(user_id, recent, known, vectors.get(product.id))

        return _explained(hits, why)

    async def by_examples(
        self, positive: Sequence[str], negative: Sequence[str] = (), limit: int = 10
    ) -> list[Recommendation]:
        """Products like the positive examples and unlike the negative ones (all product ids).

        Raises UnknownItemError for an unknown example, BadQuestionError, StoreUnavailableError.
        """
        check_limit(limit)
        check_examples(positive, negative)
        known = await self._known([*positive, *negative])
        likes, dislikes = require(known, positive), require(known, negative)
        hits = await self._nearest(examples_vector(likes, dislikes), limit, {*positive, *negative})
        sentence = because_of_examples(likes, dislikes)
        return _explained(hits, lambda _: sentence)

    async def _known(self, product_ids: Sequence[str]) -> dict[str, Known]:
        for one in product_ids:
            check_characters(one, "product id")
        ids = [product_point_id(one) for one in dict.fromkeys(product_ids)]
        points = await self._store.retrieve(self._products, ids, with_vectors=True)
        known = [Known(product_of(point.payload), unit(np.asarray(point.vector, dtype=np.float32))) for point in points]
        return {one.product.id: one for one in known}

    async def _nearest(self, vector: Vectors, limit: int, excluded: Collection[str]) -> list[ProductHit]:
        found = await self._store.search(self._products, vector, limit + len(excluded))
        kept = [hit for hit in found if hit.payload["product_id"] not in excluded][:limit]
        counts = await count_events(self._store, self._events, [hit.payload["product_id"] for hit in kept])
        return [ProductHit(round(h.score, 6), product_of(h.payload), n) for h, n in zip(kept, counts, strict=True)]

    async def _recent_events(self, user_id: str) -> Sequence[RecentEvent]:
        check_characters(user_id, "user id")
        recent = await self._recent(user_id) if self._recent else ()
        return newest(recent or await self._stored_events({"user_id": user_id}))

    async def _bought(self, user_id: str, recent: Sequence[RecentEvent]) -> set[str]:
        stored = await self._stored_events({"user_id": user_id, "event_type": "purchase"})
        return {event.product_id for event in (*recent, *stored) if event.event_type == "purchase"}

    async def _stored_events(self, where: Mapping[str, str]) -> list[RecentEvent]:
        fields = ("product_id", "event_type", "timestamp")
        found: list[RecentEvent] = []
        after: str | None = None
        while len(found) < EVENTS_READ:
            page = await self._store.scroll(self._events, after, SCROLL_PAGE, fields, where)
            found += [RecentEvent(*(point.payload[field] for field in fields)) for point in page.points]
            if (after := page.next) is None:
                break
        return found


def recent_from_table(get: Callable[[str], Mapping[str, Any] | None]) -> RecentEvents:
    """`RecentEvents` read from the `users` table: `get(user_id)` gives its value, whose `recent` lists the events.

    `get` may read a disk, so it runs in a thread.
    """

    async def recent(user_id: str) -> Sequence[RecentEvent]:
        value = await asyncio.to_thread(get, user_id)
        events = (value or {}).get("recent", ())
        return [RecentEvent(one["product_id"], one["event_type"], one["timestamp"]) for one in events]

    return recent


def _explained(hits: Sequence[ProductHit], why: Callable[[Product], str]) -> list[Recommendation]:
    return [Recommendation(hit.score, hit.product, hit.events, why(hit.product)) for hit in hits]


def newest(events: Sequence[RecentEvent]) -> list[RecentEvent]:
    """The latest RECENT_EVENTS of them, newest first."""
    return sorted(events, key=lambda event: event.timestamp, reverse=True)[:RECENT_EVENTS]


def taste_weights(recent: Sequence[RecentEvent]) -> dict[str, float]:
    """How much each product counts, from events that stand newest first.

    >>> taste_weights([RecentEvent("b", "purchase", 2.0), RecentEvent("a", "page_view", 1.0)])
    {'b': 3.0, 'a': 0.93}
    """
    weights: dict[str, float] = {}
    for steps_back, event in enumerate(recent):
        weight = WEIGHTS.get(event.event_type, 1.0) * FADE**steps_back
        weights[event.product_id] = weights.get(event.product_id, 0.0) + weight
    return weights


def sum_of(known: Mapping[str, Known], weights: Mapping[str, float]) -> Vectors:
    """The weighted sum of the known products' vectors, shape (dimension,)."""
    rows = np.stack([one.vector for one in known.values()])
    factors = np.asarray([weights[product_id] for product_id in known], dtype=np.float32)
    total: Vectors = factors @ rows
    return total


def unit(vector: Vectors) -> Vectors:
    """The vector at length 1; a zero vector stays zero."""
    length = float(np.linalg.norm(vector))
    scaled: Vectors = (vector / length).astype(np.float32) if length else vector
    return scaled


def examples_vector(likes: Sequence[Known], dislikes: Sequence[Known]) -> Vectors:
    """Where to look: the mean of the likes, moved away from the mean of the dislikes by their difference."""
    towards = np.mean([one.vector for one in likes], axis=0)
    away = np.mean([one.vector for one in dislikes], axis=0) if dislikes else towards
    return unit((2 * towards - away).astype(np.float32))


def require(known: Mapping[str, Known], product_ids: Sequence[str]) -> list[Known]:
    """These products in order; UnknownItemError names the first that is not known."""
    for product_id in product_ids:
        if product_id not in known:
            raise UnknownItemError(
                f"No product “{product_id}” is known.", "Check the id in /tables/products, or wait for its first event."
            )
    return [known[product_id] for product_id in product_ids]


def check_examples(positive: Sequence[str], negative: Sequence[str]) -> None:
    """Raise BadQuestionError when the examples cannot point anywhere."""
    if not positive:
        raise BadQuestionError("There is no positive example.", "Give at least one product id as positive.")
    if len(positive) + len(negative) > MAX_EXAMPLES:
        raise BadQuestionError(f"There are more than {MAX_EXAMPLES} examples.", "Give fewer of them.")
    if both := set(positive) & set(negative):
        raise BadQuestionError(f"“{sorted(both)[0]}” is a positive and a negative example.", "Decide on one.")


def because_of_user(user_id: str, recent: Sequence[RecentEvent], known: Mapping[str, Known], hit: Known | None) -> str:
    """The sentence that names the product of theirs that is closest to the hit, and what they did with it.

    `hit` is None when the product was deleted since it was found.
    """
    if hit is None:
        return f"It fits what {user_id} lately did."
    source = max(known.values(), key=lambda one: float(one.vector @ hit.vector))
    types = [event.event_type for event in recent if event.product_id == source.product.id]
    strongest = max(types, key=lambda kind: WEIGHTS.get(kind, 1.0))
    before, after = DEEDS.get(strongest, ("looked at", ""))
    if source.product.id == hit.product.id:
        return f"{user_id} {before} it{after}, and has not bought it yet."
    return f"It is close to “{source.product.name}”, which {user_id} {before}{after}."


def because_of_examples(likes: Sequence[Known], dislikes: Sequence[Known]) -> str:
    """The sentence that names the examples."""
    wanted = " and ".join(f"“{one.product.name}”" for one in likes)
    unwanted = " and ".join(f"“{one.product.name}”" for one in dislikes)
    return f"It is like {wanted}" + (f", and unlike {unwanted}." if dislikes else ".")
