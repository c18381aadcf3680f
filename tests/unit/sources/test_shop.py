from collections import Counter
from itertools import islice

import msgspec
import pytest

from streamapp.errors import ConfigurationError
from streamapp.events import Product
from streamapp.sources.record import DeletionNote, DuplicateNote, EventNote, InvalidNote
from streamapp.sources.shares import Shares
from streamapp.sources.shop import Shop, open_shop, write_time
from streamapp.sources.stock import Listing
from streamapp.sources.visits import Zone

NOW = 1_763_705_204.0


def decoded(records):
    return [msgspec.json.decode(record.value) for record in records]


def test_events_come_in_visits_from_looking_to_buying():
    events = decoded(open_shop(seed=1, now=NOW, rate=20).records(5_000))
    types = Counter(event["event_type"] for event in events)
    assert types["page_view"] > types["add_to_cart"] > types["purchase"] > 0
    sessions: dict[str, list[dict[str, object]]] = {}
    for event in events:
        sessions.setdefault(event["session_id"], []).append(event)
    assert all(len({event["user_id"] for event in visit}) == 1 for visit in sessions.values())
    for visit in sessions.values():
        seen: set[tuple[str, str]] = set()
        for event in visit:
            before = {"add_to_cart": "page_view", "purchase": "add_to_cart"}.get(event["event_type"])
            assert before is None or (before, event["product"]["id"]) in seen
            seen.add((event["event_type"], event["product"]["id"]))


def test_some_products_are_far_more_popular_than_others():
    events = decoded(open_shop(seed=1, now=NOW).records(20_000))
    views = Counter(event["product"]["id"] for event in events)
    top = sum(count for _, count in views.most_common(100))
    assert top > 0.25 * len(events)


def test_with_a_rate_time_advances_at_that_rate_from_now_on():
    notes = [record.note for record in open_shop(seed=1, now=NOW, rate=100).records(1_000)]
    assert abs(notes[0].timestamp - NOW) < 2
    assert abs(notes[-1].timestamp - (NOW + 10)) < 2


def test_without_a_rate_the_stream_ends_at_about_now():
    notes = [record.note for record in open_shop(seed=1, now=NOW, count=1_000).records(1_000)]
    assert NOW - 2 < notes[-1].timestamp <= NOW


def test_an_event_is_keyed_by_its_user():
    for record in open_shop(seed=1, now=NOW).records(200):
        assert record.key == msgspec.json.decode(record.value)["user_id"].encode()


def test_late_events_lie_up_to_ten_minutes_and_further_in_the_past():
    shop = open_shop(seed=1, now=NOW, rate=1_000, shares=Shares(late=0.5))
    behind = [NOW - record.note.timestamp for record in shop.records(2_000) if record.note.late]
    assert 800 < len(behind) < 1_200
    assert sum(seconds > 600 for seconds in behind) > 200
    assert sum(seconds < 600 for seconds in behind) > 200


def test_duplicates_come_soon_after_and_much_later():
    shop = open_shop(seed=1, now=NOW, shares=Shares(duplicates=0.2))
    first_at: dict[str, int] = {}
    distances = []
    for place, record in enumerate(shop.records(10_000)):
        if isinstance(record.note, DuplicateNote):
            distances.append(place - first_at[record.note.event_id])
        else:
            first_at[record.note.event_id] = place
    assert min(distances) < 10
    assert max(distances) > 5_000


def test_a_tombstone_follows_its_event_into_the_same_partition():
    sent: dict[str, bytes] = {}
    deleted = []
    for record in open_shop(seed=1, now=NOW, shares=Shares(tombstones=0.1)).records(2_000):
        if isinstance(record.note, DeletionNote):
            assert record.value is None
            assert record.key == record.note.event_id.encode()
            assert record.route == sent[record.note.event_id]
            deleted.append(record.note.event_id)
        elif isinstance(record.note, EventNote):
            sent[record.note.event_id] = record.key
    assert 100 < len(deleted) == len(set(deleted))


def test_shares_come_out_as_asked():
    shares = Shares(duplicates=0.05, invalid=0.01, late=0.1, tombstones=0.02)
    sorts = Counter(type(record.note) for record in open_shop(seed=3, now=NOW, shares=shares).records(20_000))
    assert 900 < sorts[DuplicateNote] < 1_100
    assert 140 < sorts[InvalidNote] < 260
    assert 330 < sorts[DeletionNote] < 470


def test_products_change_and_an_event_shows_the_version_of_its_own_time():
    shop = open_shop(seed=2, now=NOW, shares=Shares(late=0.3))
    by_product: dict[str, list[tuple[float, int]]] = {}
    for record in shop.records(40_000):
        note = record.note
        product = msgspec.convert(msgspec.json.decode(record.value)["product"], Product)
        assert product == shop.describe(note.product_id, note.version)
        by_product.setdefault(note.product_id, []).append((note.timestamp, note.version))
    assert any(len({version for _, version in seen}) > 1 for seen in by_product.values())
    for seen in by_product.values():
        versions = [version for _, version in sorted(seen)]
        assert versions == sorted(versions)
        assert len(dict(seen)) == len(set(seen)), "two versions at one timestamp"


def test_a_change_at_the_very_same_moment_is_left_out():
    listing = Listing(Product("p", "Kettle", price=1.0))
    listing.change(10, Product("p", "Kettle", price=2.0))
    listing.change(10, Product("p", "Kettle", price=3.0))
    assert [listing.at(moment).product.price for moment in (9, 10, 11)] == [1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (Zone(0, "Z"), "1970-01-01T00:00:01.500000Z"),
        (Zone(3_600_000_000, "+01:00"), "1970-01-01T01:00:01.500000+01:00"),
        (Zone(0, ""), 1.5),
        (Zone(0, "", whole_seconds=True), 1),
    ],
)
def test_devices_write_the_time_in_their_own_ways(zone, text):
    assert write_time(1_500_000, zone) == text


def test_a_catalogue_of_ones_own_is_what_the_shop_sells(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,price\nKettle,19.99\nTeapot,\n")
    shop = open_shop(seed=1, now=NOW, catalogue=path)
    products = [event["product"] for event in decoded(shop.records(5_000))]
    assert {product["name"] for product in products} == {"Kettle", "Teapot"}


def test_one_product_is_enough_for_a_shop():
    shop = Shop([Product("p", "Kettle", price=1.0)], seed=1, start=NOW)
    assert len(list(islice(shop.records(), 500))) == 500


@pytest.mark.parametrize("shares", [{"late": 1.5}, {"invalid": -0.1}, {"duplicates": 0.6, "invalid": 0.4}])
def test_shares_that_cannot_be_are_refused_with_a_hint(shares):
    with pytest.raises(ConfigurationError) as caught:
        Shares(**shares)
    assert caught.value.hint
