"""A finished batch into the live tables, in offset order. Pure but for reading entries."""

from streamapp import metrics
from streamapp.pipeline.entries import (
    cents,
    fold_dedup,
    fold_ledger,
    fold_minute,
    fold_product,
    fold_user,
    minute_of,
)
from streamapp.pipeline.ingest import Plan
from streamapp.pipeline.sink import Placed
from streamapp.pipeline.tables import Tables

KNOWN_TYPES = frozenset({"page_view", "add_to_cart", "purchase"})
"""Event types with a metric label of their own; any others share `other`, for labels must be a closed set."""


def fold(tables: Tables, partition: int, made: Plan) -> None:
    """Count every record in the ledger, every event in the dedup, every fresh one in the live tables."""
    start = 0
    for deletion in made.deletions:
        _fold_events(tables, partition, made.fresh[start : deletion.before])
        start = deletion.before
        tables.users.forget(partition, deletion.key)
    _fold_events(tables, partition, made.fresh[start:])
    key = str(partition)
    dedup = tables.dedup.entry(partition, key)
    for offset, verdict in made.verdicts:
        fold_dedup(dedup, verdict, offset)
    ledger = tables.ledger.entry(partition, key)
    for offset, outcome in made.outcomes:
        fold_ledger(ledger, offset, outcome)


def _fold_events(tables: Tables, partition: int, placed: list[Placed]) -> None:
    counted = tables.ledger.entry(partition, str(partition)).offset
    for one in placed:
        event, offset = one.event, one.offset
        fold_product(tables.products.entry(partition, event.product.id), event, offset)
        fold_user(tables.users.entry(partition, event.user_id), event, offset)
        fold_minute(tables.minutes.entry(partition, minute_of(event.timestamp)), event, offset)
        if offset > counted:
            _measure(one)


def _measure(placed: Placed) -> None:
    kind = placed.event.event_type
    metrics.BUSINESS_EVENTS.labels(kind if kind in KNOWN_TYPES else "other").inc()
    if kind == "purchase":
        metrics.REVENUE.inc(cents(placed.event.product.price) / 100)
