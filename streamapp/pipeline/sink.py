"""Fresh events to points: one per event, and one per product whose newest version they bring.

The store keeps a product's newest version because the worker knows the version it wrote last (`Catalogue`) and sends
only what is newer; an older event that arrives late changes nothing.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from streamapp.events import Event, Product, event_point_id, product_point_id
from streamapp.settings import StoreSettings
from streamapp.store.store import Collection, Points, Vectors

EVENT_INDEXES = {
    "user_id": "keyword",
    "event_type": "keyword",
    "product_id": "keyword",
    "category": "keyword",
    "timestamp": "float",
}
PRODUCT_INDEXES = {"product_id": "keyword", "category": "keyword", "price": "float"}
"""Payload fields that questions filter by; their indexes are made before the first write. Each costs about 2.5 µs a
point, so ids that find their point by its own id (event_id) have none."""


def create_collections(store: StoreSettings, dimension: int) -> list[Collection]:
    """The two collections of this pipeline, for vectors of this dimension: the events', then the products'."""
    return [
        Collection(store.events_collection, dimension, EVENT_INDEXES),
        Collection(store.products_collection, dimension, PRODUCT_INDEXES),
    ]


class Placed(msgspec.Struct, frozen=True, gc=False):
    """An event and the partition and offset that brought it."""

    event: Event
    partition: int
    offset: int


class EventPayload(msgspec.Struct, gc=False):
    """The payload of an event's point; `timestamp` in seconds since the epoch."""

    event_id: str
    timestamp: float
    user_id: str
    event_type: str
    session_id: str
    product_id: str
    name: str
    description: str
    category: str
    price: float | None
    topic: str
    partition: int
    offset: int
    model: str


class ProductPayload(msgspec.Struct, gc=False):
    """The payload of a product's point; `version` is the time of the event that brought this description.

    A later event that says the same does not write the point again: the table `products` knows it. Of several events
    that say the same, which one brought it depends on the order of arrival; what is said does not.
    """

    product_id: str
    name: str
    description: str
    category: str
    price: float | None
    version: float
    model: str


def event_points(placed: Sequence[Placed], topic: str, model: str, vectors: Vectors, rows: Sequence[int]) -> Points:
    """A point per event; of events with one id the last one counts."""
    last = {event_point_id(one.event.event_id): index for index, one in enumerate(placed)}
    return Points(
        list(last),
        [_event_payload(placed[index], topic, model) for index in last.values()],
        vectors,
        [rows[index] for index in last.values()],
    )


def _event_payload(placed: Placed, topic: str, model: str) -> EventPayload:
    event, product = placed.event, placed.event.product
    return EventPayload(
        event.event_id,
        event.timestamp,
        event.user_id,
        event.event_type,
        event.session_id,
        product.id,
        product.name,
        product.description,
        product.category,
        product.price,
        topic,
        placed.partition,
        placed.offset,
        model,
    )


class Version(NamedTuple):
    """A product as some event described it; a greater `order` is newer, ties broken by where the event stands."""

    order: tuple[float, int, int]
    """Event time, partition, offset."""
    content: Product


class Catalogue:
    """The newest confirmed version of every product this worker has seen."""

    def __init__(self) -> None:
        self._newest: dict[str, Version] = {}
        self._doubted: set[str] = set()
        """Products of which the store may show something else than what is known here."""

    def __len__(self) -> int:
        return len(self._newest)

    def changed(self, placed: Sequence[Placed]) -> tuple[list[int], list[Version]]:
        """The indexes of events whose product must be written, and the versions to learn once that is confirmed.

        The very event that is known already is written again: it is a redelivery, perhaps after a crash.
        """
        newest: dict[str, int] = {}
        for index, one in enumerate(placed):
            at = newest.get(one.event.product.id)
            if at is None or _order(one) >= _order(placed[at]):
                newest[one.event.product.id] = index
        write, learn = [], []
        for product_id, index in newest.items():
            version = Version(_order(placed[index]), placed[index].event.product)
            known = self._newest.get(product_id)
            if known is not None and version.order < known.order:
                continue
            learn.append(version)
            same = known is not None and version.content == known.content and version.order != known.order
            if not same or product_id in self._doubted:
                write.append(index)
        return write, learn

    def reset(self, versions: Iterable[Version]) -> None:
        """Forget everything but these: what the tables of the assigned partitions remember.

        Each is in doubt: a crash may have come between a newer version's write and the checkpoint.
        """
        self._newest.clear()
        self.learn(versions)
        self.doubt(self._newest)

    def learn(self, versions: Iterable[Version]) -> None:
        """Note versions that the store has confirmed, or that tables remember; older ones change nothing."""
        for version in versions:
            known = self._newest.get(version.content.id)
            if known is None or version.order >= known.order:
                self._newest[version.content.id] = version
                self._doubted.discard(version.content.id)

    def doubt(self, product_ids: Iterable[str]) -> None:
        """Note that a write of these failed and may have landed all the same: the next version is written anyway."""
        self._doubted.update(product_ids)


def _order(placed: Placed) -> tuple[float, int, int]:
    return (placed.event.timestamp, placed.partition, placed.offset)


def product_points(
    placed: Sequence[Placed], changed: Sequence[int], model: str, vectors: Vectors, rows: Sequence[int]
) -> Points:
    """A point for each product that changed."""
    return Points(
        [product_point_id(placed[index].event.product.id) for index in changed],
        [_product_payload(placed[index].event, model) for index in changed],
        vectors,
        [rows[index] for index in changed],
    )


def _product_payload(event: Event, model: str) -> ProductPayload:
    product = event.product
    return ProductPayload(
        product.id, product.name, product.description, product.category, product.price, event.timestamp, model
    )
