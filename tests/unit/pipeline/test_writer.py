"""Events to confirmed points in both collections; the store is a fake that can fail, or hold its answers back."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from streamapp.embedding.text import product_text
from streamapp.errors import StoreRefusedError
from streamapp.events import event_point_id, product_point_id
from streamapp.pipeline.sink import Catalogue, Placed
from streamapp.pipeline.writer import Writer

from .making import NOON, TOPIC, event, event_id, until


class Store:
    """Two collections in memory. `hold` keeps products' writes waiting until `land` lets the oldest one through."""

    def __init__(self):
        self.points = {"events": {}, "products": {}}
        self.writes = []
        self.failures = {"events": [], "products": []}
        self.hold = False
        self.held = []
        self.deleted = []

    async def upsert(self, collection, points):
        self.writes.append(collection)
        if self.hold and collection == "products":
            self.held.append(asyncio.Event())
            await self.held[-1].wait()
        await asyncio.sleep(0)
        if self.failures[collection]:
            raise self.failures[collection].pop(0)
        assert len(set(points.ids)) == len(points.ids)
        vectors = [points.vectors[row] for row in points.rows]
        self.points[collection] |= dict(zip(points.ids, zip(points.payloads, vectors, strict=True), strict=True))

    async def delete(self, collection, ids=(), where=None):
        self.deleted.append((collection, list(ids), where))
        return 1

    def land(self):
        self.held.pop(0).set()

    def shown(self, product="p-1"):
        return self.points["products"][product_point_id(product)][0].name


class Embeds:
    """Every distinct text its own vector."""

    embedder = SimpleNamespace(revision="model@1")

    async def vectors(self, texts):
        distinct = list(dict.fromkeys(texts))
        return np.eye(len(distinct), 8, dtype=np.float32), [distinct.index(text) for text in texts]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
def writer(store, catalogue):
    return Writer(embeds=Embeds(), store=store, catalogue=catalogue, topic=TOPIC, events="events", products="products")


def placed(number, *, partition=0, **more):
    return Placed(event(number, **more), partition, number)


async def test_events_and_products_become_points_with_their_vectors(writer, store):
    batch = [placed(1), placed(2, name="Lamp", product="p-2"), placed(3)]
    assert product_text(batch[0].event.product) == product_text(batch[2].event.product)
    await writer.write(batch)
    points = store.points["events"]
    assert set(points) == {event_point_id(event_id(number)) for number in (1, 2, 3)}
    assert [int(points[event_point_id(event_id(number))][1].argmax()) for number in (1, 2, 3)] == [0, 1, 0]
    assert points[event_point_id(event_id(2))][0].model == "model@1"
    assert (store.shown("p-1"), store.shown("p-2")) == ("Kettle", "Lamp")


async def test_nothing_to_write_asks_nobody(writer, store):
    await writer.write([])
    assert store.writes == []


async def test_a_product_that_says_the_same_is_written_once(writer, store):
    await writer.write([placed(1)])
    await writer.write([placed(2, at=NOON + 1)])
    assert store.writes.count("products") == 1
    assert len(store.points["events"]) == 2


@pytest.mark.parametrize("collection", ["events", "products"])
async def test_a_write_that_failed_is_whole_after_the_second_try(writer, store, collection):
    store.failures[collection] = [StoreRefusedError("no")]
    with pytest.raises(StoreRefusedError):
        await writer.write([placed(1)])
    await writer.write([placed(1)])
    assert store.shown() == "Kettle"
    assert len(store.points["events"]) == 1


@pytest.mark.parametrize("first", ["old", "new"])
async def test_of_two_lanes_that_write_one_product_the_newest_version_stays(writer, store, first):
    versions = [placed(1, at=NOON, name="old"), placed(2, at=NOON + 1, name="new", partition=1)]
    store.hold = True
    tasks = [asyncio.create_task(writer.write([one])) for one in (versions if first == "old" else versions[::-1])]
    await until(lambda: store.held and len(store.points["events"]) == 2)
    store.hold = False
    store.land()
    await asyncio.gather(*tasks)
    assert store.shown() == "new"


async def test_a_product_that_goes_back_to_what_it_was_while_a_change_is_under_way_shows_it(writer, store):
    await writer.write([placed(1, at=NOON, name="first")])
    store.hold = True
    change = asyncio.create_task(writer.write([placed(2, at=NOON + 1, name="second")]))
    await until(lambda: store.held)
    back = asyncio.create_task(writer.write([placed(3, at=NOON + 2, name="first", partition=1)]))
    await until(lambda: len(store.points["events"]) == 3)
    store.hold = False
    store.land()
    await asyncio.gather(change, back)
    assert store.shown() == "first"


async def test_a_failed_write_that_landed_all_the_same_does_not_outlive_what_came_after(writer, store):
    await writer.write([placed(1, at=NOON, name="first")])
    store.hold = True
    change = asyncio.create_task(writer.write([placed(2, at=NOON + 1, name="second")]))
    await until(lambda: store.held)
    back = asyncio.create_task(writer.write([placed(3, at=NOON + 2, name="first", partition=1)]))
    await until(lambda: len(store.points["events"]) == 3)
    landed = store.points["products"][product_point_id("p-1")][0]
    landed.name = "second"
    store.failures["products"] = [TimeoutError("no answer")]
    store.hold = False
    store.land()
    await asyncio.gather(change, back, return_exceptions=True)
    await writer.write([placed(2, at=NOON + 1, name="second")])
    assert store.shown() == "first"


async def test_another_lane_goes_on_when_the_one_before_it_failed(writer, store):
    store.hold = True
    failing = asyncio.create_task(writer.write([placed(1, name="old")]))
    await until(lambda: store.held)
    waiting = asyncio.create_task(writer.write([placed(2, at=NOON + 1, name="new", partition=1)]))
    await until(lambda: len(store.points["events"]) == 2)
    store.failures["products"] = [StoreRefusedError("no")]
    store.hold = False
    store.land()
    with pytest.raises(StoreRefusedError):
        await failing
    await waiting
    assert store.shown() == "new"
    await writer.write([placed(1, name="old")])
    assert store.shown() == "new"


async def test_a_lane_that_is_given_up_leaves_the_product_to_others(writer, store):
    store.hold = True
    given_up = asyncio.create_task(writer.write([placed(1, name="old")]))
    await until(lambda: store.held)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    store.hold = False
    async with asyncio.timeout(5):
        await writer.write([placed(2, at=NOON + 1, name="new", partition=1)])
    assert store.shown() == "new"


async def test_a_deletion_goes_by_event_and_by_user(writer, store):
    assert await writer.delete([event_id(1), "u-1"], partition=3) == 2
    assert store.deleted == [
        ("events", [event_point_id(event_id(1)), event_point_id("u-1")], None),
        ("events", [], {"user_id": [event_id(1), "u-1"], "partition": 3}),
    ]


async def test_a_deletion_waits_for_writes_under_way_so_that_no_event_outlives_its_tombstone(writer, store):
    store.hold = True
    writing = asyncio.create_task(writer.write([placed(1)]))
    await until(lambda: store.held)
    deleting = asyncio.create_task(writer.delete([event_id(1)], partition=1))
    await asyncio.sleep(0)
    assert store.deleted == []
    store.land()
    await writing
    async with asyncio.timeout(5):
        await deleting
    assert store.deleted
