"""What must be known before the first batch of an assignment: checked against Kafka, and loaded from the tables.

Runs once per rebalance, for all assigned partitions: a product's newest version may be on any of them.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from faust.types import TP

from streamapp.errors import ConfigurationError
from streamapp.events import Product
from streamapp.logs import get_logger
from streamapp.pipeline.entries import ProductEntry
from streamapp.pipeline.seen import SeenIndex
from streamapp.pipeline.sink import Catalogue, Version
from streamapp.pipeline.tables import Tables

log = get_logger(__name__)


class Prepare:
    """Catches the index up and fills the catalogue; call it with the tables recovered."""

    def __init__(self, app: Any, topic: str, tables: Tables, index: SeenIndex, catalogue: Catalogue) -> None:
        self._app = app
        self._topic = topic
        self._tables = tables
        self._index = index
        self._catalogue = catalogue

    async def __call__(self) -> None:
        """Raises ConfigurationError when the tables know offsets that the topic does not have."""
        partitions = sorted(tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._topic)
        ends = await self._app.consumer.highwaters(*(TP(self._topic, partition) for partition in partitions))
        for partition in partitions:
            # An idle partition has no lane whose end would drop these, and may have been another worker's since.
            self._tables.settle(partition)
        for tp, end in ends.items():
            self._check(tp.partition, end)
        caught_up, products = await asyncio.to_thread(self._load, partitions)
        self._catalogue.reset(products)
        log.info("partitions are ready", partitions=len(partitions), segments=caught_up, products=len(self._catalogue))

    def _check(self, partition: int, end: int) -> None:
        counted = self._tables.ledger.entry(partition, str(partition)).offset
        if counted >= (end or 0):
            raise ConfigurationError(
                f"The ledger has counted offset {counted} of {self._topic}, partition {partition}, but the topic ends "
                f"before {end}: it was made anew, or lost data.",
                "Give the worker a new kafka.group, or delete the state folder (STREAMAPP_HOME) and begin again.",
            )

    def _load(self, partitions: list[int]) -> tuple[int, list[Version]]:
        caught_up = 0
        products: list[Version] = []
        for partition in partitions:
            segments = self._tables.segments.scan(partition, self._index.marker(partition))
            caught_up += self._index.catch_up(partition, segments)
            products.extend(self._products(partition))
        return caught_up, products

    def _products(self, partition: int) -> Iterator[Version]:
        entry: ProductEntry
        for product_id, entry in self._tables.products.entries(partition):
            product = Product(product_id, entry.name, entry.description, entry.category, entry.price)
            yield Version((entry.version, partition, entry.version_offset), product)
