"""The flaws against the strict decoder: both sides must name the same reason."""

import hashlib
from random import Random

import pytest

from streamapp.events import Event, Reason
from streamapp.pipeline.decode import create_decoder
from streamapp.settings import EventSettings
from streamapp.sources.flaws import FLAWS, FlawMaker, good_event, spoil_event
from streamapp.sources.flaws import encode as encode_event

NOW_US = 1_763_705_204_000_000
decode = create_decoder(EventSettings(contract="strict"))


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.kind)
def test_the_decoder_gives_each_flaw_the_reason_it_was_planted_with(flaw):
    rng = Random(1)
    for _ in range(5):
        record = spoil_event(flaw, good_event(NOW_US, rng), rng)
        assert decode(record.key, record.value).reason == flaw.reason
        assert record.note.reason == flaw.reason.value


def test_the_event_that_flaws_begin_with_is_a_good_one():
    event = good_event(NOW_US, Random(1))
    assert isinstance(decode(b"key", encode_event(event)), Event)


def test_every_reason_for_a_dead_letter_is_planted():
    assert {flaw.reason for flaw in FLAWS} == set(Reason)


def test_a_note_carries_the_digest_of_the_original_bytes_and_the_key():
    maker = FlawMaker(Random(1))
    for _ in range(300):
        record = maker.make(NOW_US)
        assert record.note.sha256 == hashlib.sha256(record.value or b"").hexdigest()
        assert (record.note.key or "").encode() == (record.key or b"")


def test_the_heavy_flaws_stay_few_and_below_the_limit_of_kafka():
    maker = FlawMaker(Random(1))
    sizes = [len(maker.make(NOW_US).value or b"") for _ in range(2_000)]
    assert 2 <= sum(size > 262_144 for size in sizes) <= 30
    assert max(sizes) < 1_048_000


def test_kinds_have_names_of_their_own():
    assert len({flaw.kind for flaw in FLAWS}) == len(FLAWS)
