"""One partition's lane: order, acks, what is tried again, and how it ends. Tables and index are real."""

import asyncio
import time

import pytest

from streamapp.errors import StoreRefusedError
from streamapp.pipeline.checkpoint import Checkpoint
from streamapp.pipeline.fold import fold
from streamapp.pipeline.lane import QUEUE_BATCHES, Lane, Steps
from streamapp.pipeline.monitor import Monitor
from streamapp.pipeline.pending import Pending

from .making import TOPIC, Batch, KafkaLog, decode, event, event_id, record, tombstone, until

DLQ = f"{TOPIC}-dlq"


class StoreLog:
    """The store's side of the writer: keeps what was asked, can be told to fail or to hold its answer back."""

    def __init__(self, log):
        self.log = log
        self.failures = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()

    async def write(self, placed):
        await self._answer()
        if placed:
            self.log.append(("write", [one.offset for one in placed]))

    async def delete(self, keys, partition):
        await self._answer()
        self.log.append(("delete", list(keys)))
        return len(keys)

    async def _answer(self):
        self.waiting.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture(autouse=True)
def _no_waiting_between_tries(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


@pytest.fixture
def log():
    """What happened, in order."""
    return []


@pytest.fixture
def kafka(log):
    made = KafkaLog()
    made.on_send = lambda topic: log.append(("send", topic))
    return made


@pytest.fixture
def store(log):
    return StoreLog(log)


@pytest.fixture
def steps(tables, kafka, store, index, clock, log):
    pending = Pending(index)

    async def ack(batch):
        entry = tables.ledger.store.read(0, b"0")
        assert entry is not None, "acked before the tables were written"
        log.append(("ack", batch.message.offset))

    return Steps(
        decode=decode,
        pending=pending,
        sender=kafka,
        dead_letter_topic=DLQ,
        writer=store,
        checkpoint=Checkpoint(tables, kafka, index, pending, clock, 100.0),
        fold=lambda partition, made: fold(tables, partition, made),
        counted=lambda partition: tables.ledger.entry(partition, str(partition)).offset,
        ack=ack,
        clock=clock,
        wall=clock,
        checkpoint_seconds=3600.0,
        monitor=Monitor(clock),
    )


@pytest.fixture
async def start(steps):
    lanes = []

    def start(checkpoint_seconds=3600.0):
        lanes.append(Lane(0, steps._replace(checkpoint_seconds=checkpoint_seconds)))
        return lanes[-1]

    yield start
    for lane in lanes:
        await lane.stop(0)


def only(log, *kinds):
    return [entry for entry in log if entry[0] in kinds]


async def test_batches_are_written_made_true_and_acked_in_order(start, log, tables):
    lane = start(checkpoint_seconds=0)
    for first in (0, 2):
        await lane.put(Batch(record(first, event(first)), record(first + 1, event(first + 1))))
    await until(lambda: len(only(log, "ack")) == 2)
    assert only(log, "write", "ack") == [("write", [0, 1]), ("ack", 1), ("write", [2, 3]), ("ack", 3)]
    first_ack = log.index(("ack", 1))
    assert ("send", "t-ledger-changelog") in log[:first_ack]
    assert lane.in_flight == 0
    assert tables.ledger.get("0").value["offset"] == 3


async def test_a_checkpoint_covers_all_batches_since_the_last(start, steps, log, clock, kafka):
    lane = start(checkpoint_seconds=10.0)
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: steps.monitor.handled == 1)
    assert only(log, "ack") == []
    clock.now += 11
    await lane.put(Batch(record(1, event(1))))
    await until(lambda: len(only(log, "ack")) == 2)
    assert only(log, "ack") == [("ack", 0), ("ack", 1)]
    assert len(kafka.records("t-ledger-changelog")) == 1


async def test_a_quiet_lane_makes_its_work_true_without_another_batch(steps, log):
    lane = Lane(0, steps._replace(clock=time.monotonic, checkpoint_seconds=0.01))
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: only(log, "ack") == [("ack", 0)])
    await lane.stop(0)


