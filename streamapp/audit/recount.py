"""What should be, counted again from the records themselves. Pure; no part of the pipeline's state is used.

The same decoder gives the verdicts; everything else is done anew and in the plainest way, so that an error in dedup,
ledger or sink shows as a difference. Partitions are read one after another, not in the order of arrival, so for an id
that stands on several partitions only the sums can be compared.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from streamapp.events import Event, Origin, Product, identity
from streamapp.pipeline.decode import Decode, Rejected, Tombstone


class First(NamedTuple):
    """The record that brought an id first."""

    partition: int
    offset: int
    arrived: float
    """Kafka's timestamp, seconds."""
    user_id: str
    event_id: str
    product: Product
    timestamp: float
    event_type: str
    session_id: str


class Recount:
    """Add every record of the topic, each partition in offset order."""

    def __init__(self, topic: str, decode: Decode, ttl_seconds: float) -> None:
        self._topic = topic
        self._decode = decode
        self._ttl = ttl_seconds
        self.counts: dict[int, Counter[str]] = {}
        """By partition: embedded, duplicate, rejected, deleted."""
        self.events: dict[bytes, First] = {}
        """Every event that must be a point, by identity."""
        self.removed: dict[bytes, int] = {}
        """Events that a tombstone names or covers, and that must not be points, with the partition of the tombstone."""
        self.either = 0
        """Events whose tombstone stands on another partition: whether they came before it, only the worker knows."""
        self.rejected: dict[Origin, Any] = {}
        """(reason, key, value) of every record that must be a dead letter."""
        self.newest: dict[str, tuple[tuple[float, int, int], Product]] = {}
        """By product id: the newest version any event brought."""
        self.across: set[bytes] = set()
        """Events with copies on several partitions: which one came first, only the worker knows."""
        self._by_user: dict[tuple[int, str], list[bytes]] = {}

    def add(self, records: Iterable[Any]) -> None:
        """Count aiokafka's ConsumerRecords of one partition."""
        for record in records:
            counts = self.counts.setdefault(record.partition, Counter())
            decoded = self._decode(record.key, record.value)
            if isinstance(decoded, Event):
                counts[self._event(record, decoded)] += 1
            elif isinstance(decoded, Tombstone):
                counts["deleted"] += 1
                self._tombstone(record.partition, decoded.key)
            else:
                counts["rejected"] += 1
                self._rejected(record, decoded)

    def _event(self, record: Any, event: Event) -> str:
        key = identity(event.event_id)
        known = self.events.get(key)
        arrived = record.timestamp / 1000
        if (known is not None and arrived - known.arrived <= self._ttl) or key in self.removed:
            if known is not None and known.partition != record.partition:
                self.across.add(key)
            if known is not None and arrived - known.arrived > self._ttl / 2:
                # Near the end of the time-to-live: the worker counts it from when it handled the first one.
                self.either += 1
            self.either += self.removed.get(key, record.partition) != record.partition
            return "duplicate"
        product = event.product
        self.events[key] = First(
            record.partition, record.offset, arrived, event.user_id, event.event_id, product, event.timestamp,
            event.event_type, event.session_id,
        )  # fmt: skip
        self._by_user.setdefault((record.partition, event.user_id), []).append(key)
        order = (event.timestamp, record.partition, record.offset)
        newest = self.newest.get(product.id)
        if newest is None or order >= newest[0]:
            self.newest[product.id] = (order, product)
        return "embedded"

    def _tombstone(self, partition: int, name: str) -> None:
        for key in [identity(name), *self._by_user.pop((partition, name), ())]:
            self.removed.setdefault(key, partition)
            known = self.events.pop(key, None)
            self.either += known is not None and known.partition != partition

    def _rejected(self, record: Any, rejected: Rejected) -> None:
        origin = Origin(self._topic, record.partition, record.offset)
        self.rejected[origin] = (rejected.reason.value, record.key, record.value)

    def total(self, outcome: str) -> int:
        """One outcome over all partitions."""
        return sum(counts[outcome] for counts in self.counts.values())
