"""The first step of a batch: each record decoded and judged, and what follows from it. Pure, but for the index read.

Out comes a `Plan`: runs of fresh events between tombstones, dead letters, and one outcome per record for the ledger.
A plan can be made again from the same records with the same result; nothing is remembered here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from streamapp.events import Event, identity
from streamapp.kafka.sender import Outgoing
from streamapp.pipeline.deadletter import dead_letter
from streamapp.pipeline.decode import Decode, Rejected, Tombstone
from streamapp.pipeline.seen import Seen, Verdict, judge
from streamapp.pipeline.sink import Placed

Lookup = Callable[[Sequence[bytes]], Sequence[Seen | None]]
"""For each id the record that brought it, or None; `SeenIndex.lookup` with what is not checkpointed yet."""


class Deletion(NamedTuple):
    """A tombstone: its key, its offset, and how many fresh events of the plan come before it."""

    key: str
    offset: int
    before: int


class Plan(NamedTuple):
    """What is to be done with one batch of a partition's records."""

    fresh: list[Placed]
    """Events to embed and write, in offset order."""
    deletions: list[Deletion]
    letters: list[tuple[int, Outgoing]]
    """(offset, dead letter) of every record that cannot be used."""
    outcomes: list[tuple[int, str]]
    """(offset, ledger column) of every record."""
    verdicts: list[tuple[int, Verdict]]
    """(offset, verdict) of every valid event."""
    reasons: list[str]
    """Of the dead letters, in order."""
    ids: dict[bytes, Seen]
    """What this batch adds to the ids seen."""


def plan(records: Sequence[Any], decode: Decode, lookup: Lookup, counted: int = -1) -> Plan:
    """Decide on a batch of aiokafka's ConsumerRecords of one partition.

    `counted` is the last offset in the partition's ledger. The ledger is written after the ids, so an id that is not
    known though its record was counted was a duplicate, of a copy elsewhere that never became true.
    """
    decoded = [decode(record.key, record.value) for record in records]
    ids = [identity(one.event_id) if isinstance(one, Event) else None for one in decoded]
    known = dict(zip(wanted := [key for key in ids if key is not None], lookup(wanted), strict=True))
    made = Plan([], [], [], [], [], [], {})
    for record, one, key in zip(records, decoded, ids, strict=True):
        if isinstance(one, Event):
            assert key is not None
            _event(made, record, one, key, known, counted)
        elif isinstance(one, Tombstone):
            _tombstone(made, record, one, known)
        else:
            _rejected(made, record, one)
    return made


def _event(made: Plan, record: Any, event: Event, key: bytes, known: dict[bytes, Seen | None], counted: int) -> None:
    verdict = judge(record.partition, record.offset, known[key])
    if verdict is Verdict.FRESH and record.offset <= counted:
        verdict = Verdict.DUPLICATE
    made.verdicts.append((record.offset, verdict))
    if verdict is Verdict.DUPLICATE:
        made.outcomes.append((record.offset, "duplicate"))
        return
    made.outcomes.append((record.offset, "embedded"))
    made.fresh.append(Placed(event, record.partition, record.offset))
    made.ids[key] = known[key] = Seen(record.partition, record.offset)


def _tombstone(made: Plan, record: Any, tombstone: Tombstone, known: dict[bytes, Seen | None]) -> None:
    made.outcomes.append((record.offset, "deleted"))
    made.deletions.append(Deletion(tombstone.key, record.offset, len(made.fresh)))
    # Remembered like an id: the event it names, redelivered or late, is a duplicate and does not come back.
    made.ids[identity(tombstone.key)] = known[identity(tombstone.key)] = Seen(record.partition, record.offset)


def _rejected(made: Plan, record: Any, rejected: Rejected) -> None:
    made.outcomes.append((record.offset, "rejected"))
    made.letters.append((record.offset, dead_letter(record, rejected)))
    made.reasons.append(rejected.reason.value)


def tally(outcomes: Sequence[tuple[int, str]]) -> Mapping[str, int]:
    """How many records had each outcome."""
    counts: dict[str, int] = {}
    for _, outcome in outcomes:
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts
