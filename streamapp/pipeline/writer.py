"""Fresh events to confirmed points: texts to vectors, vectors to the store, and deletions.

Everything here may be done twice without harm: ids are deterministic, a product's version decides.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from streamapp import metrics
from streamapp.embedding.embedder import Embedder
from streamapp.embedding.text import product_text
from streamapp.events import event_point_id
from streamapp.pipeline.sink import Catalogue, Placed, event_points, product_points
from streamapp.pipeline.together import together
from streamapp.store.store import Vectors, VectorStore


class Embeds(Protocol):
    """Turns texts into vectors; `embedding.service.VectorService`."""

    @property
    def embedder(self) -> Embedder:
        """The model; its revision goes into every payload."""

    async def vectors(self, texts: Sequence[str]) -> tuple[Vectors, list[int]]:
        """Distinct vectors of shape (m, dimension), and for each text its row."""


class Writer:
    """Writes points of one topic's events into the two collections."""

    def __init__(
        self, *, embeds: Embeds, store: VectorStore, catalogue: Catalogue, topic: str, events: str, products: str
    ) -> None:
        self._embeds = embeds
        self._store = store
        self._catalogue = catalogue
        self._topic = topic
        self._events = events
        self._products = products
        self._writing: set[asyncio.Future[None]] = set()
        """Writes under way; each is done when its write has ended."""
        self._flights: dict[str, asyncio.Future[None]] = {}
        """Products whose points are being written, and when that will have ended."""

    async def write(self, placed: Sequence[Placed]) -> None:
        """Return once every event's point, and every newer product's, is confirmed."""
        if not placed:
            return
        landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writing.add(landed)
        try:
            await self._write(placed)
        finally:
            self._writing.discard(landed)
            landed.set_result(None)

    async def _write(self, placed: Sequence[Placed]) -> None:
        model = self._embeds.embedder.revision
        with metrics.EMBED_SECONDS.time():
            vectors, rows = await self._embeds.vectors([product_text(one.event.product) for one in placed])
        with metrics.SINK_SECONDS.time():
            await together(
                self._store.upsert(self._events, event_points(placed, self._topic, model, vectors, rows)),
                self._write_products(placed, model, vectors, rows),
            )
        metrics.SINK_POINTS.labels(self._events).inc(len(placed))

    async def _write_products(
        self, placed: Sequence[Placed], model: str, vectors: Vectors, rows: Sequence[int]
    ) -> None:
        changed, versions = self._catalogue.changed(placed)
        # Two lanes must not write one product at once: a write that is tried again could overtake the newer one. Nor
        # may one that changes nothing go ahead: it changes nothing only if what is under way is not there yet.
        while under_way := {self._flights[one.content.id] for one in versions if one.content.id in self._flights}:
            await asyncio.wait(under_way)
            changed, versions = self._catalogue.changed(placed)
        if changed:
            landed = asyncio.get_running_loop().create_future()
            flown = dict.fromkeys(_products_of(placed, changed), landed)
            self._flights |= flown
            try:
                await self._store.upsert(self._products, product_points(placed, changed, model, vectors, rows))
            except BaseException:
                self._catalogue.doubt(flown)  # some may have landed
                raise
            finally:
                for one in flown:
                    del self._flights[one]
                landed.set_result(None)
            metrics.SINK_POINTS.labels(self._products).inc(len(changed))
        self._catalogue.learn(versions)

    async def delete(self, keys: Sequence[str], partition: int) -> int:
        """Delete the events with these ids, and the events of the users with these ids on this partition.

        Writes that are under way land first, also those of other partitions: an event must not outlive its tombstone.
        """
        if self._writing:
            await asyncio.wait(set(self._writing))
        gone = await self._store.delete(self._events, ids=[event_point_id(key) for key in keys])
        return gone + await self._store.delete(self._events, where={"user_id": list(keys), "partition": partition})


def _products_of(placed: Sequence[Placed], indexes: Sequence[int]) -> list[str]:
    return [placed[index].event.product.id for index in indexes]
