"""The facts held against a producer's manifest: what was planted, and what became of it. Pure.

Proves what a recount cannot: that Kafka and the decoder lost nothing either. It takes for granted that the topic
holds this manifest's records and no others.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from streamapp.audit.compare import named
from streamapp.audit.facts import Facts
from streamapp.events import event_point_id
from streamapp.pipeline.deadletter import by_origin
from streamapp.sources.manifest import Manifest


def compare_planted(manifest: Manifest, facts: Facts) -> list[str]:
    """Every way in which what is differs from what was planted."""
    return [*_whole(manifest, facts), *_events(manifest, facts), *_counts(manifest, facts), *_invalid(manifest, facts)]


def _whole(manifest: Manifest, facts: Facts) -> Iterator[str]:
    if manifest.topic != facts.topic:
        yield f"the manifest is for topic {manifest.topic}, not {facts.topic}"
    if not manifest.complete:
        yield "the manifest has no end line: its producer was killed, and may have delivered more than it notes"
    if manifest.unconfirmed:
        yield f"the producer does not know the fate of {manifest.unconfirmed} records"


def _events(manifest: Manifest, facts: Facts) -> Iterator[str]:
    points = facts.points
    kept = [event_id for event_id in manifest.events if event_id not in manifest.deleted]
    missing = [event_id for event_id in kept if event_point_id(event_id) not in points]
    yield from named(missing, "planted event", "has no point", str)
    wrong = [
        event_id
        for event_id in kept
        if (payload := points.get(event_point_id(event_id))) is not None
        and not _shows(payload, manifest.expected(event_id))
    ]
    yield from named(wrong, "planted event", "shows another version of its product", str)
    back = [event_id for event_id in manifest.deleted if event_point_id(event_id) in points]
    yield from named(back, "deleted event", "still has a point", str)
    if len(points) > len(kept) - len(missing):
        yield f"{len(points) - (len(kept) - len(missing))} points were never planted"
    stale = [
        product_id
        for product_id, newest in manifest.newest().items()
        if not _shows(facts.products.get(product_id, {}), newest)
    ]
    yield from named(stale, "product", "does not show its newest planted version", str)


def _shows(payload: Any, product: Any) -> bool:
    fields = ("product_id", "name", "description", "category", "price")
    return all(payload.get(field) == getattr(product, field) for field in fields)


def _counts(manifest: Manifest, facts: Facts) -> Iterator[str]:
    planted = manifest.counts()
    for column, sort in (
        ("embedded", "event"),
        ("duplicate", "duplicate"),
        ("rejected", "invalid"),
        ("deleted", "deletion"),
    ):
        counted = sum(getattr(entry, column) for entry in facts.ledger.values())
        if counted != planted[sort]:
            yield f"{planted[sort]} {sort}s were planted, the ledger says {counted} {column}"


def _invalid(manifest: Manifest, facts: Facts) -> Iterator[str]:
    found = Counter(
        (
            hashlib.sha256(letter.value or b"").hexdigest(),
            letter.reason,
            None if letter.key is None else letter.key.decode(errors="replace"),
        )
        for letter in by_origin(facts.letters).values()
    )
    lost, extra = manifest.invalid - found, found - manifest.invalid
    yield from named(list(lost.elements()), "planted invalid record", "has no dead letter of its reason and bytes",
                     lambda one: f"{one[1]} {one[0][:12]}")  # fmt: skip
    yield from named(list(extra.elements()), "dead letter", "was never planted", lambda one: f"{one[1]} {one[0][:12]}")
