"""A finished batch into the live tables, in offset order. Pure but for reading entries."""

from collections import Counter

from streamapp import metrics
from streamapp.events import Event
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
    # The ledger is written last: what it has counted is in every table, and a redelivery must not touch it again.
    counted = tables.ledger.entry(partition, str(partition)).offset
    start = 0
    for deletion in made.deletions:
        _fold_events(tables, partition, made.fresh[start : deletion.before], counted)
        start = deletion.before
        if deletion.offset > counted:
            tables.users.forget(partition, deletion.key)
    _fold_events(tables, partition, made.fresh[start:], counted)
    key = str(partition)
    dedup = tables.dedup.entry(partition, key)
    for offset, verdict in made.verdicts:
        fold_dedup(dedup, verdict, offset)
    ledger = tables.ledger.entry(partition, key)
    for offset, outcome in made.outcomes:
        fold_ledger(ledger, offset, outcome)


def _fold_events(tables: Tables, partition: int, placed: list[Placed], counted: int) -> None:
    products, users, minutes = tables.products.entry, tables.users.entry, tables.minutes.entry
    new = [one for one in placed if one.offset > counted]
    for one in new:
        event, offset = one.event, one.offset
        fold_product(products(partition, event.product.id), event, offset)
        fold_user(users(partition, event.user_id), event, offset)
        fold_minute(minutes(partition, minute_of(event.timestamp)), event, offset)
    _measure([one.event for one in new])


def _measure(events: list[Event]) -> None:
    kinds = Counter(event.event_type if event.event_type in KNOWN_TYPES else "other" for event in events)
    for kind, count in kinds.items():
        metrics.BUSINESS_EVENTS.labels(kind).inc(count)
    revenue = sum(cents(event.product.price) for event in events if event.event_type == "purchase")
    metrics.REVENUE.inc(revenue / 100)