async def test_a_store_that_fails_holds_the_line_and_nothing_is_lost(start, store, log):
    lane = start(checkpoint_seconds=0)
    store.gate.clear()
    store.failures = [StoreRefusedError("no"), RuntimeError("whatever")]
    await lane.put(Batch(record(0, event(0)), record(1, event(0))))
    await lane.put(Batch(record(2, event(2))))
    await store.waiting.wait()
    store.gate.set()
    await until(lambda: only(log, "ack") == [("ack", 1), ("ack", 2)])
    assert only(log, "write") == [("write", [0]), ("write", [2])]
    assert lane.stuck == ""
    assert lane.alive


async def test_what_holds_the_line_can_be_asked_while_it_does(start, store, log, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: 3600.0)
    lane = start()
    store.failures = [StoreRefusedError("vector of the wrong length")]
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: lane.stuck)
    assert lane.stuck == "StoreRefusedError: vector of the wrong length"
    assert (lane.alive, lane.in_flight) == (True, 1)


async def test_letters_are_sent_once_however_often_the_store_fails(start, store, kafka, log):
    lane = start(checkpoint_seconds=0)
    store.failures = [StoreRefusedError("no")] * 4
    await lane.put(Batch(record(0, b"junk"), record(1, event(1)), record(2, b"")))
    await until(lambda: only(log, "ack"))
    assert [dict(one.headers)["streamapp-offset"] for one in kafka.records(DLQ)] == [b"0", b"2"]
    await lane.put(Batch(record(3, b"junk")))
    await until(lambda: len(only(log, "ack")) == 2)
    assert len(kafka.records(DLQ)) == 3


async def test_nothing_is_acked_before_the_letters_are_confirmed(start, kafka, log, tables):
    lane = start(checkpoint_seconds=0)
    kafka.failures = [ConnectionError("away")] * 3
    await lane.put(Batch(record(0, b"junk"), record(1, event(1))))
    await until(lambda: only(log, "ack"))
    assert log.index(("ack", 1)) > max(place for place, entry in enumerate(log) if entry == ("send", DLQ))
    assert len(kafka.records(DLQ)) == 1
    assert tables.ledger.get("0").value["embedded"] == 1


async def test_a_tombstone_in_a_batch_that_is_tried_again_is_counted_as_the_first_time(start, store, log, tables):
    lane = start(checkpoint_seconds=0)
    store.failures = [StoreRefusedError("no")]
    await lane.put(Batch(record(0, event(1)), tombstone(1, event_id(1)), record(2, event(1))))
    await until(lambda: only(log, "ack"))
    ledger = tables.ledger.get("0").value
    assert [ledger[name] for name in ("embedded", "deleted", "duplicate")] == [1, 1, 1]


async def test_letters_that_the_ledger_has_counted_are_not_sent_again(start, kafka, log):
    first = start(checkpoint_seconds=0)
    batch = [record(0, b"junk"), record(1, event(1))]
    await first.put(Batch(*batch))
    await until(lambda: only(log, "ack"))
    await first.stop(5)
    second = start(checkpoint_seconds=0)
    await second.put(Batch(*batch, record(2, b"junk")))
    await until(lambda: len(only(log, "ack")) == 2)
    assert [dict(one.headers)["streamapp-offset"] for one in kafka.records(DLQ)] == [b"0", b"2"]
    assert only(log, "write") == [("write", [1]), ("write", [1])]  # redelivered, and written again


async def test_a_failing_checkpoint_is_tried_again_before_anything_is_acked(start, kafka, log, tables):
    lane = start(checkpoint_seconds=0)
    await lane.put(Batch(record(0, event(0))))
    kafka.failures = [ConnectionError("away")] * 4
    await until(lambda: only(log, "ack"))
    assert tables.ledger.get("0").value["embedded"] == 1
    assert tables.products.get("p-1").value["events"] == 1


