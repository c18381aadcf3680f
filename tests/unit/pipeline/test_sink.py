"""Events to points, and which products must be written."""

import msgspec
import numpy as np

from streamapp.events import event_point_id, product_point_id
from streamapp.pipeline.sink import Catalogue, Placed, event_points, product_points

from .making import NOON, TOPIC, event, event_id

VECTORS = np.eye(4, dtype=np.float32)


def placed(number, offset, partition=0, **more):
    return Placed(event(number, **more), partition, offset)


def test_each_event_becomes_a_point_with_all_that_questions_need():
    points = event_points([placed(1, 7, price=None), placed(2, 8)], TOPIC, "model@1", VECTORS, [3, 0])
    assert list(points.ids) == [event_point_id(event_id(1)), event_point_id(event_id(2))]
    assert list(points.rows) == [3, 0]
    assert msgspec.to_builtins(points.payloads[0]) == {
        "event_id": event_id(1),
        "timestamp": NOON,
        "user_id": "u-1",
        "event_type": "page_view",
        "session_id": "s-1",
        "product_id": "p-1",
        "name": "Kettle",
        "description": "Kettle, described",
        "category": "Kitchen",
        "price": None,
        "topic": TOPIC,
        "partition": 0,
        "offset": 7,
        "model": "model@1",
    }


def test_point_ids_are_unique_and_the_last_of_one_id_counts():
    batch = [placed(1, 1), placed(2, 2), placed(1, 3, user="u-2"), placed(3, 4)]
    points = event_points(batch, TOPIC, "m", VECTORS, [0, 1, 2, 3])
    assert len(set(points.ids)) == len(points.ids) == 3
    by_id = {
        point: (payload.offset, payload.user_id, row)
        for point, payload, row in zip(points.ids, points.payloads, points.rows, strict=True)
    }
    assert by_id[event_point_id(event_id(1))] == (3, "u-2", 2)
    assert by_id[event_point_id(event_id(3))] == (4, "u-1", 3)


def test_no_events_make_no_points():
    assert list(event_points([], TOPIC, "m", VECTORS, []).ids) == []


def test_of_a_batch_only_the_newest_version_of_a_product_is_written():
    batch = [placed(1, 1, at=NOON), placed(2, 2, at=NOON + 5, name="newer"), placed(3, 3, at=NOON + 1, name="late")]
    write, learn = Catalogue().changed(batch)
    points = product_points(batch, write, "m", VECTORS, [0, 1, 2])
    assert list(points.ids) == [product_point_id("p-1")]
    assert (points.payloads[0].name, points.payloads[0].version, list(points.rows)) == ("newer", NOON + 5, [1])
    assert [version.content.name for version in learn] == ["newer"]


def test_what_is_known_already_is_not_written_again_unless_it_is_the_same_record():
    catalogue = Catalogue()
    first = placed(1, 1)
    catalogue.learn(catalogue.changed([first])[1])
    assert catalogue.changed([placed(2, 2, at=NOON + 1)])[0] == []  # says the same
    assert catalogue.changed([placed(2, 2, at=NOON - 1, name="old")])[0] == []
    assert catalogue.changed([first])[0] == [0]  # redelivered: the store may not have had it
    assert catalogue.changed([placed(3, 3, at=NOON + 2, price=11.0)])[0] == [0]
    assert len(catalogue) == 1


def test_nothing_is_known_until_it_is_learned():
    catalogue = Catalogue()
    assert catalogue.changed([placed(1, 1)])[0] == [0]
    assert catalogue.changed([placed(1, 1)])[0] == [0]
    assert len(catalogue) == 0


def test_a_version_that_says_the_same_still_moves_the_mark():
    catalogue = Catalogue()
    for one in (placed(1, 1), placed(2, 2, at=NOON + 10)):
        catalogue.learn(catalogue.changed([one])[1])
    assert catalogue.changed([placed(3, 3, at=NOON + 5, name="between")])[0] == []


def test_a_reset_forgets_all_but_what_it_is_given():
    catalogue = Catalogue()
    versions = catalogue.changed([placed(1, 1, product="a"), placed(2, 2, product="b")])[1]
    catalogue.learn(versions)
    catalogue.reset(versions[:1])
    assert len(catalogue) == 1
    assert catalogue.changed([placed(3, 3, at=NOON - 5, product="b", name="old")])[0] == [0]


def test_after_a_reset_each_product_is_written_once_more_and_an_older_version_never():
    catalogue = Catalogue()
    catalogue.reset(catalogue.changed([placed(1, 1)])[1])
    assert catalogue.changed([placed(2, 2, at=NOON - 1, name="old")])[0] == []
    for number, expected in [(3, [0]), (4, [])]:
        write, learn = catalogue.changed([placed(number, number, at=NOON + number)])
        assert write == expected
        catalogue.learn(learn)
