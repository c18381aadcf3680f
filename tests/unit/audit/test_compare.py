"""Each way in which the facts can differ from the recount becomes a sentence that names it, and nothing else does."""

import re

import msgspec
import pytest

from streamapp.audit.compare import compare, named
from streamapp.audit.facts import Offsets
from streamapp.audit.report import report
from streamapp.events import Origin, event_point_id

from .making import NOON, event, event_id, facts_of, letter_of, point_of, record, recount_of, tombstone

RUNS = [
    [record(0, event(1)), record(1, b"junk"), record(2, event(1)), record(3, event(2, at=NOON + 1, name="Kettle 2"))],
    [
        record(10, event(3, product="p-2", user="u-2"), partition=1),
        tombstone(11, event_id(77), partition=1),
        record(14, event(4, user="u-2"), partition=1),
        record(15, b"", partition=1),
    ],
]


@pytest.fixture
def facts():
    return facts_of(*RUNS)


@pytest.fixture
def recount():
    return recount_of(*RUNS)


def bent(facts, partition=0, **columns):
    entry = msgspec.structs.replace(facts.ledger[partition], **columns)
    return facts._replace(ledger={**facts.ledger, partition: entry})


def test_what_is_as_it_should_be_balances(recount, facts):
    assert compare(recount, facts) == []
    found = report(facts, [])
    assert found["balanced"]
    assert found["topics"] == {
        "ecommerce-events": {
            "consumed": 8, "embedded": 4, "duplicate": 1, "rejected": 2, "deleted": 1, "in_flight": 0, "lag": 0,
        }
    }  # fmt: skip
    assert (found["points"], found["dead_letters"], found["dead_letters_doubled"], found["products"]) == (4, 2, 0, 2)


def test_a_topic_of_which_nothing_was_consumed_yet_balances(facts):
    empty = facts._replace(ledger={}, letters=[], points={}, products={}, offsets=facts.offsets._replace(committed={}))
    assert compare(recount_of(), empty) == []
    assert report(empty, [])["topics"]["ecommerce-events"]["lag"] == 4 + 6


def test_what_is_not_committed_yet_is_lag_and_no_problem(recount, facts):
    behind = facts._replace(offsets=facts.offsets._replace(end={0: 9, 1: 16}, committed={0: 2, 1: 16}))
    assert compare(recount, behind) == []
    assert report(behind, [])["topics"]["ecommerce-events"]["lag"] == 7


def test_what_is_in_flight_counts_as_consumed(facts):
    counts = report(facts._replace(in_flight=5), [])["topics"]["ecommerce-events"]
    assert counts["consumed"] == 13
    outcomes = ("embedded", "duplicate", "rejected", "deleted", "in_flight")
    assert counts["consumed"] == sum(counts[name] for name in outcomes)


def test_a_missing_point_is_named(recount, facts):
    del facts.points[event_point_id(event_id(2))]
    assert compare(recount, facts) == [f"1 event: has no point ({event_id(2)})"]


def test_a_surplus_point_is_named(recount, facts):
    facts.points.update([point_of(event(99), 0, 2)])
    assert compare(recount, facts) == [f"1 point: stands for no event ({event_id(99)})"]


def test_a_point_of_a_record_that_the_ledger_has_not_counted_yet_is_no_surplus(recount, facts):
    facts.points.update([point_of(event(99), 0, 4)])
    assert compare(recount, facts) == []


def test_a_point_that_a_tombstone_should_have_deleted_is_named():
    runs = [[record(0, event(1)), record(1, event(2, user="u-2")), tombstone(2, event_id(1))]]
    facts = facts_of(*runs)
    assert compare(recount_of(*runs), facts) == []
    facts.points.update([point_of(event(1), 0, 0)])
    assert compare(recount_of(*runs), facts) == [f"1 point: stands for no event ({event_id(1)})"]


@pytest.mark.parametrize(
    "wrong", [{"name": "Toaster"}, {"price": 9.99}, {"timestamp": NOON + 1}, {"user_id": "u-9"}, {"product_id": "p-9"}]
)
def test_a_point_that_says_something_else_is_named(recount, facts, wrong):
    facts.points[event_point_id(event_id(1))].update(wrong)
    assert compare(recount, facts) == [f"1 point: says something else than its event ({event_id(1)})"]


def test_a_wrong_version_of_a_product_is_named(recount, facts):
    facts.products["p-1"]["name"] = "Kettle"
    assert compare(recount, facts) == ["1 product: does not show its newest version (p-1)"]
    facts.products["p-2"]["price"] = 11.0
    assert compare(recount, facts) == ["2 products: does not show its newest version (p-1, p-2)"]


def test_a_missing_product_is_named(recount, facts):
    del facts.products["p-2"]
    assert compare(recount, facts) == ["1 product: has no point (p-2)"]


def test_a_missing_dead_letter_is_named(recount, facts):
    facts.letters.pop()
    assert compare(recount, facts) == ["1 invalid record: has no dead letter (1/15)"]


def test_a_doubled_dead_letter_is_recognised_by_its_origin_and_told(recount, facts):
    facts.letters.append(facts.letters[0]._replace(offset=7))
    assert compare(recount, facts) == []
    found = report(facts, [])
    assert (found["dead_letters"], found["dead_letters_doubled"]) == (2, 1)


@pytest.mark.parametrize("wrong", [{"reason": "empty"}, {"value": b"other bytes"}, {"value": None}, {"key": None}])
def test_a_dead_letter_with_another_reason_or_bytes_is_named(recount, facts, wrong):
    facts.letters[0] = facts.letters[0]._replace(**wrong)
    assert compare(recount, facts) == ["1 dead letter: has another reason or other bytes than its record (0/1)"]


