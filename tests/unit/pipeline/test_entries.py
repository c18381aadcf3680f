"""Folding events into table entries, and summing the entries of several partitions."""

from itertools import permutations

import msgspec
import pytest

from streamapp.pipeline import entries
from streamapp.pipeline.entries import (
    DedupEntry,
    LedgerEntry,
    MinuteEntry,
    ProductEntry,
    UserEntry,
    cents,
    fold_dedup,
    fold_ledger,
    fold_minute,
    fold_product,
    fold_user,
    merge_counts,
    merge_dedup,
    merge_ledger,
    merge_products,
    merge_users,
    minute_of,
)
from streamapp.pipeline.seen import Verdict

from .making import NOON, event

FOLDS = [(ProductEntry, fold_product), (UserEntry, fold_user), (MinuteEntry, fold_minute)]


@pytest.mark.parametrize(("kind", "fold"), FOLDS)
def test_a_redelivery_folds_nothing(kind, fold):
    entry = kind()
    stream = [(event(n, at=NOON + n, kind="purchase", price=1.25), 10 + n) for n in range(5)]
    for one, offset in stream:
        fold(entry, one, offset)
    once = msgspec.json.encode(entry)
    for start in range(5):
        for one, offset in stream[start:]:
            fold(entry, one, offset)
    assert msgspec.json.encode(entry) == once
    assert (entry.events, entry.revenue_cents, entry.offset) == (5, 625, 14)


@pytest.mark.parametrize(("kind", "fold"), FOLDS)
def test_counts_widen_whatever_the_order_of_event_times(kind, fold):
    for order in permutations([NOON, NOON + 60, NOON - 60]):
        entry = kind()
        for offset, at in enumerate(order):
            fold(entry, event(at=at), offset)
        assert (entry.first, entry.last, entry.by_type) == (NOON - 60, NOON + 60, {"page_view": 3})


def test_only_purchases_bring_revenue_in_whole_cents():
    entry = MinuteEntry()
    for offset, (kind, price) in enumerate(
        [("page_view", 5.0), ("purchase", 0.1), ("purchase", 0.2), ("purchase", None)]
    ):
        fold_minute(entry, event(kind=kind, price=price), offset)
    assert entry.revenue_cents == 30
    assert [cents(price) for price in (None, 0, 19.99, 0.29, 999_999.99)] == [0, 0, 1999, 29, 99_999_999]


def test_a_hostile_number_of_event_types_stays_bounded_and_costs_no_revenue():
    entry = MinuteEntry()
    for offset in range(1000):
        fold_minute(entry, event(kind=f"kind_{offset}"), offset)
    fold_minute(entry, event(kind="purchase", price=3.0), 1000)
    assert len(entry.by_type) == entries.EVENT_TYPES + 1
    assert sum(entry.by_type.values()) == entry.events == 1001
    assert entry.revenue_cents == 300


def test_the_newest_event_describes_the_product_and_of_equal_times_the_later_record():
    entry = ProductEntry()
    fold_product(entry, event(at=NOON, name="new", price=2.0), 1)
    fold_product(entry, event(at=NOON - 1, name="old", price=1.0), 2)
    assert (entry.name, entry.price, entry.version, entry.version_offset) == ("new", 2.0, NOON, 1)
    fold_product(entry, event(at=NOON, name="newer", price=None), 3)
    assert (entry.name, entry.price, entry.version_offset) == ("newer", None, 3)


def test_a_profile_keeps_the_latest_events_newest_first():
    entry = UserEntry()
    order = [*range(0, 40, 2), *range(39, 0, -2)]
    for offset, second in enumerate(order):
        fold_user(entry, event(second, at=NOON + second), offset)
    assert [seen.timestamp - NOON for seen in entry.recent] == list(range(39, 19, -1))
    assert entry.events == 40


@pytest.mark.parametrize(
    ("seconds", "minute"),
    [
        (0.0, "1970-01-01T00:00Z"),
        (NOON, "2025-06-15T15:06Z"),
        (1_749_999_959.999, "2025-06-15T15:05Z"),
        (1_749_999_960.0, "2025-06-15T15:06Z"),
        (4_102_444_799.9, "2099-12-31T23:59Z"),
    ],
)
def test_minutes_are_those_of_event_time_in_utc(seconds, minute):
    assert minute_of(seconds) == minute


def test_minute_keys_sort_as_time_does():
    moments = [946_684_800.0 + step * 86_400 * 97.3 for step in range(370)]
    assert [minute_of(moment) for moment in moments] == sorted(minute_of(moment) for moment in moments)


def test_dedup_counts_what_is_new_and_what_came_again():
    entry = DedupEntry()
    verdicts = [Verdict.FRESH, Verdict.DUPLICATE, Verdict.REDELIVERED, Verdict.FRESH]
    for _ in range(2):
        for offset, verdict in enumerate(verdicts):
            fold_dedup(entry, verdict, offset)
    assert (entry.unique, entry.duplicates) == (3, 1)
    assert merge_dedup([entry, DedupEntry(unique=1, duplicates=3)]) == {
        "unique": 4,
        "duplicates": 4,
        "duplicate_share": 0.5,
    }
    assert merge_dedup([DedupEntry()])["duplicate_share"] == 0.0


def test_the_ledger_accounts_for_every_offset_gaps_included():
    entry = LedgerEntry()
    outcomes = [(5, "embedded"), (6, "duplicate"), (9, "rejected"), (10, "deleted"), (20, "embedded")]
    for start in (0, 0, 3):
        for offset, outcome in outcomes[start:]:
            fold_ledger(entry, offset, outcome)
    assert (entry.first, entry.offset, entry.skipped) == (5, 20, 11)
    assert (entry.embedded, entry.duplicate, entry.rejected, entry.deleted, entry.consumed) == (2, 1, 1, 1, 5)
    assert entry.offset + 1 - entry.first == entry.consumed + entry.skipped
    assert merge_ledger([entry])["consumed"] == 5


def test_merging_sums_and_widens():
    left = MinuteEntry(1, 2, {"purchase": 1, "a": 1}, 100, NOON, NOON + 5)
    right = MinuteEntry(9, 3, {"a": 2, "z": 1}, 50, NOON - 5, NOON + 1)
    assert merge_counts([left, right]) == {
        "events": 5,
        "by_type": {"a": 3, "purchase": 1, "z": 1},
        "revenue": 1.5,
        "first": NOON - 5,
        "last": NOON + 5,
    }


def test_a_merged_product_is_described_by_its_newest_event_and_ties_as_in_the_catalogue():
    old = ProductEntry(events=1, name="old", version=NOON)
    new = ProductEntry(events=2, name="new", version=NOON + 1)
    tied = ProductEntry(events=3, name="tied", version=NOON + 1)
    assert merge_products([new, old])["name"] == merge_products([old, new])["name"] == "new"
    assert merge_products([old, new, tied])["name"] == "tied"
    assert merge_products([old, new, tied])["events"] == 6


def test_a_merged_profile_shows_the_latest_of_all_partitions():
    parts = [UserEntry(), UserEntry()]
    for second in range(60):
        fold_user(parts[second % 2], event(second, at=NOON + second), second)
    merged = merge_users(parts)
    assert [seen["timestamp"] - NOON for seen in merged["recent"]] == list(range(59, 39, -1))
    assert merged["events"] == 60
