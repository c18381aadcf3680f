"""The promises of `VectorStore`, the same for every implementation."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import numpy as np
import pytest

from streamapp.errors import ConfigurationError, StoreRefusedError
from streamapp.store.store import Collection, Page, Points, Vectors, VectorStore

from .conftest import DIMENSION, EVENTS, OTHER, Factory

SPACE = UUID(int=7)


def id_of(number: int) -> str:
    return str(uuid5(SPACE, str(number)))


def unit_vectors(count: int, seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def points(count: int, payloads: Sequence[Any] | None = None, seed: int = 1, start: int = 0) -> Points:
    ids = [id_of(i) for i in range(start, start + count)]
    return Points(ids, payloads or [payload_of(i) for i in range(count)], unit_vectors(count, seed), range(count))


def payload_of(i: int) -> dict[str, Any]:
    return {"kind": ["view", "cart", "purchase"][i % 3], "rank": i, "price": i / 2, "name": f"thing {i}"}


async def scroll_all(store: VectorStore, limit: int, **options: Any) -> list[Page]:
    pages = [await store.scroll("events", None, limit, **options)]
    while (after := pages[-1].next) is not None:
        pages.append(await store.scroll("events", after, limit, **options))
    return pages


# Writing


async def test_what_was_written_can_be_retrieved(store: VectorStore) -> None:
    written = points(3)
    await store.upsert("events", written)
    found = {point.id: point for point in await store.retrieve("events", written.ids, with_vectors=True)}
    assert [found[id_].payload for id_ in written.ids] == written.payloads
    np.testing.assert_allclose([found[id_].vector for id_ in written.ids], written.vectors, atol=1e-6)


async def test_vectors_are_left_out_unless_asked_for(store: VectorStore) -> None:
    await store.upsert("events", points(1))
    assert (await store.retrieve("events", [id_of(0)]))[0].vector == []


async def test_ids_that_do_not_exist_are_not_retrieved(store: VectorStore) -> None:
    await store.upsert("events", points(1))
    assert [point.id for point in await store.retrieve("events", [id_of(5), id_of(0)])] == [id_of(0)]
    assert await store.retrieve("events", []) == []


async def test_the_same_id_is_overwritten_as_a_whole(store: VectorStore) -> None:
    await store.upsert("events", points(2))
    await store.upsert("events", points(1, [{"kind": "new"}], seed=2))
    (point,) = await store.retrieve("events", [id_of(0)], with_vectors=True)
    assert point.payload == {"kind": "new"}
    np.testing.assert_allclose(point.vector, unit_vectors(1, seed=2)[0], atol=1e-6)
    assert await store.count("events") == 2


async def test_points_can_share_a_vector(store: VectorStore) -> None:
    vectors = unit_vectors(2)
    await store.upsert("events", Points([id_of(0), id_of(1), id_of(2)], [{}, {}, {}], vectors, [1, 0, 1]))
    found = {point.id: point.vector for point in await store.retrieve("events", [id_of(0), id_of(1), id_of(2)], True)}
    np.testing.assert_allclose([found[id_of(i)] for i in range(3)], vectors[[1, 0, 1]], atol=1e-6)


async def test_an_empty_batch_is_no_error(store: VectorStore) -> None:
    await store.upsert("events", Points([], [], unit_vectors(0), []))
    assert await store.count("events") == 0


async def test_a_long_batch_is_written_whole(store: VectorStore) -> None:
    await store.upsert("events", points(2_345))
    assert await store.count("events") == 2_345


async def test_structs_with_dates_and_ids_become_plain_payloads(store: VectorStore) -> None:
    class Seen(msgspec.Struct):
        who: UUID
        at: datetime

    await store.upsert("events", points(1, [Seen(SPACE, datetime(2026, 1, 2, tzinfo=UTC))]))
    (point,) = await store.retrieve("events", [id_of(0)])
    assert point.payload == {"who": str(SPACE), "at": "2026-01-02T00:00:00Z"}


async def test_unicode_nested_and_big_payloads_come_back_as_they_were(store: VectorStore) -> None:
    payload = {
        "name": "Grüße 你好 🛍 \u0000 \u202e",
        "big": "é" * 100_000,
        "nested": {"a": [1, 2.5, None, True, {"b": []}]},
        "long": 2**63 - 1,
        "": "no name",
    }
    await store.upsert("events", points(1, [payload]))
    assert (await store.retrieve("events", [id_of(0)]))[0].payload == payload


async def test_collections_do_not_mix(store: VectorStore) -> None:
    await store.upsert("events", points(2))
    await store.upsert("other", points(1, [{"kind": "other"}]))
    assert (await store.count("events"), await store.count("other")) == (2, 1)


# Refusing


@pytest.mark.parametrize(
    "bad",
    [
        np.full(DIMENSION, np.nan),
        np.zeros(DIMENSION),
        np.full(DIMENSION, np.inf),
        np.full(DIMENSION, 3e38),
        np.full(DIMENSION, 1.0),
    ],
    ids=["nan", "zero", "infinite", "huge", "not normalised"],
)
async def test_a_bad_vector_refuses_the_whole_batch_and_names_its_point(store: VectorStore, bad: Vectors) -> None:
    batch = points(600)
    batch.vectors[555] = bad
    with pytest.raises(StoreRefusedError, match=id_of(555)):
        await store.upsert("events", batch)
    assert await store.count("events") == 0


async def test_a_wrong_dimension_is_refused(store: VectorStore) -> None:
    batch = points(2)
    with pytest.raises(StoreRefusedError, match="shape"):
        await store.upsert("events", batch._replace(vectors=batch.vectors[:, :-1]))
    with pytest.raises(StoreRefusedError, match="shape"):
        await store.search("events", batch.vectors[0, :-1], 1)


async def test_a_bad_query_is_refused(store: VectorStore) -> None:
    with pytest.raises(StoreRefusedError, match="NaN"):
        await store.search("events", np.full(DIMENSION, np.nan, dtype=np.float32), 1)
    with pytest.raises(StoreRefusedError, match="length 0"):
        await store.search("events", np.zeros(DIMENSION, dtype=np.float32), 1)


@pytest.mark.parametrize("bad", ["", "no uuid", id_of(1).upper(), id_of(1).replace("-", "")])
async def test_an_id_that_is_no_plain_uuid_is_refused(store: VectorStore, bad: str) -> None:
    batch = points(2)
    with pytest.raises(StoreRefusedError, match="UUID"):
        await store.upsert("events", batch._replace(ids=[id_of(0), bad]))
    assert await store.count("events") == 0


async def test_an_id_twice_in_one_batch_is_refused(store: VectorStore) -> None:
    with pytest.raises(StoreRefusedError, match="twice"):
        await store.upsert("events", points(2)._replace(ids=[id_of(0), id_of(0)]))


async def test_a_payload_that_is_not_json_refuses_the_whole_batch(store: VectorStore) -> None:
    with pytest.raises(StoreRefusedError, match=id_of(299)):
        await store.upsert("events", points(300, [{}] * 299 + [{"a": object()}]))
    assert await store.count("events") == 0


async def test_after_a_refusal_the_store_still_works(store: VectorStore) -> None:
    with pytest.raises(StoreRefusedError):
        await store.upsert("events", points(1)._replace(rows=[3]))
    await store.upsert("events", points(1))
    assert await store.count("events") == 1


async def test_a_collection_that_was_not_opened_is_named(store: VectorStore) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        await store.upsert("nowhere", points(1))
    with pytest.raises(ConfigurationError, match="nowhere"):
        await store.count("nowhere")


# Finding


async def test_search_ranks_and_scores_like_exact_cosine(store: VectorStore) -> None:
    batch = points(700)
    await store.upsert("events", batch)
    query = unit_vectors(1, seed=9)[0]
    hits = await store.search("events", query, 20)
    scores = batch.vectors @ query
    expected = np.argsort(-scores)[:20]
    assert [hit.id for hit in hits] == [batch.ids[i] for i in expected]
    np.testing.assert_allclose([hit.score for hit in hits], scores[expected], atol=1e-5)
    assert [hit.payload for hit in hits] == [batch.payloads[i] for i in expected]


async def test_search_keeps_to_the_filter(store: VectorStore) -> None:
    await store.upsert("events", points(90))
    hits = await store.search("events", unit_vectors(1, seed=9)[0], 100, {"kind": "cart"})
    assert {hit.payload["kind"] for hit in hits} == {"cart"}
    assert len(hits) == 30


async def test_search_in_an_empty_collection_finds_nothing(store: VectorStore) -> None:
    assert await store.search("events", unit_vectors(1)[0], 5) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"kind": "view"}, 10),
        ({"kind": ["view", "cart"]}, 20),
        ({"kind": []}, 0),
        ({"rank": 7}, 1),
        ({"rank": "7"}, 0),
        ({"kind": "view", "rank": 3}, 1),
        ({"kind": "cart", "rank": 3}, 0),
        ({"name": "thing 5"}, 1),
        ({"nothing": "here"}, 0),
        ({}, 30),
        (None, 30),
    ],
)
async def test_a_filter_matches_every_named_field(store: VectorStore, where: Any, expected: int) -> None:
    await store.upsert("events", points(30))
    assert await store.count("events", where) == expected


async def test_a_filter_matches_one_element_of_a_list(store: VectorStore) -> None:
    await store.upsert("events", points(3, [{"tags": ["a", "b"]}, {"tags": ["b"]}, {"tags": []}]))
    assert await store.count("events", {"tags": "b"}) == 2
    assert await store.count("events", {"tags": ["a", "c"]}) == 1


async def test_scroll_walks_all_points_in_id_order_once(store: VectorStore) -> None:
    batch = points(103)
    await store.upsert("events", batch)
    pages = await scroll_all(store, 10)
    assert [len(page.points) for page in pages] == [10] * 10 + [3]
    assert [point.id for page in pages for point in page.points] == sorted(batch.ids)


async def test_scroll_ends_with_a_full_page(store: VectorStore) -> None:
    await store.upsert("events", points(20))
    pages = await scroll_all(store, 10)
    assert [len(page.points) for page in pages] == [10, 10]


async def test_scroll_gives_the_named_fields_only(store: VectorStore) -> None:
    await store.upsert("events", points(7))
    pages = await scroll_all(store, 3, fields=["rank", "missing"])
    assert sorted(point.payload["rank"] for page in pages for point in page.points) == list(range(7))
    assert {tuple(point.payload) for page in pages for point in page.points} == {("rank",)}
    assert (await store.scroll("events", None, 1, fields=[])).points[0].payload == {}


async def test_scroll_keeps_to_the_filter(store: VectorStore) -> None:
    await store.upsert("events", points(90))
    found = [point for page in await scroll_all(store, 7, where={"kind": "cart"}) for point in page.points]
    assert len({point.id for point in found}) == len(found) == 30


async def test_scroll_goes_on_where_its_last_point_was_deleted(store: VectorStore) -> None:
    batch = points(10)
    await store.upsert("events", batch)
    first = await store.scroll("events", None, 4)
    assert first.next == first.points[-1].id
    await store.delete("events", [first.next])
    rest = await store.scroll("events", first.next, 10)
    assert [point.id for point in rest.points] == sorted(batch.ids)[4:]


# Deleting


async def test_delete_by_id_counts_what_went(store: VectorStore) -> None:
    await store.upsert("events", points(5))
    assert await store.delete("events", [id_of(0), id_of(1), id_of(1), id_of(99)]) == 2
    assert await store.delete("events", [id_of(0)]) == 0
    assert await store.count("events") == 3


async def test_delete_by_filter_counts_what_went(store: VectorStore) -> None:
    await store.upsert("events", points(30))
    assert await store.delete("events", where={"kind": "view"}) == 10
    assert await store.count("events", {"kind": "view"}) == 0
    assert await store.count("events") == 20


async def test_delete_by_both_takes_the_named_points_that_match(store: VectorStore) -> None:
    await store.upsert("events", points(6))
    assert await store.delete("events", [id_of(0), id_of(1)], {"kind": "view"}) == 1
    assert await store.count("events") == 5


async def test_delete_of_nothing_deletes_nothing(store: VectorStore) -> None:
    await store.upsert("events", points(2))
    assert await store.delete("events") == 0
    assert await store.delete("events", where={}) == 2


async def test_a_deleted_point_can_be_written_again(store: VectorStore) -> None:
    await store.upsert("events", points(1))
    await store.delete("events", [id_of(0)])
    await store.upsert("events", points(1))
    assert await store.count("events") == 1


# Opening and closing


async def test_reopening_keeps_the_points(create: Factory) -> None:
    for round_ in range(3):
        store = create()
        await store.open([EVENTS])
        assert await store.count("events") == round_ * 300
        await store.upsert("events", points(300, start=round_ * 300))
        await store.close()
        await store.close()


async def test_opening_again_with_more_collections_and_indexes_adds_them(create: Factory) -> None:
    store = create()
    await store.open([Collection("events", DIMENSION, {})])
    await store.upsert("events", points(30))
    await store.close()
    store = create()
    await store.open([EVENTS, OTHER])
    assert await store.count("events", {"kind": "view"}) == 10
    assert await store.count("other") == 0
    await store.close()


async def test_opening_with_another_dimension_is_a_configuration_error(create: Factory) -> None:
    store = create()
    await store.open([EVENTS])
    await store.upsert("events", points(1))
    await store.close()
    store = create()
    with pytest.raises(ConfigurationError, match="dimension"):
        await store.open([Collection("events", DIMENSION + 1, {})])
    await store.close()


# Many at once


async def test_writes_and_searches_at_once_all_succeed(store: VectorStore) -> None:
    query = unit_vectors(1)[0]
    async with asyncio.TaskGroup() as group:
        for i in range(8):
            group.create_task(store.upsert("events", points(500, start=500 * i)))
        searches = [group.create_task(store.search("events", query, 10)) for _ in range(40)]
    assert await store.count("events") == 4_000
    assert all(hit.score <= 1.00001 for search in searches for hit in search.result())


async def test_cancelled_callers_leave_the_store_in_order(store: VectorStore) -> None:
    tasks = [asyncio.create_task(store.upsert("events", points(1_000, start=1_000 * i))) for i in range(4)]
    tasks += [asyncio.create_task(store.scroll("events", None, 100)) for _ in range(4)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.upsert("events", points(4_000))
    assert await store.count("events") == 4_000
    assert len(await store.search("events", unit_vectors(1)[0], 10)) == 10
