"""Live tables on a real RocksDB: folded in memory, written at the checkpoint, summed over partitions when read."""

import msgspec
import pytest

from streamapp.pipeline.entries import LedgerEntry
from streamapp.pipeline.fold import fold
from streamapp.pipeline.ingest import plan
from streamapp.pipeline.tables import TABLE_NAMES

from .making import NOON, decode, event, event_id, record, tombstone


def make_true(tables, partition):
    for table in tables.live:
        table.store.write(partition, table.changes(partition), 1)
    tables.settle(partition)


def fold_records(tables, *records, known=None):
    seen = {} if known is None else known
    made = plan(records, decode, lambda ids: [seen.get(key) for key in ids])
    seen |= made.ids
    fold(tables, records[0].partition, made)
    return made


def state(tables, partition=0):
    return {table.name: dict(table.store.scan(partition)) for table in tables.live}


def test_the_tables_are_those_whose_changelogs_are_made(tables):
    assert {*(table.name for table in tables.live), tables.seen.name} == set(TABLE_NAMES)
    assert all(table.help for table in tables.live)
    assert tables.products.changelog == "t-products-changelog"


def test_nothing_is_shown_before_the_checkpoint(tables):
    fold_records(tables, record(0, event(1)))
    assert (tables.products.size(), tables.products.get("p-1")) == (0, None)
    make_true(tables, 0)
    row = tables.products.get("p-1")
    assert row is not None
    assert (row.key, row.value["name"], row.value["events"]) == ("p-1", "Kettle", 1)


def test_every_record_is_folded_where_it_belongs(tables):
    fold_records(
        tables,
        record(0, event(1, kind="purchase", price=9.99)),
        record(1, b"junk"),
        record(2, event(1)),
        record(3, event(2, user="u-2", at=NOON + 60)),
        tombstone(4, event_id(77)),
    )
    make_true(tables, 0)
    assert tables.products.get("p-1").value["revenue"] == 9.99
    assert tables.products.get("p-1").value["events"] == 2
    assert [row.key for row in tables.users.page(0, 10)] == ["u-1", "u-2"]
    assert [row.value["events"] for row in tables.minutes.page(0, 10)] == [1, 1]
    assert tables.dedup.get("0").value == {"unique": 2, "duplicates": 1, "duplicate_share": 0.3333}
    ledger = tables.ledger.get("0").value
    assert [ledger[name] for name in ("embedded", "duplicate", "rejected", "deleted", "consumed")] == [2, 1, 1, 1, 5]
    assert (ledger["first"], ledger["offset"], ledger["skipped"]) == (0, 4, 0)


def test_a_batch_redelivered_after_the_checkpoint_changes_no_table(tables):
    known = {}
    records = [
        record(0, event(1)), record(1, b"junk"), record(2, event(1)), record(3, event(2, kind="purchase")),
        tombstone(4, "u-1"), record(5, event(3)), tombstone(6, event_id(3)), record(7, event(4, user="u-2")),
    ]  # fmt: skip
    fold_records(tables, *records, known=known)
    make_true(tables, 0)
    once = state(tables)
    for cut in range(8):
        fold_records(tables, *records[cut:], known=known)
        make_true(tables, 0)
        assert state(tables) == once, cut


def test_a_redelivery_after_only_some_tables_were_written_ends_the_same(tables):
    known = {}
    records = [record(0, event(1)), record(1, event(2)), tombstone(2, event_id(1)), record(3, event(1))]
    fold_records(tables, *records, known=known)
    for table in (tables.products, tables.dedup):
        table.store.write(0, table.changes(0), 1)
    tables.settle(0)  # it died here: the others were not written, the ids were
    fold_records(tables, *records, known=known)
    make_true(tables, 0)
    ledger = tables.ledger.get("0").value
    assert [ledger[name] for name in ("embedded", "duplicate", "deleted")] == [2, 1, 1]
    assert tables.dedup.get("0").value["duplicates"] == 1
    assert tables.products.get("p-1").value["events"] == 2


