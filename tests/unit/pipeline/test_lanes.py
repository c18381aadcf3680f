"""All lanes of a worker through rebalances: who gets a lane, when, and what is dropped."""

import asyncio

import pytest

from streamapp.pipeline.lane import Steps
from streamapp.pipeline.lanes import Lanes
from streamapp.pipeline.monitor import Monitor
from streamapp.pipeline.pending import Pending

from .making import Batch, Clock, KafkaLog, decode, event, record, until


class Group:
    """Kafka's side of the consumer group: its generation, and what the lanes asked for."""

    def __init__(self):
        self.generation = 1
        self.prepared = []
        self.failures = []
        self.dropped = []
        self.acked = []

    async def prepare(self):
        self.prepared.append(self.generation)
        if self.failures:
            raise self.failures.pop(0)


class Quiet:
    """A checkpoint and a store for which everything is true at once."""

    async def write(self, *_):
        pass

    async def delete(self, keys, partition):
        return 0


@pytest.fixture
def group():
    return Group()


@pytest.fixture
async def lanes(group, index):
    async def ack(batch):
        group.acked.append((batch.message.partition, batch.message.offset))

    steps = Steps(
        decode=decode, pending=Pending(index), sender=KafkaLog(), dead_letter_topic="dlq", writer=Quiet(),
        checkpoint=Quiet(), fold=lambda partition, made: None, counted=lambda partition: -1, ack=ack, clock=Clock(),
        wall=Clock(), checkpoint_seconds=0.0, monitor=Monitor(Clock()),
    )  # fmt: skip
    made = Lanes(steps, group.prepare, group.dropped.append, generation=lambda: group.generation)
    yield made
    await made.release(0)


def batch(offset, partition=0, generation_id=1):
    return Batch(record(offset, event(offset), partition=partition), generation_id=generation_id)


async def test_each_partition_gets_a_lane_after_one_preparation(lanes, group):
    for offset, partition in enumerate([0, 1, 0, 2]):
        await lanes.put(batch(offset, partition))
    await until(lambda: len(group.acked) == 4)
    assert sorted(lane.partition for lane in lanes) == [0, 1, 2]
    assert group.prepared == [1]
    assert (lanes.alive(), lanes.in_flight, dict(lanes.stuck())) == (True, 0, {})


async def test_a_batch_of_an_older_generation_is_dropped(lanes, group):
    group.generation = 2
    await lanes.put(batch(0, generation_id=1))
    assert (list(lanes), group.prepared) == ([], [])
    await lanes.put(batch(0, generation_id=2))
    await until(lambda: group.acked == [(0, 0)])
    assert group.prepared == [2]


async def test_after_a_release_nothing_is_taken_until_the_next_generation(lanes, group):
    await lanes.put(batch(0))
    await lanes.put(batch(0, partition=1))
    await until(lambda: len(group.acked) == 2)
    await lanes.release()
    assert (sorted(group.dropped), list(lanes)) == ([0, 1], [])
    await lanes.put(batch(1))
    assert list(lanes) == []
    group.generation = 2
    lanes.accept()
    await lanes.put(batch(1, generation_id=2))
    await until(lambda: len(group.acked) == 3)
    assert group.prepared == [1, 2]


async def test_a_preparation_that_fails_is_made_again_before_the_first_batch(lanes, group):
    group.failures = [RuntimeError("the broker is away")]
    with pytest.raises(RuntimeError):
        await lanes.put(batch(0))
    assert list(lanes) == []
    await lanes.put(batch(0))
    await until(lambda: group.acked == [(0, 0)])
    assert group.prepared == [1, 1]


async def test_a_batch_that_waits_for_the_release_is_dropped(lanes, group, index):
    await lanes.put(batch(0))
    await until(lambda: len(group.acked) == 1)
    releasing = asyncio.create_task(lanes.release())
    await asyncio.sleep(0)
    await lanes.put(batch(1))
    await releasing
    assert (list(lanes), group.acked) == ([], [(0, 0)])


async def test_a_lane_that_ended_shows(lanes, group):
    await lanes.put(batch(0))
    (lane,) = lanes
    lane._task.cancel()
    await until(lambda: not lane.alive)
    assert not lanes.alive()


async def test_a_new_interval_reaches_lanes_that_run_and_lanes_to_come(lanes, group):
    await lanes.put(batch(0))
    lanes.configure(3600.0)
    await lanes.put(batch(0, partition=1))
    assert {lane._steps.checkpoint_seconds for lane in lanes} == {3600.0}
