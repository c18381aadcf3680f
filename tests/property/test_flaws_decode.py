"""Whatever the seed: a planted flaw gets the reason it was planted with, and its neighbours do not notice."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streamapp.events import Event
from streamapp.pipeline.decode import Rejected, create_decoder
from streamapp.settings import EventSettings
from streamapp.sources.flaws import FLAWS, FlawMaker, encode, good_event, spoil_event

decode = create_decoder(EventSettings(contract="strict"))
seeds = st.integers(0, 2**32)
moments = st.integers(1_000_000_000_000_000, 4_000_000_000_000_000)


@settings(max_examples=300, deadline=None)
@given(seeds, moments, st.sampled_from(FLAWS))
def test_a_flaw_gets_its_reason(seed, now_us, flaw):
    rng = Random(seed)
    record = spoil_event(flaw, good_event(now_us, rng), rng)
    verdict = decode(record.key, record.value)
    assert isinstance(verdict, Rejected)
    assert verdict.reason.value == record.note.reason


@settings(max_examples=50, deadline=None)
@given(seeds, moments)
def test_what_the_maker_draws_gets_the_reason_it_notes(seed, now_us):
    maker = FlawMaker(Random(seed))
    for _ in range(20):
        record = maker.make(now_us)
        assert decode(record.key, record.value).reason.value == record.note.reason


@settings(max_examples=100, deadline=None)
@given(seeds, moments)
def test_the_event_that_flaws_begin_with_is_always_good(seed, now_us):
    assert isinstance(decode(b"k", encode(good_event(now_us, Random(seed)))), Event)
