"""What is known of ids: the verdict, the segments, and the index that is derived from them."""

import shutil

import pytest

from streamapp.events import identity
from streamapp.pipeline.pending import Pending
from streamapp.pipeline.seen import Seen, SeenIndex, Verdict, expired_segments, judge, pack_segment, segment_key
from streamapp.pipeline.seen import unpack_segment as unpack

from .making import NOON, event_id

A, B, C = (identity(event_id(number)) for number in (1, 2, 3))


def test_the_same_record_again_is_a_redelivery_and_another_one_a_duplicate():
    assert judge(3, 7, None) is Verdict.FRESH
    assert judge(3, 7, Seen(3, 7)) is Verdict.REDELIVERED
    assert judge(3, 8, Seen(3, 7)) is Verdict.DUPLICATE
    assert judge(4, 7, Seen(3, 7)) is Verdict.DUPLICATE
    assert judge(4, 6, Seen(3, 7)) is Verdict.DUPLICATE


def test_a_record_before_the_one_remembered_is_a_redelivery():
    assert judge(3, 6, Seen(3, 7)) is Verdict.REDELIVERED


def test_a_segment_comes_out_as_it_went_in():
    ids = [(A, 0), (B, 2**40), (C, 2**63)]
    assert unpack(pack_segment(NOON + 0.25, ids)) == (NOON + 0.25, ids)
    assert unpack(pack_segment(NOON, [])) == (NOON, [])


def test_segment_keys_sort_as_offsets_do():
    offsets = [0, 1, 255, 256, 65_535, 2**31, 2**32, 2**40, 2**63]
    assert sorted(offsets, key=segment_key) == offsets


def test_only_leading_segments_expire():
    ages = [300, 101, 100, 99, 500]
    segments = [(segment_key(place), pack_segment(NOON - age, [])) for place, age in enumerate(ages)]
    assert expired_segments(segments, NOON, 100.0) == [segment_key(place) for place in (0, 1, 2)]
    assert expired_segments([], NOON, 100.0) == []


def test_ids_are_forgotten_after_the_time_to_live(index, clock):
    index.remember(2, segment_key(5), clock(), [(A, 5), (B, 6)])
    clock.now += 99
    index.remember(2, segment_key(7), clock(), [(B, 7)])
    assert index.lookup([A, B, C, A]) == [Seen(2, 5), Seen(2, 7), None, Seen(2, 5)]
    clock.now += 1
    assert index.lookup([A, B]) == [None, Seen(2, 7)]
    clock.now += 99
    assert index.lookup([A, B]) == [None, None]
    assert index.lookup([]) == []


def test_the_index_is_there_after_it_was_opened_again(tmp_path, clock):
    first = SeenIndex(tmp_path / "ids", 100.0, clock)
    first.remember(0, segment_key(1), clock(), [(A, 1)])
    first.close()
    again = SeenIndex(tmp_path / "ids", 100.0, clock)
    assert again.lookup([A, B]) == [Seen(0, 1), None]
    assert (again.marker(0), again.marker(1)) == (segment_key(1), b"")
    again.close()


def test_a_lost_index_is_caught_up_from_the_segments(tmp_path, clock, tables):
    made = [(1, [(A, 1), (B, 2)]), (10, [(C, 11)])]
    changes = [(segment_key(first), pack_segment(clock(), ids)) for first, ids in made]
    tables.segments.write(3, changes, 1)
    lost = SeenIndex(tmp_path / "ids", 100.0, clock)
    lost.remember(3, segment_key(10), clock(), made[1][1])
    lost.close()
    shutil.rmtree(tmp_path / "ids")

    index = SeenIndex(tmp_path / "ids", 100.0, clock)
    assert index.lookup([A]) == [None]
    assert index.catch_up(3, tables.segments.scan(3, index.marker(3))) == 2
    assert index.lookup([A, B, C]) == [Seen(3, 1), Seen(3, 2), Seen(3, 11)]
    assert index.marker(3) == segment_key(10)
    assert index.catch_up(3, tables.segments.scan(3, index.marker(3))) == 1  # the last one once more, which is harmless
    index.close()


def test_catching_up_keeps_the_age_of_what_it_finds(index, clock):
    index.catch_up(0, [(segment_key(1), pack_segment(clock() - 99, [(A, 1)]))])
    assert index.lookup([A]) == [Seen(0, 1)]
    clock.now += 1
    assert index.lookup([A]) == [None]


def test_the_marker_never_goes_back(index, clock):
    index.remember(0, segment_key(10), clock(), [(A, 10)])
    index.remember(0, segment_key(5), clock(), [(B, 5)])
    assert index.marker(0) == segment_key(10)


@pytest.fixture
def pending(index):
    return Pending(index)


def test_ids_on_their_way_come_before_the_index(pending, index, clock):
    index.remember(0, segment_key(1), clock(), [(A, 1), (B, 2)])
    pending.add(0, {A: Seen(0, 50), C: Seen(0, 51)})
    assert pending.lookup([A, B, C]) == [Seen(0, 50), Seen(0, 2), Seen(0, 51)]
    assert pending.of(0) == [(A, 50), (C, 51)]
    assert pending.of(1) == []


def test_settling_a_partition_leaves_the_others(pending):
    pending.add(0, {A: Seen(0, 1), B: Seen(0, 2)})
    pending.add(1, {B: Seen(1, 9)})
    pending.settle(0)
    assert pending.lookup([A, B]) == [None, Seen(1, 9)]
    assert (len(pending), pending.of(0), pending.of(1)) == (1, [], [(B, 9)])
    pending.settle(1)
    pending.settle(2)
    assert len(pending) == 0
