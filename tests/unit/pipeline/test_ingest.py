"""A batch of records to a plan: what is fresh, what came again, what is refused, and in which order."""

import pytest

from streamapp.events import identity
from streamapp.pipeline.ingest import Deletion, plan, tally
from streamapp.pipeline.seen import Seen, Verdict

from .making import decode, event, event_id, record, tombstone


@pytest.fixture
def known():
    """What batches before brought; `take` adds a plan's ids as `Pending` would."""
    return {}


@pytest.fixture
def make(known):
    return lambda *records: plan(records, decode, lambda ids: [known.get(key) for key in ids])


def offsets(placed):
    return [one.offset for one in placed]


def test_every_record_gets_one_outcome_in_order(make):
    made = make(record(3, event(1)), record(4, b"junk"), record(5, event(1)), tombstone(6, event_id(9)), record(9, b""))
    assert made.outcomes == [(3, "embedded"), (4, "rejected"), (5, "duplicate"), (6, "deleted"), (9, "rejected")]
    assert tally(made.outcomes) == {"embedded": 1, "rejected": 2, "duplicate": 1, "deleted": 1}
    assert made.reasons == ["not_json", "empty"]


def test_a_duplicate_within_the_batch_is_found(make):
    made = make(record(1, event(1)), record(2, event(1)), record(3, event(2)), record(4, event(1)))
    assert offsets(made.fresh) == [1, 3]
    assert [verdict for _, verdict in made.verdicts] == ["fresh", "duplicate", "fresh", "duplicate"]
    assert made.ids[identity(event_id(1))] == Seen(0, 1)


def test_ids_that_differ_in_case_only_are_the_same(make):
    body = record(1, event(0xABCDEF)).value
    made = make(record(1, body), record(2, body.replace(b"abcdef", b"ABCDEF")))
    assert made.outcomes == [(1, "embedded"), (2, "duplicate")]


def test_a_redelivery_is_processed_again_and_gives_the_same_plan(make, known):
    records = [record(1, event(1)), record(2, event(2)), record(3, event(1)), record(4, b"junk")]
    first = make(*records)
    known |= first.ids
    again = make(*records)
    assert [verdict for _, verdict in again.verdicts] == [Verdict.REDELIVERED, Verdict.REDELIVERED, Verdict.DUPLICATE]
    assert again._replace(verdicts=[]) == first._replace(verdicts=[])
    later = make(record(7, event(1)))
    assert later.outcomes == [(7, "duplicate")]


def test_part_of_a_batch_redelivered_gives_that_part_of_the_plan(make, known):
    records = [record(1, event(1)), record(2, event(2)), record(3, event(1))]
    known |= make(*records).ids
    assert make(*records[1:]).outcomes == [(2, "embedded"), (3, "duplicate")]


def test_an_id_from_another_partition_is_a_duplicate(make, known):
    known |= make(record(5, event(1), partition=1)).ids
    assert make(record(5, event(1), partition=2)).outcomes == [(5, "duplicate")]


def test_what_a_tombstone_names_does_not_come_back(make, known):
    made = make(record(1, event(1)), tombstone(2, event_id(1)), record(3, event(1)), record(4, event(2)))
    assert made.outcomes == [(1, "embedded"), (2, "deleted"), (3, "duplicate"), (4, "embedded")]
    assert made.deletions == [Deletion(event_id(1), 2, 1)]
    known |= made.ids
    assert make(record(9, event(1))).outcomes == [(9, "duplicate")]


def test_an_event_that_comes_after_its_tombstone_stays_away(make):
    assert make(tombstone(1, event_id(1)), record(2, event(1))).outcomes == [(1, "deleted"), (2, "duplicate")]


def test_an_event_and_its_tombstone_redelivered_are_accounted_as_before(make, known):
    # The ids may have been written and the ledger not, when it died; then the second time is the one that counts.
    first_batch, second_batch = [record(1, event(1)), record(2, event(1))], [tombstone(3, event_id(1))]
    once = [make(*first_batch)]
    known |= once[0].ids
    once.append(make(*second_batch))
    known |= once[1].ids
    again = make(*first_batch)
    assert again.outcomes == once[0].outcomes == [(1, "embedded"), (2, "duplicate")]
    known |= again.ids
    assert make(*second_batch).outcomes == once[1].outcomes


def test_deletions_know_how_many_fresh_events_come_before(make):
    made = make(
        tombstone(1, "u-0"), record(2, event(1)), record(3, event(1)), tombstone(4, "u-1"), tombstone(5, "u-2"),
        record(6, event(2)),
    )  # fmt: skip
    assert [deletion.before for deletion in made.deletions] == [0, 1, 1]
    assert offsets(made.fresh) == [2, 6]


def test_neighbours_of_bad_records_are_not_disturbed(make):
    bad = [b"", b"{", b"\xff", b"[" * 100_000, b"null", b'{"event_id":1}']
    good = [record(offset, event(offset)) for offset in range(0, 14, 2)]
    mixed = [*good]
    for place, value in enumerate(bad):
        mixed.insert(2 * place + 1, record(2 * place + 1, value))
    made, alone = make(*mixed), make(*good)
    assert made.fresh == alone.fresh
    assert made.ids == alone.ids
    assert [offset for offset, _ in made.letters] == [1, 3, 5, 7, 9, 11]


def test_a_rejected_record_with_a_known_id_leaves_the_id_alone(make):
    broken = record(1, event(1)).value.replace(b'"price":10.0', b'"price":-1')
    made = make(record(1, broken), record(2, event(1)))
    assert made.outcomes == [(1, "rejected"), (2, "embedded")]


def test_an_empty_batch_is_an_empty_plan(make):
    assert make() == ([], [], [], [], [], [], {})
