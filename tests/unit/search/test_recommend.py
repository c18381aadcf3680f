"""What else?"""

import doctest

import pytest
from web.fakes import EVENTS, PRODUCTS

from streamapp.search import recommend as room
from streamapp.search.recommend import (
    RecentEvent,
    Recommend,
    UnknownItemError,
    newest,
    recent_from_table,
    taste_weights,
)
from streamapp.search.search import BadQuestionError


def ids(hits):
    return [hit.product.id for hit in hits]


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(room).failed == 0


async def test_a_product_leads_to_its_like_and_never_to_itself(recommend):
    hits = await recommend.like_product("p-1", limit=4)
    assert ids(hits)[0] == "p-2"
    assert "p-1" not in ids(hits)
    assert len(hits) == 4
    assert hits[0].because == "It is close to “wireless headphones”."


async def test_an_unknown_product_is_named(recommend):
    with pytest.raises(UnknownItemError, match="p-99"):
        await recommend.like_product("p-99")


async def test_a_user_gets_what_fits_without_what_they_bought(recommend):
    hits = await recommend.for_user("u-1", limit=3)
    assert "p-1" not in ids(hits)
    assert set(ids(hits)[:2]) <= {"p-2", "p-4", "p-5"}
    reasons = {hit.product.id: hit.because for hit in hits}
    assert reasons["p-4"] == "u-1 put it in a cart, and has not bought it yet."
    assert reasons["p-2"] == "It is close to “wireless headphones”, which u-1 bought."


async def test_an_unknown_user_is_named(recommend):
    with pytest.raises(UnknownItemError, match="u-99"):
        await recommend.for_user("u-99")


async def test_the_live_table_is_asked_before_the_store(store):
    table = {"u-7": {"recent": [{"product_id": "p-3", "event_type": "page_view", "timestamp": 5.0}]}}
    recommend = Recommend(store, EVENTS, PRODUCTS, recent_from_table(table.get))
    assert ids(await recommend.for_user("u-7", limit=1)) == ["p-3"]
    assert await recommend.for_user("u-1")  # whom only the store knows


async def test_a_purchase_that_the_live_table_forgot_is_still_left_out(store):
    table = {"u-1": {"recent": [{"product_id": "p-2", "event_type": "page_view", "timestamp": 500.0}]}}
    recommend = Recommend(store, EVENTS, PRODUCTS, recent_from_table(table.get))
    assert "p-1" not in ids(await recommend.for_user("u-1"))


async def test_examples_pull_and_push(recommend):
    hits = await recommend.by_examples(["p-4"], ["p-1"], limit=3)
    assert ids(hits)[0] == "p-5"
    assert not {"p-1", "p-4"} & set(ids(hits))
    assert hits[0].because == "It is like “winter jacket warm”, and unlike “wireless headphones”."


@pytest.mark.parametrize(
    ("positive", "negative"), [([], []), ([], ["p-1"]), (["p-1"], ["p-1"]), (["p-1"] * 51, []), (["p-1\0"], [])]
)
async def test_examples_that_point_nowhere_are_refused(recommend, positive, negative):
    with pytest.raises(BadQuestionError):
        await recommend.by_examples(positive, negative)


async def test_an_unknown_example_is_named(recommend):
    with pytest.raises(UnknownItemError, match="p-99"):
        await recommend.by_examples(["p-1"], ["p-99"])


def test_a_purchase_counts_three_views_and_newer_counts_more():
    deeds = (("old", "purchase"), ("new", "purchase"), ("seen", "page_view"), ("odd", "wished_for"))
    weights = taste_weights(newest([RecentEvent(one, kind, float(at)) for at, (one, kind) in enumerate(deeds)]))
    assert weights["new"] > weights["old"] > weights["odd"] > weights["seen"]
    assert weights["odd"] == 1.0


def test_only_the_latest_events_make_the_taste():
    assert len(newest([RecentEvent("p", "page_view", float(at)) for at in range(500)])) == 50
