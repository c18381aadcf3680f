"""The worker as readers see it: the `WorkerView` that the web is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import psutil

from streamapp.clock import Clock
from streamapp.embedding.service import VectorService
from streamapp.events import event_point_id, identity
from streamapp.pipeline.lanes import Lanes
from streamapp.pipeline.monitor import Monitor
from streamapp.pipeline.seen import Seen, SeenIndex, segment_key
from streamapp.pipeline.tables import Tables
from streamapp.pipeline.views import Health, State, TableView
from streamapp.store.guarded import GuardedStore
from streamapp.store.store import Page, StoredPoint

DISK_LOW_BYTES = 500 * 1024**2
"""Below this Kafka and RocksDB begin to fail; the health says so before they do."""


class Inside:
    """Read-only view of a running worker."""

    def __init__(
        self, *, tables: Tables, lanes: Lanes, monitor: Monitor, index: SeenIndex, store: GuardedStore,
        embeds: VectorService, topic: str, collections: Sequence[str], home: str, clock: Clock,
    ) -> None:  # fmt: skip
        self.tables: Mapping[str, TableView] = {table.name: table for table in tables.live}
        self._all = tables
        self._lanes = lanes
        self._monitor = monitor
        self._index = index
        self._store = store
        self._embeds = embeds
        self._topic = topic
        self.collections = collections
        self._events = collections[0]
        self._home = home
        self._clock = clock
        self._since: dict[str, Health] = {}
        self.broker_error = ""
        """Why the broker could not be asked last time; empty while it answers."""
        self.store_lost = ""
        """What is wrong when the ledger knows of points that the store has not; empty when nothing is."""

    def alive(self) -> bool:
        """Whether every lane turns; that this answers at all shows the loop does."""
        return self._lanes.alive()

    # -- health --------------------------------------------------------------------------------------------------------

    def health(self) -> Mapping[str, Health]:
        """By component, with the moment the state last changed."""
        for name, (state, reason) in self._states().items():
            known = self._since.get(name)
            if known is None or known.state != state:
                self._since[name] = Health(state, reason, self._clock())
            elif known.reason != reason:
                self._since[name] = Health(state, reason, known.since)
        return dict(self._since)

    def _states(self) -> dict[str, tuple[State, str]]:
        stuck = self._lanes.stuck()
        free = psutil.disk_usage(self._home).free
        worker: tuple[State, str] = ("up", "every lane runs")
        if not self._lanes.alive():
            worker = ("down", "a lane has ended; restart the worker and report its log")
        elif stuck:
            partition, reason = next(iter(stuck.items()))
            worker = ("degraded", f"partition {partition} holds the line: {reason}")
        return {
            "worker": worker,
            "kafka": ("down", self.broker_error) if self.broker_error else ("up", "the broker answers"),
            "store": self._store_state(),
            "model": ("up", self._embeds.embedder.revision),
            "system": ("up", f"{free // 1024**2} MiB of disk free")
            if free > DISK_LOW_BYTES
            else ("degraded", f"only {free // 1024**2} MiB of disk free; make room"),
        }

    def _store_state(self) -> tuple[State, str]:
        breaker = self._store.breaker
        if self.store_lost:
            return "down", self.store_lost
        if breaker.state == "closed":
            return "up", "the store answers"
        return ("down" if breaker.state == "open" else "degraded"), f"breaker {breaker.state}: {breaker.last_error}"

    # -- status --------------------------------------------------------------------------------------------------------

    def ledger(self) -> dict[str, int]:
        """Checkpointed outcomes over all partitions of this worker."""
        entries = [
            entry for partition in self._all.ledger.partitions() for _, entry in self._all.ledger.entries(partition)
        ]
        columns = ("consumed", "embedded", "duplicate", "rejected", "deleted", "skipped")
        return {column: sum(getattr(entry, column) for entry in entries) for column in columns}

    def status(self) -> dict[str, Any]:
        """Rates, lag, ledger, caches and latency; times in seconds."""
        monitor, stats = self._monitor, self._embeds.stats
        ratio = round((stats.memory_hits + stats.disk_hits) / stats.texts, 4) if stats.texts else None
        return {
            "topic": self._topic,
            "partitions": len(self._all.ledger.partitions()),
            "uptime_seconds": round(monitor.uptime, 1),
            "events": monitor.handled,
            "events_per_second": round(monitor.rate(), 1),
            "lag": monitor.lag,
            "in_flight": self._lanes.in_flight,
            "ledger": self.ledger(),
            "latency_seconds": {
                "p50": monitor.latency(0.5),
                "p95": monitor.latency(0.95),
                "p99": monitor.latency(0.99),
            },
            "embedding": {"model": self._embeds.embedder.revision, "hit_ratio": ratio, **msgspec.structs.asdict(stats)},
            "breaker": self._store.breaker.state,
            "health": {name: health.state for name, health in self.health().items()},
        }

    # -- one event -----------------------------------------------------------------------------------------------------

    async def points(self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None) -> Page:
        """Stored points in id order."""
        return await self._store.scroll(collection, after, limit, fields)

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        """Where the event came from, what became of it, and its point; None if it was never seen."""
        (seen,) = self._index.lookup([identity(event_id)])
        points = await self._store.retrieve(self._events, [event_point_id(event_id)])
        return described(event_id, self._topic, seen, points, self._checkpoint_of(seen))

    def _checkpoint_of(self, seen: Seen | None) -> int | None:
        """The last offset of the checkpoint that made the event true, while its partition is ours."""
        if seen is None or seen.partition not in self._all.segments.open_partitions():
            return None
        for key, _ in self._all.segments.scan(seen.partition, segment_key(seen.offset)):
            return int.from_bytes(key, "big")
        return None


def described(
    event_id: str, topic: str, seen: Seen | None, points: Sequence[StoredPoint], checkpoint: int | None
) -> dict[str, Any] | None:
    """What the index and the store know of an event, in one answer; None when neither does."""
    if seen is None and not points:
        return None
    payload = points[0].payload if points else {}
    return {
        "event_id": event_id,
        "verdict": "embedded" if points else "deleted",
        "origin": {"topic": topic, "partition": seen.partition, "offset": seen.offset} if seen else None,
        "checkpoint": checkpoint,
        "model": payload.get("model"),
        "point": {"id": event_point_id(event_id), "payload": payload} if points else None,
        "session_id": payload.get("session_id"),
    }
