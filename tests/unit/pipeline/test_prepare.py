"""What is checked and loaded before the first batch of an assignment: a fake Faust consumer, and real tables."""

from types import SimpleNamespace

import pytest
from faust.types import TP

from streamapp.errors import ConfigurationError
from streamapp.events import identity
from streamapp.pipeline.entries import LedgerEntry, ProductEntry
from streamapp.pipeline.prepare import Prepare
from streamapp.pipeline.seen import Seen, pack_segment, segment_key
from streamapp.pipeline.sink import Catalogue, Placed

from .making import NOON, TOPIC, event, event_id


class Consumer:
    """Faust's consumer as far as this step asks it."""

    def __init__(self, ends):
        self.ends = ends

    def assignment(self):
        return {*(TP(TOPIC, partition) for partition in self.ends), TP("t-ledger-changelog", 0)}

    async def highwaters(self, *tps):
        return {tp: self.ends[tp.partition] for tp in tps}


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
def prepare(tables, index, catalogue):
    def make(ends):
        return Prepare(SimpleNamespace(consumer=Consumer(ends)), TOPIC, tables, index, catalogue)

    return make


def put(table, partition, key, entry):
    table.store.write(partition, [(key.encode(), table._encode(entry))], 1)


async def test_an_empty_topic_needs_nothing(prepare, catalogue):
    await prepare({0: 0, 1: None})()
    assert len(catalogue) == 0


async def test_the_index_is_caught_up_and_the_catalogue_filled_from_all_partitions(prepare, tables, index, catalogue):
    for partition in (0, 1):
        tables.segments.write(
            partition, [(segment_key(5), pack_segment(NOON, [(identity(event_id(partition)), 7)]))], 1
        )
        entry = ProductEntry(offset=7, events=1, name=f"name {partition}", version=NOON + partition, version_offset=7)
        put(tables.products, partition, "p-1", entry)
    await prepare({0: 10, 1: 10})()
    assert index.lookup([identity(event_id(0)), identity(event_id(1))]) == [Seen(0, 7), Seen(1, 7)]
    assert len(catalogue) == 1
    assert catalogue.changed([Placed(event(9, at=NOON + 0.5, name="between"), 0, 9)])[0] == []
    assert catalogue.changed([Placed(event(9, at=NOON + 2, name="newer"), 0, 9)])[0] == [0]


async def test_a_topic_that_was_made_anew_is_refused_with_what_to_do(prepare, tables):
    put(tables.ledger, 0, "0", LedgerEntry(offset=41, first=0, embedded=42))
    with pytest.raises(ConfigurationError) as caught:
        await prepare({0: 10})()
    assert "has counted offset 41 of ecommerce-events, partition 0" in str(caught.value)
    assert "kafka.group" in caught.value.hint
    await prepare({0: 42})()


async def test_a_partition_that_was_elsewhere_meanwhile_is_read_anew(prepare, tables):
    ready = prepare({0: 500})
    await ready()
    # No record came, so no lane was made for it; another worker then counted a hundred, and now it is ours again.
    put(tables.ledger, 0, "0", LedgerEntry(offset=99, first=0, embedded=100))
    await ready()
    assert tables.ledger.entry(0, "0").offset == 99
