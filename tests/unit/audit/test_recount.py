"""The recount: what should be, from the records alone, whatever the order in which partitions are read."""

from itertools import permutations

import pytest

from streamapp.audit.recount import Recount
from streamapp.events import Origin, identity

from .making import NOON, TOPIC, decode, event, event_id, record, tombstone


def recount(*runs, ttl=86_400.0):
    made = Recount(TOPIC, decode, ttl)
    for run in runs:
        made.add(run)
    return made


def counts(made, partition=0):
    return dict(made.counts[partition])


def test_every_record_has_one_outcome():
    made = recount(
        [record(0, event(1)), record(1, b"junk"), record(2, event(1)), tombstone(3, "u-9"), record(9, event(2))]
    )
    assert counts(made) == {"embedded": 2, "rejected": 1, "duplicate": 1, "deleted": 1}
    assert made.total("embedded") == 2
    assert made.rejected == {Origin(TOPIC, 0, 1): ("not_json", b"u-1", b"junk")}
    assert set(made.events) == {identity(event_id(1)), identity(event_id(2))}
    assert made.events[identity(event_id(1))].offset == 0


def test_an_id_is_new_again_after_the_time_to_live():
    made = recount(
        [
            record(0, event(1), timestamp=NOON),
            record(1, event(1), timestamp=NOON + 100),
            record(2, event(1), timestamp=NOON + 101),
        ],
        ttl=100.0,
    )
    assert counts(made) == {"embedded": 2, "duplicate": 1}
    assert made.events[identity(event_id(1))].offset == 2


def test_a_tombstone_for_an_event_takes_the_event_and_its_later_copies():
    made = recount([record(0, event(1)), record(1, event(2)), tombstone(2, event_id(1)), record(3, event(1))])
    assert counts(made) == {"embedded": 2, "deleted": 1, "duplicate": 1}
    assert set(made.events) == {identity(event_id(2))}


def test_a_tombstone_before_its_event_keeps_it_away():
    made = recount([tombstone(0, event_id(1)), record(1, event(1))])
    assert counts(made) == {"deleted": 1, "duplicate": 1}
    assert made.events == {}


def test_a_tombstone_for_a_user_takes_the_events_so_far_and_no_later_ones():
    made = recount(
        [
            record(0, event(1)),
            record(1, event(2, user="u-2")),
            tombstone(2, "u-1"),
            record(3, event(3)),
            record(4, event(1)),
        ]
    )
    assert counts(made) == {"embedded": 3, "deleted": 1, "duplicate": 1}
    assert set(made.events) == {identity(event_id(2)), identity(event_id(3))}


def test_two_tombstones_for_a_user_take_what_came_between_too():
    made = recount([record(0, event(1)), tombstone(1, "u-1"), record(2, event(2)), tombstone(3, "u-1")])
    assert made.events == {}
    assert counts(made) == {"embedded": 2, "deleted": 2}


def test_copies_on_several_partitions_count_once_in_any_order_of_reading():
    runs = [[record(0, event(1), partition=partition)] for partition in range(3)]
    for order in permutations(runs):
        made = recount(*order)
        assert (made.total("embedded"), made.total("duplicate")) == (1, 2)
        assert made.across == {identity(event_id(1))}


def test_copies_on_one_partition_are_not_across():
    assert recount([record(0, event(1)), record(1, event(1))]).across == set()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_version_of_a_product_does_not_depend_on_the_order_of_reading(order):
    runs = [
        [
            record(0, event(1, at=NOON + 5, name="new"), partition=0),
            record(1, event(2, at=NOON, name="old"), partition=0),
        ],
        [record(0, event(3, at=NOON + 9, name="newest"), partition=1)],
        [record(0, event(4, at=NOON + 9, name="tied"), partition=2)],
    ]
    made = recount(*(runs[place] for place in order))
    assert made.newest["p-1"][1].name == "tied"


def test_duplicates_and_rejects_describe_no_product():
    copy = record(1, event(1, name="other words"))
    assert recount([record(0, event(1)), copy, record(2, b"junk")]).newest["p-1"][1].name == "Kettle"