async def test_deletions_come_in_their_place_and_neighbours_go_together(start, log):
    lane = start(checkpoint_seconds=0)
    await lane.put(
        Batch(
            tombstone(0, "u-0"),
            record(1, event(1)),
            tombstone(2, "u-1"),
            tombstone(3, "u-2"),
            record(4, event(4)),
            record(5, event(5)),
            tombstone(6, "u-3"),
        )
    )
    await until(lambda: only(log, "ack"))
    assert only(log, "write", "delete") == [
        ("delete", ["u-0"]),
        ("write", [1]),
        ("delete", ["u-1", "u-2"]),
        ("write", [4, 5]),
        ("delete", ["u-3"]),
    ]


async def test_stopping_finishes_the_batch_under_way_and_drops_those_that_wait(start, store, log, tables):
    lane = start()
    store.gate.clear()
    await lane.put(Batch(record(0, event(0))))
    await store.waiting.wait()
    await lane.put(Batch(record(1, event(1))))
    await lane.put(Batch(record(2, event(2))))
    stopping = asyncio.create_task(lane.stop(60))
    store.gate.set()
    await stopping
    assert only(log, "write", "ack") == [("write", [0]), ("ack", 0)]
    assert tables.ledger.get("0").value["offset"] == 0
    assert not lane.alive


async def test_stopping_an_idle_lane_makes_its_work_true(start, log):
    lane = start()
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: only(log, "write"))
    await lane.stop(60)
    assert only(log, "ack") == [("ack", 0)]


async def test_stopping_a_lane_that_never_had_work_is_nothing(start, log):
    lane = start()
    await lane.stop(60)
    assert (log, lane.alive) == ([], False)


@pytest.mark.parametrize("letters_too", [False, True])
async def test_a_lane_that_is_stuck_is_given_up_after_the_timeout_and_acks_nothing(
    start, store, kafka, log, tables, letters_too
):
    lane = start(checkpoint_seconds=0)
    store.gate.clear()
    if letters_too:
        kafka.gate.clear()
    await lane.put(Batch(record(0, b"junk"), record(1, event(0))))
    await store.waiting.wait()
    async with asyncio.timeout(5):
        await lane.stop(0)
    assert only(log, "ack", "write") == []
    assert tables.ledger.get("0") is None
    assert not lane.alive


async def test_a_lane_that_waits_to_try_again_can_be_given_up(start, store, log, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: 3600.0)
    lane = start()
    store.failures = [StoreRefusedError("no")]
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: lane.stuck)
    async with asyncio.timeout(5):
        await lane.stop(0)
    assert only(log, "ack") == []


async def test_a_full_lane_lets_the_fetcher_wait(start, store):
    lane = start()
    store.gate.clear()
    await lane.put(Batch(record(0, event(0))))
    await store.waiting.wait()
    for offset in range(1, QUEUE_BATCHES + 1):
        await lane.put(Batch(record(offset, event(offset))))
    last = asyncio.create_task(lane.put(Batch(record(9, event(9)))))
    await asyncio.sleep(0)
    assert (last.done(), lane.in_flight) == (False, QUEUE_BATCHES + 1)
    store.gate.set()
    await last
    await until(lambda: lane.in_flight == QUEUE_BATCHES + 2)


async def test_a_new_interval_holds_from_the_next_batch_on(start, steps, log):
    lane = start()
    await lane.put(Batch(record(0, event(0))))
    await until(lambda: only(log, "write"))
    lane.configure(steps._replace(checkpoint_seconds=0.0))
    await lane.stop(60)
    assert only(log, "ack") == [("ack", 0)]


async def test_the_latency_is_that_of_the_oldest_record(start, steps, log, clock):
    lane = start(checkpoint_seconds=0)
    await lane.put(Batch(record(0, event(0), timestamp=clock.now - 7), record(1, event(1), timestamp=clock.now - 1)))
    await until(lambda: only(log, "ack"))
    assert steps.monitor.latency(0.5) == 7.0
    await lane.put(Batch(record(2, event(2), timestamp=clock.now + 60)))  # a producer whose clock is ahead
    await until(lambda: len(only(log, "ack")) == 2)
    assert (steps.monitor.latency(0.0), steps.monitor.handled) == (0.0, 3)