def test_a_dead_letter_for_a_valid_record_is_named(recount, facts):
    facts.letters.append(letter_of(record(0, b"junk"), 9))
    assert compare(recount, facts) == ["1 dead letter: stands for a record that is valid (0/0)"]


def test_dead_letters_of_other_topics_and_of_what_is_not_counted_yet_are_nobodys_business(recount, facts):
    other = facts.letters[0]._replace(origin=Origin("another-topic", 0, 0))
    early = facts.letters[0]._replace(origin=Origin("ecommerce-events", 0, 4))
    facts.letters.extend([other, early])
    assert compare(recount, facts) == []


@pytest.mark.parametrize(
    ("column", "partition", "counted", "held"),
    [("embedded", 0, 3, 2), ("duplicate", 0, 2, 1), ("rejected", 1, 2, 1), ("deleted", 1, 2, 1)],
)
def test_a_ledger_that_miscounts_is_named_twice_over(recount, facts, column, partition, counted, held):
    problems = compare(recount, bent(facts, partition, **{column: counted}))
    assert f"partition {partition}: the ledger says {counted} {column}, the topic holds {held}" in problems
    assert any(re.match(rf"partition {partition}: the ledger accounts for \d+ records and", one) for one in problems)


def test_a_ledger_that_takes_one_for_another_is_named(recount, facts):
    assert compare(recount, bent(facts, 0, embedded=1, duplicate=2)) == [
        "partition 0: the ledger says 1 embedded, the topic holds 2",
        "partition 0: the ledger says 2 duplicate, the topic holds 1",
    ]


def test_a_ledger_whose_offsets_and_counts_part_is_named(recount, facts):
    assert compare(recount, bent(facts, 1, skipped=0)) == [
        "partition 1: the ledger accounts for 4 records and 0 gaps over 6 offsets"
    ]


def test_a_commit_beyond_the_ledger_is_named(recount, facts):
    ahead = facts._replace(offsets=facts.offsets._replace(end={0: 9, 1: 16}, committed={0: 5, 1: 16}))
    assert compare(recount, ahead) == ["partition 0: committed up to 5, but the ledger ends at 4"]
    nothing = facts._replace(ledger={1: facts.ledger[1]}, points={}, letters=[])
    assert "partition 0: committed up to 4, but the ledger ends at 0" in compare(recount, nothing)


def test_a_ledger_beyond_the_topic_is_named(recount, facts):
    anew = facts._replace(offsets=Offsets({0: 0, 1: 10}, {0: 2, 1: 16}, {}))
    assert "partition 0: the ledger counts offset 3, the topic ends before it" in compare(recount, anew)


def test_a_partition_that_the_ledger_lacks_is_lag():
    facts = facts_of(RUNS[0])
    more = facts._replace(offsets=Offsets({0: 0, 1: 10}, {0: 4, 1: 16}, {0: 4}))
    assert compare(recount_of(RUNS[0]), more) == []
    assert more.offsets.lag == 6


@pytest.mark.parametrize("kept_from", [1, 2, 3])
def test_what_retention_has_trimmed_is_not_held_against_anyone(facts, kept_from):
    kept = recount_of(RUNS[0][kept_from:], RUNS[1])
    trimmed = facts._replace(offsets=facts.offsets._replace(begin={0: kept_from, 1: 10}))
    assert compare(kept, trimmed) == []


def test_after_retention_what_is_left_is_still_proved(facts):
    kept = recount_of(RUNS[0][1:], RUNS[1])
    trimmed = facts._replace(offsets=facts.offsets._replace(begin={0: 1, 1: 10}))
    trimmed.letters.clear()
    del trimmed.points[event_point_id(event_id(4))]
    trimmed.points.update([point_of(event(99), 0, 2)])
    assert compare(kept, trimmed) == [
        "2 invalid records: has no dead letter (0/1, 1/15)",
        f"1 event: has no point ({event_id(4)})",
        f"1 point: stands for no event ({event_id(99)})",
    ]


def test_a_topic_that_retention_has_emptied_balances(facts):
    gone = facts._replace(offsets=facts.offsets._replace(begin={0: 4, 1: 16}))
    assert compare(recount_of(), gone) == []


def test_copies_on_several_partitions_are_compared_by_their_sums():
    first, second = [record(0, event(1), partition=0)], [record(0, event(1, user="u-2"), partition=1)]
    facts = facts_of(first, second)
    for order in ([first, second], [second, first]):
        assert compare(recount_of(*order), facts) == []
    (problem,) = compare(recount_of(first, second), bent(facts, 1, duplicate=0, rejected=1))[:1]
    assert problem == "all partitions: the ledger says 0 duplicate, the topic holds 1"


def test_a_tombstone_on_another_partition_than_its_event_is_no_problem_in_any_order():
    kept, first, second = (
        [record(5, event(2), partition=2)],
        [record(0, event(1))],
        [tombstone(3, event_id(1), partition=1)],
    )
    for handled in ([kept, first, second], [kept, second, first]):
        for read in ([first, second, kept], [second, first, kept]):
            facts, recount = facts_of(*handled), recount_of(*read)
            assert compare(recount, facts) == []
            assert compare(recount, bent(facts, 2, embedded=0, rejected=1)) == [
                "all partitions: the ledger says 1 embedded and duplicate, the topic holds 2",
                "all partitions: the ledger says 1 rejected, the topic holds 0",
            ]


def test_many_of_a_kind_are_one_sentence():
    assert list(named(range(7), "event", "has no point", str)) == ["7 events: has no point (0, 1, 2, 3, 4 and 2 more)"]
    assert list(named([], "event", "has no point", str)) == []
