"""One shop event by hand: checked with msgspec and a few lines, and made a point. Shared by both rivals.

In: the bytes of a record. Out: an event or None. It holds the same contract as the worker's decoder as far as a plain
msgspec type and an `if` go; LET_THROUGH names what only a second look at the bytes would find.
The payloads, their indexes and the ids of points are those of the worker, so that every store does the same work.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from benchmarks.contenders import Vectors
from streamapp.embedding.text import product_text
from streamapp.events import Product, product_point_id
from streamapp.pipeline.sink import EVENT_INDEXES, PRODUCT_INDEXES, EventPayload, ProductPayload
from streamapp.store.edge import EdgeStore
from streamapp.store.store import Collection, Points

EVENTS, PRODUCTS = "ecommerce_embeddings", "products"
DIMENSION = 384
MODEL = "all-MiniLM-L6-v2@warm"

LET_THROUGH = frozenset({"key twice", "product key twice", "depth 200"})
"""Kinds of planted flaws that a plain msgspec decoder takes for events."""

MAX_BYTES, MAX_CHARS = 262_144, 20_000
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII).fullmatch

Text = Annotated[str, msgspec.Meta(max_length=MAX_CHARS)]


class ShopProduct(msgspec.Struct, gc=False):
    """The product as it stands in an event."""

    id: Text
    name: Text
    description: Text
    category: Text
    price: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class ShopEvent(msgspec.Struct, gc=False):
    """The event as it stands in the topic."""

    event_id: UUID
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | float
    user_id: Text
    event_type: str
    product: ShopProduct
    session_id: Text


class Known(NamedTuple):
    """An event, the seconds since the epoch of its time, and where it stands."""

    event: ShopEvent
    seconds: float
    partition: int
    offset: int


_decode = msgspec.json.Decoder(ShopEvent).decode


def decode(value: bytes | None, partition: int, offset: int) -> Known | None:
    """The event, or None where it cannot be used."""
    if not value or len(value) > MAX_BYTES:
        return None
    try:
        event = _decode(value)
    except (ValueError, RecursionError):
        return None
    when = event.timestamp
    seconds = when.timestamp() if isinstance(when, datetime) else when
    return Known(event, seconds, partition, offset) if _usable(event, seconds) else None


def _usable(event: ShopEvent, seconds: float) -> bool:
    product = event.product
    if not (event.user_id.strip() and product.id.strip() and product.name.strip()):
        return False
    if "\0" in event.user_id or "\0" in product.name or "\0" in product.description or "\0" in product.id:
        return False
    return EARLIEST <= seconds < LATEST and math.isfinite(product.price) and _EVENT_TYPE(event.event_type) is not None


def text_of(event: ShopEvent) -> str:
    """The text that is embedded, the worker's own."""
    product = event.product
    return product_text(Product(product.id, product.name, product.description, product.category))


def event_points(batch: Sequence[Known], topic: str, vectors: Vectors, rows: Sequence[int]) -> Points:
    """A point per event; `rows[i]` is the vector of event i."""
    return Points([str(one.event.event_id) for one in batch], [_payload(one, topic) for one in batch], vectors, rows)


def _payload(one: Known, topic: str) -> EventPayload:
    event, product = one.event, one.event.product
    return EventPayload(
        str(event.event_id),
        one.seconds,
        event.user_id,
        event.event_type,
        event.session_id,
        product.id,
        product.name,
        product.description,
        product.category,
        product.price,
        topic,
        one.partition,
        one.offset,
        MODEL,
    )


class Newest:
    """The newest version of every product, so that only changes are written."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, ShopProduct]] = {}

    def changed(self, batch: Sequence[Known]) -> dict[str, int]:
        """For each product that a batch changes, which event says so; they count as known from here on."""
        found: dict[str, int] = {}
        for place, one in enumerate(batch):
            product = one.event.product
            known = self._known.get(product.id)
            if known is not None and one.seconds < known[0]:
                continue
            self._known[product.id] = (one.seconds, product)
            if known is None or known[1] != product:
                found[product.id] = place
        return found


def product_points(batch: Sequence[Known], changed: dict[str, int], vectors: Vectors, rows: Sequence[int]) -> Points:
    """A point for each product that changed."""
    places = list(changed.values())
    products = [(batch[place].event.product, batch[place].seconds) for place in places]
    payloads = [ProductPayload(p.id, p.name, p.description, p.category, p.price, when, MODEL) for p, when in products]
    return Points([product_point_id(name) for name in changed], payloads, vectors, [rows[place] for place in places])


async def open_store(folder: Path) -> EdgeStore:
    """The store of a contender, with the collections and indexes of the worker."""
    store = EdgeStore(folder, timeout_seconds=30.0)
    await store.open([Collection(EVENTS, DIMENSION, EVENT_INDEXES), Collection(PRODUCTS, DIMENSION, PRODUCT_INDEXES)])
    return store
