"""The recount held against the facts: every difference becomes a sentence that names what is off. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from streamapp.audit.facts import Facts
from streamapp.audit.recount import Recount
from streamapp.events import event_point_id
from streamapp.pipeline.deadletter import by_origin
from streamapp.pipeline.entries import LedgerEntry

T = TypeVar("T")

NAMED = 5
"""How many of a kind are named; the rest is counted."""


def compare(recount: Recount, facts: Facts) -> list[str]:
    """Every problem found; an empty list proves the ledger."""
    complete = all(begin <= _first(facts, partition) for partition, begin in facts.offsets.begin.items())
    return [
        *_offsets(facts),
        *(_ledger(recount, facts) if complete else ()),
        *_letters(recount, facts),
        *_points(recount, facts, complete),
        *_products(recount, facts, complete),
    ]


def _first(facts: Facts, partition: int) -> int:
    entry = facts.ledger.get(partition)
    return entry.first if entry else facts.offsets.end[partition]


def _offsets(facts: Facts) -> Iterator[str]:
    for partition, entry in sorted(facts.ledger.items()):
        span = entry.offset + 1 - entry.first
        if entry.consumed + entry.skipped != span:
            yield (
                f"partition {partition}: the ledger accounts for {entry.consumed} records and {entry.skipped} gaps "
                f"over {span} offsets"
            )
        if entry.offset >= facts.offsets.end.get(partition, 0):
            yield f"partition {partition}: the ledger counts offset {entry.offset}, the topic ends before it"
    for partition, committed in sorted(facts.offsets.committed.items()):
        entry = facts.ledger.get(partition, LedgerEntry())
        if committed > max(entry.offset + 1, facts.offsets.begin.get(partition, 0)):
            yield f"partition {partition}: committed up to {committed}, but the ledger ends at {entry.offset + 1}"


def _ledger(recount: Recount, facts: Facts) -> Iterator[str]:
    outcomes = ("embedded", "duplicate", "rejected", "deleted")
    if recount.across or recount.either:
        together = (outcomes[:2], outcomes[2:3], outcomes[3:]) if recount.either else tuple((one,) for one in outcomes)
        for some in together:
            counted = sum(getattr(entry, outcome) for entry in facts.ledger.values() for outcome in some)
            held = sum(recount.total(outcome) for outcome in some)
            if counted != held:
                yield f"all partitions: the ledger says {counted} {' and '.join(some)}, the topic holds {held}"
        return
    for partition, counts in sorted(recount.counts.items()):
        entry = facts.ledger.get(partition, LedgerEntry())
        for outcome in outcomes:
            if getattr(entry, outcome) != counts[outcome]:
                yield (
                    f"partition {partition}: the ledger says {getattr(entry, outcome)} {outcome}, the topic holds "
                    f"{counts[outcome]}"
                )


def _letters(recount: Recount, facts: Facts) -> Iterator[str]:
    letters = {origin: one for origin, one in by_origin(facts.letters).items() if origin.topic == facts.topic}
    missing = [origin for origin in recount.rejected if origin not in letters]
    yield from named(missing, "invalid record", "has no dead letter", lambda o: f"{o.partition}/{o.offset}")
    wrong = [
        origin
        for origin, (reason, key, value) in recount.rejected.items()
        if origin in letters
        and (letters[origin].reason, letters[origin].key, letters[origin].value) != (reason, key, value)
    ]
    yield from named(wrong, "dead letter", "has another reason or other bytes than its record",
                      lambda o: f"{o.partition}/{o.offset}")  # fmt: skip
    surplus = [
        origin
        for origin in letters
        if origin not in recount.rejected and _within(facts, origin.partition, origin.offset)
    ]
    yield from named(surplus, "dead letter", "stands for a record that is valid", lambda o: f"{o.partition}/{o.offset}")


def _within(facts: Facts, partition: int, offset: int) -> bool:
    """Whether the recount has seen this offset: still in the topic, and in the ledger."""
    entry = facts.ledger.get(partition)
    return entry is not None and facts.offsets.begin.get(partition, 0) <= offset <= entry.offset


def _points(recount: Recount, facts: Facts, complete: bool) -> Iterator[str]:
    expected = {event_point_id(first.event_id): first for first in recount.events.values()}
    across = {event_point_id(recount.events[key].event_id) for key in recount.across if key in recount.events}
    missing = [first.event_id for point, first in expected.items() if point not in facts.points]
    yield from named(missing, "event", "has no point", str)
    surplus = [
        payload.get("event_id", point)
        for point, payload in facts.points.items()
        if point not in expected
        and payload.get("topic", facts.topic) == facts.topic
        and (complete or payload.get("offset", -1) >= facts.offsets.begin.get(payload.get("partition", -1), 0))
        and _within(facts, payload.get("partition", -1), payload.get("offset", -1))
    ]
    yield from named(surplus, "point", "stands for no event", str)
    other = [
        first.event_id
        for point, first in expected.items()
        if point in facts.points and point not in across and not _same_event(facts.points[point], first)
    ]
    yield from named(other, "point", "says something else than its event", str)


def _same_event(payload: Any, first: Any) -> bool:
    mine = (payload["timestamp"], payload["user_id"], payload["event_type"], payload["session_id"])
    event = (first.timestamp, first.user_id, first.event_type, first.session_id)
    return mine == event and _same_product(payload, first.product)


def _same_product(payload: Any, product: Any) -> bool:
    mine = tuple(payload[field] for field in ("product_id", "name", "description", "category", "price"))
    return bool(mine == (product.id, product.name, product.description, product.category, product.price))


def _products(recount: Recount, facts: Facts, complete: bool) -> Iterator[str]:
    if not complete:
        return
    missing = [product_id for product_id in recount.newest if product_id not in facts.products]
    yield from named(missing, "product", "has no point", str)
    stale = [
        product_id
        for product_id, (order, product) in recount.newest.items()
        if product_id in facts.products
        and facts.products[product_id]["version"] <= order[0]  # else newer than what was counted again
        and not _same_product(facts.products[product_id], product)
    ]
    yield from named(stale, "product", "does not show its newest version", str)


def named(found: Sequence[T] | Iterable[T], what: str, fault: str, name: Callable[[T], str]) -> Iterator[str]:
    """One sentence for many of a kind, the first few by name; none when nothing was found."""
    found = list(found)
    if found:
        some = ", ".join(name(one) for one in islice(found, NAMED))
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        plural = "s" if len(found) > 1 else ""
        yield f"{len(found)} {what}{plural}: {fault} ({some}{more})"
