import pytest

from streamapp.errors import ConfigurationError
from streamapp.sources.manifest import Manifest, ManifestWriter
from streamapp.sources.shares import Shares
from streamapp.sources.shop import open_shop

NOW = 1_763_705_204.0
SHARES = Shares(duplicates=0.1, invalid=0.05, late=0.2, tombstones=0.02)


@pytest.fixture
def shop():
    return open_shop(seed=5, now=NOW, count=3_000, shares=SHARES)


def write(path, shop, records):
    with ManifestWriter(path, seed=5, topic="shop", describe=shop.describe) as writer:
        for at in range(0, len(records), 100):
            writer.add(records[at : at + 100])


def test_what_was_delivered_can_be_read_back(tmp_path, shop):
    records = list(shop.records(3_000))
    write(tmp_path / "m.jsonl", shop, records)
    manifest = Manifest.read(tmp_path / "m.jsonl")
    assert (manifest.seed, manifest.topic, manifest.complete, manifest.records) == (5, "shop", True, 3_000)
    assert manifest.counts().keys() == {"event", "duplicate", "invalid", "deletion"}
    assert all(manifest.counts().values())
    assert manifest.deleted <= manifest.events.keys()
    assert manifest.duplicates.keys() <= manifest.events.keys()


def test_every_event_names_the_product_as_it_was(tmp_path, shop):
    records = list(shop.records(3_000))
    write(tmp_path / "m.jsonl", shop, records)
    manifest = Manifest.read(tmp_path / "m.jsonl")
    for event_id, event in manifest.events.items():
        product = shop.describe(event.product_id, event.version)
        expected = manifest.expected(event_id)
        assert (expected.name, expected.description, expected.price) == (
            product.name,
            product.description,
            product.price,
        )


def test_the_newest_version_of_a_product_is_that_of_its_newest_event(tmp_path):
    shop = open_shop(seed=5, now=NOW, count=20_000, shares=Shares(late=0.3))
    write(tmp_path / "m.jsonl", shop, list(shop.records(20_000)))
    manifest = Manifest.read(tmp_path / "m.jsonl")
    versions: dict[str, int] = {}
    for event in manifest.events.values():
        versions[event.product_id] = max(event.version, versions.get(event.product_id, 0))
    assert {product_id: note.version for product_id, note in manifest.newest().items()} == versions
    assert max(versions.values()) > 0


def test_only_what_was_delivered_counts_and_a_killed_producer_is_known_by_the_missing_end(tmp_path, shop):
    writer = ManifestWriter(tmp_path / "m.jsonl", seed=5, topic="shop", describe=shop.describe)
    writer.add(list(shop.records(500)))
    (tmp_path / "killed.jsonl").write_bytes((tmp_path / "m.jsonl").read_bytes() + b'["event","torn')
    writer.close(unconfirmed=3)
    killed, ended = Manifest.read(tmp_path / "killed.jsonl"), Manifest.read(tmp_path / "m.jsonl")
    assert (killed.records, killed.complete) == (500, False)
    assert (ended.records, ended.complete, ended.unconfirmed) == (500, True, 3)


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b'["event","a","b",0,1.0]\n', b"hello\n", b'["manifest",99,1,"t"]\n']
)
def test_another_file_is_refused_with_a_hint(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        Manifest.read(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Manifest.read(tmp_path / "none")
