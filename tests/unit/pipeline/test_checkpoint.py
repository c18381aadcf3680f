"""The checkpoint: the changelog confirmed, then the tables' files, then the index; real RocksDB, a fake of Kafka."""

import asyncio

import msgspec
import pytest
from faust.types import TP

from streamapp.errors import ConfigurationError
from streamapp.events import identity
from streamapp.pipeline.checkpoint import Checkpoint
from streamapp.pipeline.entries import LedgerEntry
from streamapp.pipeline.fold import fold
from streamapp.pipeline.ingest import plan
from streamapp.pipeline.pending import Pending
from streamapp.pipeline.seen import Seen, SeenIndex, segment_key, unpack_segment

from .making import NOON, KafkaLog, decode, event, event_id, record, tombstone

LIVE = ["t-products-changelog", "t-users-changelog", "t-minutes-changelog", "t-dedup-changelog", "t-ledger-changelog"]
SEEN = "t-seen-changelog"


@pytest.fixture
def kafka():
    return KafkaLog()


@pytest.fixture
def pending(index):
    return Pending(index)


@pytest.fixture
def checkpoint(tables, kafka, index, pending, clock):
    return Checkpoint(tables, kafka, index, pending, clock, 100.0)


@pytest.fixture
def take(tables, pending):
    """Do with a batch what a lane does before the checkpoint."""

    def take(*records):
        made = plan(records, decode, pending.lookup)
        pending.add(records[0].partition, made.ids)
        fold(tables, records[0].partition, made)

    return take


def stored(tables, partition=0):
    return {table.name: dict(table.store.scan(partition)) for table in tables.live}


async def test_what_is_stored_is_what_the_changelog_holds(tables, kafka, checkpoint, take, index, pending):
    take(record(5, event(1)), record(6, event(2, user="u-2")))
    await checkpoint.write(0, 5)
    assert sorted(kafka.topics()) == sorted([*LIVE, SEEN])
    assert {partition for _, partition, _ in kafka.sent} == {0}
    for table in tables.live:
        records = kafka.records(table.changelog)
        assert {one.key: one.value for one in records} == dict(table.store.scan(0)) != {}
        assert {one.timestamp_ms for one in records} == {int(NOON * 1000)}
        assert table.store.persisted_offset(TP(table.changelog, 0)) == len(records) - 1
    (segment,) = kafka.records(SEEN)
    assert dict(tables.segments.scan(0)) == {segment_key(5): segment.value}
    assert unpack_segment(segment.value) == (NOON, [(identity(event_id(1)), 5), (identity(event_id(2)), 6)])
    assert index.lookup([identity(event_id(1))]) == [Seen(0, 5)]
    assert len(pending) == 0
    assert [table.changes(0) for table in tables.live] == [[]] * 5


async def test_each_entry_is_sent_once_however_often_it_changed(kafka, checkpoint, take):
    take(*(record(offset, event(offset)) for offset in range(50)))
    await checkpoint.write(0, 0)
    assert [len(kafka.records(topic)) for topic in LIVE] == [1, 1, 1, 1, 1]


async def test_nothing_is_stored_before_the_changelog_has_confirmed(tables, kafka, checkpoint, take, index):
    take(record(5, event(1)))
    kafka.gate.clear()
    writing = asyncio.create_task(checkpoint.write(0, 5))
    await kafka.waiting.wait()
    assert stored(tables) == {table.name: {} for table in tables.live}
    assert (dict(tables.segments.scan(0)), index.lookup([identity(event_id(1))])) == ({}, [None])
    kafka.gate.set()
    await writing
    assert tables.ledger.get("0") is not None


async def test_the_index_learns_last(tables, kafka, checkpoint, take, index):
    take(record(5, event(1)))
    known = []
    kafka.on_send = lambda topic: known.append(index.lookup([identity(event_id(1))]))
    await checkpoint.write(0, 5)
    assert known == [[None]] * 6


