"""Questions in words."""

import doctest

import numpy as np
import pytest

from streamapp.errors import StoreUnavailableError
from streamapp.search import search as room
from streamapp.search.search import BadQuestionError, query_embedder


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(room).failed == 0


async def test_each_product_comes_once_with_the_number_of_its_events(search):
    hits = await search.search("  wireless headphones ", limit=3)
    assert hits[0].product.id == "p-1"
    assert len({hit.product.id for hit in hits}) == 3
    assert [hit.events for hit in hits if hit.product.id == "p-1"] == [2]
    assert hits == sorted(hits, key=lambda hit: -hit.score)


async def test_a_category_narrows_and_an_unknown_one_finds_nothing(search):
    assert {hit.product.category for hit in await search.search("warm", category="Fashion")} == {"Fashion"}
    assert await search.search("warm", category="Nowhere") == []


@pytest.mark.parametrize("text", ["", "  \n", "a\0b", "\ud800", "x" * 1001])
async def test_a_text_that_is_no_question_is_refused(search, text):
    with pytest.raises(BadQuestionError):
        await search.search(text)


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_limit_out_of_bounds_is_refused(search, limit):
    with pytest.raises(BadQuestionError, match="1 to 100"):
        await search.search("shoe", limit)


async def test_an_outage_of_the_store_goes_through_as_it_is(search, store):
    store.away = True
    with pytest.raises(StoreUnavailableError):
        await search.search("shoe")


async def test_a_batch_embedder_answers_for_one_text():
    class Two:
        async def vectors(self, texts):
            assert list(texts) == ["shoe"]
            return np.asarray([[0, 1], [1, 0]], dtype=np.float32), [1]

    assert (await query_embedder(Two())("shoe")).tolist() == [1.0, 0.0]
