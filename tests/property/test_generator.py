"""Whatever the seed and the shares: the manifest says what the records are."""

from collections import Counter

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamapp.events import Event
from streamapp.pipeline.decode import Rejected, Tombstone, create_decoder
from streamapp.settings import EventSettings
from streamapp.sources.catalogue import synthetic_catalogue
from streamapp.sources.manifest import Manifest, ManifestWriter
from streamapp.sources.record import DeletionNote, DuplicateNote, EventNote, InvalidNote
from streamapp.sources.shares import Shares
from streamapp.sources.shop import Shop

PRODUCTS = synthetic_catalogue(0)[::10]
decode = create_decoder(EventSettings(contract="strict"))

share = st.floats(0, 0.3)
shares = st.builds(Shares, duplicates=share, late=st.floats(0, 1), invalid=share, tombstones=share)
seeds = st.integers(0, 2**32)
starts = st.floats(1e9, 4e9)
steps = st.sampled_from([0.01, 0.5])
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def make(seed, start, step, shares):
    return Shop(PRODUCTS, seed=seed, start=start, step_seconds=step, shares=shares, users=500)


@given(seeds, starts, steps, shares)
@few
def test_the_same_seed_gives_the_same_bytes(seed, start, step, shares):
    assert list(make(seed, start, step, shares).records(100)) == list(make(seed, start, step, shares).records(100))


@given(seeds, starts, steps, shares)
@few
def test_a_duplicate_is_the_same_bytes_under_the_same_key(seed, start, step, shares):
    sent = {}
    for record in make(seed, start, step, shares).records(300):
        if isinstance(record.note, EventNote):
            assert record.note.event_id not in sent
            sent[record.note.event_id] = (record.key, record.value)
        elif isinstance(record.note, DuplicateNote):
            assert sent[record.note.event_id] == (record.key, record.value)


@given(seeds, starts, steps, shares)
@few
def test_the_decoder_finds_in_each_record_what_its_note_says(seed, start, step, shares):
    shop = make(seed, start, step, shares)
    for record in shop.records(200):
        verdict, note = decode(record.key, record.value), record.note
        match note:
            case EventNote():
                assert isinstance(verdict, Event)
                assert (verdict.event_id, verdict.timestamp) == (note.event_id, note.timestamp)
                assert verdict.product == shop.describe(note.product_id, note.version)
                assert all(msgspec.structs.asdict(verdict).values())
            case InvalidNote():
                assert isinstance(verdict, Rejected)
                assert verdict.reason == note.reason
            case DeletionNote():
                assert verdict == Tombstone(note.event_id)


@given(seed=seeds, start=starts, step=steps, shares=shares)
@few
def test_the_manifest_counts_what_was_sent(tmp_path, seed, start, step, shares):
    shop = make(seed, start, step, shares)
    records = list(shop.records(300))
    with ManifestWriter(tmp_path / "manifest", seed=seed, topic="t", describe=shop.describe) as writer:
        writer.add(records)
    manifest = Manifest.read(tmp_path / "manifest")
    sorts = Counter(type(record.note) for record in records)
    assert manifest.counts() == {
        "event": sorts[EventNote],
        "duplicate": sorts[DuplicateNote],
        "invalid": sorts[InvalidNote],
        "deletion": sorts[DeletionNote],
    }
    assert manifest.records == 300
    assert manifest.late == sum(isinstance(record.note, EventNote) and record.note.late for record in records)
