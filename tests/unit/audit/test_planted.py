"""The facts against a manifest: what was planted and is not there, and what is there and was never planted."""

import hashlib

import pytest

from streamapp.audit.planted import compare_planted
from streamapp.events import event_point_id
from streamapp.sources.manifest import Manifest, PlantedEvent, ProductNote

from .making import NOON, TOPIC, event, event_id, facts_of, letter_of, point_of, record, tombstone

RUN = [
    record(0, event(1)),
    record(1, b"junk"),
    record(2, event(1)),
    record(3, event(2, at=NOON + 1, name="Kettle 2")),
    record(4, event(3, user="u-2")),
    tombstone(5, event_id(3)),
    record(6, b"", key=None),
]


@pytest.fixture
def facts():
    made = facts_of(RUN)
    for payload in (*made.points.values(), *made.products.values()):
        payload |= {"description": f"{payload['name']}, described", "category": "Kitchen"}
    return made


@pytest.fixture
def manifest():
    made = Manifest(1, TOPIC)
    made.complete = True
    for version, name in enumerate(["Kettle", "Kettle 2"]):
        made.products["p-1", version] = ProductNote("p-1", version, name, f"{name}, described", "Kitchen", 10.0)
    made.events = {
        event_id(1): PlantedEvent("p-1", 0, NOON),
        event_id(2): PlantedEvent("p-1", 1, NOON + 1),
        event_id(3): PlantedEvent("p-1", 0, NOON),
    }
    made.duplicates[event_id(1)] = 1
    made.deleted = {event_id(3)}
    made.invalid[hashlib.sha256(b"junk").hexdigest(), "not_json", "u-1"] = 1
    made.invalid[hashlib.sha256(b"").hexdigest(), "empty", None] = 1
    return made


def test_what_was_planted_and_came_balances(manifest, facts):
    assert compare_planted(manifest, facts) == []


def test_a_planted_event_without_a_point_is_named(manifest, facts):
    del facts.points[event_point_id(event_id(2))]
    assert compare_planted(manifest, facts) == [f"1 planted event: has no point ({event_id(2)})"]


@pytest.mark.parametrize("field", ["product_id", "name", "description", "category", "price"])
def test_a_point_that_shows_another_version_is_named(manifest, facts, field):
    facts.points[event_point_id(event_id(1))][field] = "other"
    assert compare_planted(manifest, facts) == [
        f"1 planted event: shows another version of its product ({event_id(1)})"
    ]


def test_a_deleted_event_that_is_still_there_is_named(manifest, facts):
    facts.points.update([point_of(event(3, user="u-2"), 0, 4)])
    assert f"1 deleted event: still has a point ({event_id(3)})" in compare_planted(manifest, facts)


def test_a_point_that_was_never_planted_is_counted(manifest, facts):
    facts.points.update([point_of(event(9), 0, 0)])
    assert compare_planted(manifest, facts) == ["1 points were never planted"]


def test_a_product_that_shows_an_older_version_is_named(manifest, facts):
    facts.products["p-1"]["name"] = "Kettle"
    problem = "1 product: does not show its newest planted version (p-1)"
    assert compare_planted(manifest, facts) == [problem]
    del facts.products["p-1"]
    assert compare_planted(manifest, facts) == [problem]


def test_a_duplicate_that_was_not_counted_is_told(manifest, facts):
    manifest.duplicates[event_id(2)] += 2
    assert compare_planted(manifest, facts) == ["3 duplicates were planted, the ledger says 1 duplicate"]


def test_an_invalid_record_without_its_letter_is_named_by_reason_and_digest(manifest, facts):
    facts.letters.pop(0)
    (problem,) = compare_planted(manifest, facts)
    assert problem.startswith("1 planted invalid record: has no dead letter of its reason and bytes (not_json ")


def test_a_letter_with_another_reason_is_both_lost_and_never_planted(manifest, facts):
    facts.letters[0] = facts.letters[0]._replace(reason="empty")
    lost, extra = compare_planted(manifest, facts)
    assert lost.startswith("1 planted invalid record: has no dead letter")
    assert extra.startswith("1 dead letter: was never planted (empty ")


def test_a_doubled_letter_is_no_problem_and_a_strange_one_is(manifest, facts):
    facts.letters.append(facts.letters[0]._replace(offset=9))
    assert compare_planted(manifest, facts) == []
    facts.letters.append(letter_of(record(50, b"strange"), 10))
    (problem,) = compare_planted(manifest, facts)
    assert problem.startswith("1 dead letter: was never planted (not_json ")


def test_a_manifest_that_cannot_prove_anything_says_so(manifest, facts):
    manifest.complete = False
    manifest.unconfirmed = 3
    manifest.topic = "another"
    assert compare_planted(manifest, facts) == [
        f"the manifest is for topic another, not {TOPIC}",
        "the manifest has no end line: its producer was killed, and may have delivered more than it notes",
        "the producer does not know the fate of 3 records",
    ]