def test_a_tombstone_for_a_user_takes_the_profile_and_later_events_begin_a_new_one(tables):
    fold_records(tables, record(0, event(1)), record(1, event(2)))
    make_true(tables, 0)
    fold_records(tables, tombstone(2, "u-1"), tombstone(3, "nobody"))
    make_true(tables, 0)
    assert tables.users.get("u-1") is None
    assert tables.products.get("p-1").value["events"] == 2
    fold_records(tables, record(4, event(3)))
    make_true(tables, 0)
    assert tables.users.get("u-1").value["events"] == 1


def test_rows_are_summed_over_partitions_and_counted_once(tables):
    for partition in range(3):
        fold_records(
            tables,
            record(0, event(partition, product="shared"), partition=partition),
            record(1, event(10 + partition, product=f"own-{partition}", name=f"Lamp {partition}"), partition=partition),
        )
        make_true(tables, partition)
    assert tables.products.partitions() == [0, 1, 2]
    assert tables.products.size() == 4
    assert tables.products.get("shared").value["events"] == 3
    assert [row.key for row in tables.products.page(0, 2)] == ["own-0", "own-1"]
    assert [row.key for row in tables.products.page(2, 10)] == ["own-2", "shared"]
    assert [row.key for row in tables.products.page(0, 10, "lAMP")] == ["own-0", "own-1", "own-2"]
    assert [row.key for row in tables.products.page(1, 1, "own")] == ["own-1"]
    assert list(tables.products.page(0, 10, "nothing")) == []


def test_of_the_minutes_only_the_latest_are_kept(tables):
    tables.minutes.limit = 5
    for start in (0, 4, 2):
        batch = [record(10 * start + n, event(10 * start + n, at=NOON + 60 * (start + n))) for n in range(4)]
        fold_records(tables, *batch)
        make_true(tables, 0)
    assert len(dict(tables.minutes.store.scan(0))) == 5
    fold_records(tables, record(1000, event(1000, at=NOON - 86_400)))
    make_true(tables, 0)
    rows = tables.minutes.page(0, 10)
    assert len(rows) == 5
    assert rows[-1].value["last"] == NOON + 60 * 7


def test_what_was_folded_and_not_written_is_forgotten_when_the_partition_goes(tables):
    fold_records(tables, record(0, event(1)))
    tables.settle(0)
    assert [table.changes(0) for table in tables.live] == [[], [], [], [], []]
    assert tables.ledger.entry(0, "0") == LedgerEntry()


def test_an_entry_stays_readable_when_it_gains_fields(tables):
    tables.ledger.store.write(0, [(b"0", msgspec.msgpack.encode({"offset": 3, "first": 0, "embedded": 4}))], 1)
    assert tables.ledger.entry(0, "0").consumed == 4


def test_a_store_is_scanned_from_a_key_on(tables):
    segments = tables.segments
    segments.write(0, [(bytes([0, place]), b"x") for place in (2, 5, 9)], 1)
    segments.write(0, [(b"\0\x05", None)], 2)
    assert [key for key, _ in segments.scan(0)] == [b"\0\x02", b"\0\x09"]
    assert [key for key, _ in segments.scan(0, b"\0\x03")] == [b"\0\x09"]
    assert segments.persisted_offset(faust_tp(segments)) == 2


def faust_tp(store):
    from faust.types import TP

    return TP(store.table.changelog_topic_name, 0)


@pytest.mark.parametrize("damage", [b"", b"garbage"])
def test_a_corrupt_folder_is_moved_aside_and_begins_empty(tables, damage):
    store = tables.products.store
    store.write(0, [(b"a", b"1")], 1)
    store._dbs.pop(0).close()
    folder = store.partition_path(0)
    (folder / "CURRENT").write_bytes(damage)
    assert store.read(0, b"a") is None
    assert folder.with_suffix(".corrupt").is_dir()
    assert store.persisted_offset(faust_tp(store)) is None
