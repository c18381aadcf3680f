"""Every line of the verdict corpus against the worker's decoder."""

from collections import Counter

import msgspec
import pytest
from corpus import CONTRACTS, RECORDS, make, read_contracts, read_corpus

from streamapp.events import Event, Reason
from streamapp.pipeline.decode import Rejected, Tombstone, create_decoder
from streamapp.settings import EventSettings

CORPUS = read_corpus()
DECODERS = {name: create_decoder(EventSettings(**settings)) for name, settings in read_contracts().items()}


def verdict_of(line):
    return DECODERS[line["contract"]](line["key"], line["value"])


def shown(verdict):
    match verdict:
        case Event():
            return "event"
        case Tombstone():
            return "tombstone"
        case Rejected(reason):
            return reason.value


@pytest.mark.parametrize("expect", sorted({line["expect"] for line in CORPUS}))
def test_every_line_gets_its_verdict(expect):
    lines = [line for line in CORPUS if line["expect"] == expect]
    wrong = {line["name"]: found for line in lines if (found := shown(verdict_of(line))) != expect}
    assert wrong == {}


def test_events_come_out_with_the_fields_that_are_noted():
    for line in CORPUS:
        if "event" in line:
            event = msgspec.to_builtins(verdict_of(line))
            product = event.pop("product")
            flat = event | product | {"product_id": product["id"]}
            assert {name: flat[name] for name in line["event"]} == line["event"], line["name"]


def test_tombstones_carry_their_key():
    for line in CORPUS:
        if line["expect"] == "tombstone":
            assert verdict_of(line) == Tombstone(line["key"].decode())


def test_a_detail_shows_nothing_of_the_content():
    for line in CORPUS:
        verdict = verdict_of(line)
        if isinstance(verdict, Rejected):
            assert len(verdict.detail) < 100
            assert "Sonora" not in verdict.detail
            assert "user-00042" not in verdict.detail


def test_the_script_makes_these_very_files():
    assert RECORDS.read_text(encoding="utf-8") == make.records()
    assert CONTRACTS.read_text(encoding="utf-8") == make.contracts()


def test_every_reason_is_in_the_corpus_and_names_are_unique():
    assert {line["expect"] for line in CORPUS} == {"event", "tombstone", *(reason.value for reason in Reason)}
    assert [name for name, times in Counter(line["name"] for line in CORPUS).items() if times > 1] == []
    assert len(CORPUS) > 400


def test_a_strict_contract_stays_strict_when_fields_are_mapped() -> None:
    decode = create_decoder(EventSettings(contract="strict", fields={"event_id": "id"}))
    event = (
        '{"id": "8d0d5d36-3f6c-4b41-9b7e-4f8f3fba7d0a", "timestamp": 1795240020, "user_id": "u", "session_id": "s",'
        ' "event_type": "purchase", "product": {"id": "p", "name": "n", "description": "", "category": ""%s}}'
    )
    assert isinstance(decode(b"u", (event % ', "price": 1').encode()), Event)
    assert decode(b"u", (event % "").encode()) == Rejected(Reason.MISSING_FIELD, "at product.price")