@pytest.mark.parametrize("failing", range(6))
async def test_a_checkpoint_that_failed_half_way_is_made_whole_by_the_next(
    tables, kafka, checkpoint, take, index, pending, failing
):
    take(record(5, event(1)), record(6, b"junk"))
    calls = iter(range(6))

    def fail(topic):
        if next(calls, -1) == failing:
            kafka.failures.append(ConfigurationError("Kafka refuses it."))

    kafka.on_send = fail
    with pytest.raises(ConfigurationError):
        await checkpoint.write(0, 5)
    assert index.lookup([identity(event_id(1))]) == [None]
    assert pending.lookup([identity(event_id(1))]) == [Seen(0, 5)]
    take(record(7, event(2)))
    await checkpoint.write(0, 5)
    assert tables.ledger.get("0").value["consumed"] == 3
    assert tables.users.get("u-1").value["events"] == 2
    assert index.lookup([identity(event_id(number)) for number in (1, 2)]) == [Seen(0, 5), Seen(0, 7)]


async def test_partitions_are_written_apart(tables, kafka, checkpoint, take, pending):
    take(record(5, event(1), partition=0))
    take(record(9, event(2), partition=3))
    await checkpoint.write(3, 9)
    assert {partition for _, partition, _ in kafka.sent} == {3}
    assert pending.of(0) == [(identity(event_id(1)), 5)]
    assert [key for key, _ in tables.ledger.changes(0)] == [b"0"]


async def test_a_checkpoint_of_rejects_alone_writes_the_ledger_and_no_segment(tables, kafka, checkpoint, take):
    take(record(5, b"junk"))
    await checkpoint.write(0, 5)
    assert SEEN not in kafka.topics()
    assert "t-products-changelog" not in kafka.topics()
    (entry,) = kafka.records("t-ledger-changelog")
    assert msgspec.msgpack.decode(entry.value, type=LedgerEntry).rejected == 1


async def test_a_forgotten_user_goes_from_the_changelog_too(tables, kafka, checkpoint, take):
    take(record(5, event(1)))
    await checkpoint.write(0, 5)
    take(tombstone(6, "u-1"))
    await checkpoint.write(0, 6)
    assert kafka.records("t-users-changelog")[-1].value is None
    assert tables.users.get("u-1") is None


async def test_segments_go_after_the_time_to_live_from_table_and_changelog(tables, kafka, checkpoint, take, clock):
    for number in range(3):
        take(record(number, event(number)))
        await checkpoint.write(0, number)
        clock.now += 40
    assert len(dict(tables.segments.scan(0))) == 3
    clock.now = NOON + 140
    take(record(3, event(3)))
    await checkpoint.write(0, 3)
    assert list(dict(tables.segments.scan(0))) == [segment_key(2), segment_key(3)]
    assert [(one.key, one.value is None) for one in kafka.records(SEEN)][-3:] == [
        (segment_key(0), True),
        (segment_key(1), True),
        (segment_key(3), False),
    ]


async def test_a_segment_that_expired_and_comes_again_stays(tables, checkpoint, take, clock):
    take(record(0, event(1)))
    await checkpoint.write(0, 0)
    clock.now += 200
    take(record(0, event(1)))
    await checkpoint.write(0, 0)
    ((_, value),) = tables.segments.scan(0)
    assert unpack_segment(value)[0] == NOON + 200


async def test_ids_that_another_worker_brought_meanwhile_are_known_when_the_partition_comes_back(
    tables, kafka, clock, tmp_path
):
    # One checkpoints 50 to 119 and dies before the commit; another begins at 50 again and reaches 199 at once.
    def worker(name):
        index = SeenIndex(tmp_path / name, 100.0, clock)
        return index, Checkpoint(tables, kafka, index, pendings.setdefault(name, Pending(index)), clock, 100.0)

    pendings = {}
    (here, one), (there, two) = worker("one"), worker("two")
    early, late = identity(event_id(1)), identity(event_id(2))
    pendings["one"].add(0, {early: Seen(0, 60)})
    await one.write(0, 119)
    pendings["two"].add(0, {early: Seen(0, 60), late: Seen(0, 150)})
    await two.write(0, 199)
    assert here.lookup([early, late]) == [Seen(0, 60), None]
    here.catch_up(0, tables.segments.scan(0, here.marker(0)))
    assert here.lookup([early, late]) == [Seen(0, 60), Seen(0, 150)]
    here.close()
    there.close()
