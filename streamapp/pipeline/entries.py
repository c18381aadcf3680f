"""What the live tables keep per (partition, key), and how one event is folded in. Pure.

Every entry carries the highest source offset already folded in, so an event that is delivered again changes nothing.
Events of one key may arrive on many partitions; each partition keeps its own entry, and `merge_*` sums them when
they are read. Money is whole cents.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from streamapp.events import Event
from streamapp.pipeline.seen import Verdict

RECENT_EVENTS = 20
"""Events kept in a user's profile: enough for a taste, small enough to rewrite every second."""

EVENT_TYPES = 32
"""Distinct event types counted per entry; a hostile topic could bring any number. The rest counts as `other`."""


class Entry(msgspec.Struct, gc=False):
    """What all entries have; `offset` is the highest source offset folded in."""

    offset: int = -1


class Counts(Entry, gc=False):
    """Events by type, revenue of purchases in cents, and the first and last event time in seconds."""

    events: int = 0
    by_type: dict[str, int] = {}
    revenue_cents: int = 0
    first: float = 0.0
    last: float = 0.0


class ProductEntry(Counts, gc=False):
    """A product as one partition knows it; `version` is the time of the event that described it last."""

    name: str = ""
    description: str = ""
    category: str = ""
    price: float | None = None
    version: float = 0.0
    version_offset: int = -1


class Recent(msgspec.Struct, frozen=True, gc=False):
    """One event in a user's profile."""

    timestamp: float
    event_type: str
    product_id: str
    event_id: str


class UserEntry(Counts, gc=False):
    """A user's profile: counts, and the latest events, newest first."""

    recent: list[Recent] = []


class MinuteEntry(Counts, gc=False):
    """One minute of event time."""


class DedupEntry(Entry, gc=False):
    """How many ids were new, and how many came again."""

    unique: int = 0
    duplicates: int = 0


class LedgerEntry(Entry, gc=False):
    """What became of a partition's records. `offset` is the last one counted; `first` where counting began.

    consumed = embedded + duplicate + rejected + deleted, and offset + 1 - first = consumed + skipped, where skipped are
    offsets that hold no record for us (compacted away, transaction markers).
    """

    first: int = -1
    embedded: int = 0
    duplicate: int = 0
    rejected: int = 0
    deleted: int = 0
    skipped: int = 0

    @property
    def consumed(self) -> int:
        """Records accounted for."""
        return self.embedded + self.duplicate + self.rejected + self.deleted


def cents(price: float | None) -> int:
    """A price in whole cents, halves to even; 0 where there is none."""
    return 0 if price is None else round(price * 100)


def minute_of(timestamp: float) -> str:
    """The minute of event time that a moment belongs to, as in 2026-11-21T05:47Z."""
    return _minute_text(timestamp // 60)


@lru_cache(4096)
def _minute_text(minute: float) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%MZ")


def count(entry: Counts, event: Event) -> None:
    """Count an event by type, time and revenue."""
    entry.events += 1
    kind = event.event_type
    if kind not in entry.by_type and len(entry.by_type) >= EVENT_TYPES:
        kind = "other"
    entry.by_type[kind] = entry.by_type.get(kind, 0) + 1
    if event.event_type == "purchase":
        entry.revenue_cents += cents(event.product.price)
    entry.first = min(entry.first or event.timestamp, event.timestamp)
    entry.last = max(entry.last, event.timestamp)


def fold_product(entry: ProductEntry, event: Event, offset: int) -> None:
    """Count the event for its product; the newest event describes it."""
    if offset <= entry.offset:
        return
    entry.offset = offset
    count(entry, event)
    if event.timestamp >= entry.version:
        product = event.product
        entry.name, entry.description, entry.category = product.name, product.description, product.category
        entry.price, entry.version, entry.version_offset = product.price, event.timestamp, offset


def _newest_first(seen: Recent) -> float:
    return -seen.timestamp


def fold_user(entry: UserEntry, event: Event, offset: int) -> None:
    """Count the event for its user, and keep it among the latest."""
    if offset <= entry.offset:
        return
    entry.offset = offset
    count(entry, event)
    entry.recent.insert(0, Recent(event.timestamp, event.event_type, event.product.id, event.event_id))
    if len(entry.recent) > 1 and entry.recent[1].timestamp > event.timestamp:
        entry.recent.sort(key=_newest_first)
    del entry.recent[RECENT_EVENTS:]


def fold_minute(entry: MinuteEntry, event: Event, offset: int) -> None:
    """Count the event in its minute."""
    if offset > entry.offset:
        entry.offset = offset
        count(entry, event)


def fold_dedup(entry: DedupEntry, verdict: Verdict, offset: int) -> None:
    """Count a verdict."""
    if offset <= entry.offset:
        return
    entry.offset = offset
    if verdict is Verdict.DUPLICATE:
        entry.duplicates += 1
    else:
        entry.unique += 1


def fold_ledger(entry: LedgerEntry, offset: int, outcome: str) -> None:
    """Account for one record; `outcome` is embedded, duplicate, rejected or deleted."""
    if offset <= entry.offset:
        return
    if entry.first < 0:
        entry.first = offset
    else:
        entry.skipped += offset - entry.offset - 1
    entry.offset = offset
    setattr(entry, outcome, getattr(entry, outcome) + 1)


# -- reading: one row from the entries of several partitions -----------------------------------------------------------


def merge_counts(entries: Iterable[Counts]) -> dict[str, Any]:
    """Sums of counts, types and revenue; the widest first and last."""
    entries = list(entries)
    by_type: dict[str, int] = {}
    for entry in entries:
        for kind, number in entry.by_type.items():
            by_type[kind] = by_type.get(kind, 0) + number
    return {
        "events": sum(entry.events for entry in entries),
        "by_type": dict(sorted(by_type.items())),
        "revenue": sum(entry.revenue_cents for entry in entries) / 100,
        "first": min(entry.first for entry in entries),
        "last": max(entry.last for entry in entries),
    }


def merge_products(entries: Iterable[ProductEntry]) -> dict[str, Any]:
    """A product over all partitions, in their order, as its newest event described it.

    Of events at the same moment the one on the highest partition counts, as in `sink.Catalogue`.
    """
    entries = list(entries)
    newest = max(reversed(entries), key=lambda entry: entry.version)
    described = {
        "name": newest.name,
        "description": newest.description,
        "category": newest.category,
        "price": newest.price,
        "version": newest.version,
    }
    return described | merge_counts(entries)


def merge_users(entries: Iterable[UserEntry]) -> dict[str, Any]:
    """A user over all partitions, with the latest events of all."""
    entries = list(entries)
    recent = sorted((seen for entry in entries for seen in entry.recent), key=_newest_first)
    return merge_counts(entries) | {"recent": [msgspec.to_builtins(seen) for seen in recent[:RECENT_EVENTS]]}


def merge_dedup(entries: Iterable[DedupEntry]) -> dict[str, Any]:
    """Unique and duplicate events, and the duplicates' share."""
    entries = list(entries)
    unique = sum(entry.unique for entry in entries)
    duplicates = sum(entry.duplicates for entry in entries)
    share = duplicates / (unique + duplicates) if unique + duplicates else 0.0
    return {"unique": unique, "duplicates": duplicates, "duplicate_share": round(share, 4)}


def merge_ledger(entries: Iterable[LedgerEntry]) -> dict[str, Any]:
    """One partition's ledger (there is one entry per partition)."""
    (entry,) = entries
    return msgspec.structs.asdict(entry) | {"consumed": entry.consumed}
