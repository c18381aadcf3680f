"""The newest version of a product wins, whatever the order of arrival, batches, redeliveries and crashes."""

from itertools import chain, islice

from hypothesis import given, settings
from hypothesis import strategies as st

from streamapp.events import Event, Product
from streamapp.pipeline.entries import ProductEntry, fold_product, merge_products
from streamapp.pipeline.sink import Catalogue, Placed, Version


def placed(partition, offset, product, at, name):
    described = Product(product, name, "", "", 1.0)
    return Placed(Event(f"{partition}-{offset}", float(at), "u", "page_view", described), partition, offset)


@st.composite
def topics(draw):
    """Events of two products on three partitions, each in offset order; times and names that collide."""
    size = draw(st.integers(1, 14))
    events, offsets = [], [0, 0, 0]
    for _ in range(size):
        partition = draw(st.integers(0, 2))
        events.append(
            placed(
                partition, offsets[partition], draw(st.sampled_from("ab")), draw(st.integers(1, 4)),
                draw(st.sampled_from(["old", "new", "other"])),
            )
        )  # fmt: skip
        offsets[partition] += 1
    return events


def batches(draw, events):
    """The events in some order of arrival (offset order within a partition), cut into batches of one partition."""
    lanes = [[one for one in events if one.partition == partition] for partition in range(3)]
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        cut = draw(st.integers(1, len(lane)))
        yield lane[:cut]
        del lane[:cut]


def write(catalogue, store, batch, *, die=False):
    changed, versions = catalogue.changed(batch)
    for index in changed:
        store[batch[index].event.product.id] = batch[index].event.product.name
    if not die:
        catalogue.learn(versions)


def newest(events):
    found = {}
    for one in sorted(events, key=lambda one: (one.event.timestamp, one.partition, one.offset)):
        found[one.event.product.id] = one.event.product.name
    return found


@settings(max_examples=300, deadline=None)
@given(topics(), st.data())
def test_the_newest_version_wins_in_any_order_of_arrival(events, data):
    catalogue, store = Catalogue(), {}
    for batch in batches(data.draw, events):
        write(catalogue, store, batch)
    assert store == newest(events)


@settings(max_examples=300, deadline=None)
@given(topics(), st.data())
def test_redelivered_batches_change_nothing(events, data):
    catalogue, store = Catalogue(), {}
    done = []
    for batch in batches(data.draw, events):
        write(catalogue, store, batch)
        done.append(batch)
        write(catalogue, store, data.draw(st.sampled_from(done)))
    assert store == newest(events)


@settings(max_examples=300, deadline=None)
@given(topics(), st.data())
def test_a_crash_before_anything_was_remembered_heals_by_redelivery(events, data):
    store = {}
    first = Catalogue()
    for batch in islice(batches(data.draw, events), data.draw(st.integers(0, 5))):
        write(first, store, batch, die=data.draw(st.booleans()))
    second = Catalogue()  # no table has kept anything
    for batch in batches(data.draw, events):
        write(second, store, batch)
    assert store == newest(events)


@settings(max_examples=600, deadline=None)
@given(topics(), st.data())
def test_a_crash_after_a_checkpoint_heals_by_redelivery_of_what_came_after_it(events, data):
    store, first = {}, Catalogue()
    run = list(batches(data.draw, events))
    kept, landed = sorted(data.draw(st.tuples(*[st.integers(0, len(run))] * 2)))
    for place, batch in enumerate(run[:landed]):
        write(first, store, batch, die=place >= kept and data.draw(st.booleans()))
    second = Catalogue()
    second.reset(versions_of(chain.from_iterable(run[:kept])))
    again = list(chain.from_iterable(run[kept:]))
    for batch in batches(data.draw, again):
        write(second, store, batch)
    assert store == newest(events)


def versions_of(events):
    """What the table of products remembers of these events."""
    return [Version((one.event.timestamp, one.partition, one.offset), one.event.product) for one in events]


@settings(max_examples=300, deadline=None)
@given(topics(), st.data())
def test_the_table_and_the_store_agree_on_the_newest_version(events, data):
    catalogue, store, table = Catalogue(), {}, {}
    for batch in batches(data.draw, events):
        write(catalogue, store, batch)
        for one in batch:
            entry = table.setdefault(one.event.product.id, {}).setdefault(one.partition, ProductEntry())
            fold_product(entry, one.event, one.offset)
    shown = {
        product: merge_products(entry for _, entry in sorted(entries.items()))["name"]
        for product, entries in table.items()
    }
    assert shown == store
