"""The light embedder: what it learns from, and what it keeps."""

from pathlib import Path

import numpy as np
import pytest
import structlog

from streamapp.embedding.light import DIMENSION, LightEmbedder, hashed_direction, read_corpus
from streamapp.errors import ConfigurationError

THINGS = ("hose", "shoe", "lamp", "radio")
SHOP = [f"{a} {b} for {c}" for a in ("red", "blue", "green") for b in THINGS for c in ("garden", "house", "travel")]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    file = tmp_path / "corpus.txt"
    file.write_text("\n".join(SHOP), "utf-8")
    return file


def test_the_built_in_corpus_has_enough_different_lines_for_every_dimension() -> None:
    assert len(read_corpus(None)) > 4 * DIMENSION


def test_a_small_corpus_of_ones_own_still_gives_all_dimensions(corpus: Path, tmp_path: Path) -> None:
    vectors = LightEmbedder(tmp_path, corpus).embed(["red hose", "blue hose", "green radio"])
    assert vectors.shape == (3, DIMENSION)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_it_learns_once_and_then_reads_what_it_learnt(corpus: Path, tmp_path: Path) -> None:
    first = LightEmbedder(tmp_path, corpus)
    expected = first.embed(SHOP)
    written = first.file.stat().st_mtime_ns
    second = LightEmbedder(tmp_path, corpus)
    assert (second.embed(SHOP) == expected).all()
    assert second.file.stat().st_mtime_ns == written


def test_learning_again_elsewhere_gives_the_same_bits(corpus: Path, tmp_path: Path) -> None:
    one, other = LightEmbedder(tmp_path / "one", corpus), LightEmbedder(tmp_path / "other", corpus)
    assert (one.embed(SHOP) == other.embed(SHOP)).all()


def test_a_damaged_file_is_learnt_again(corpus: Path, tmp_path: Path) -> None:
    first = LightEmbedder(tmp_path, corpus)
    expected = first.embed(SHOP)
    first.file.write_bytes(first.file.read_bytes()[:1000])
    with structlog.testing.capture_logs() as lines:
        assert (LightEmbedder(tmp_path, corpus).embed(SHOP) == expected).all()
    assert [line["event"] for line in lines] == ["embedding.model_damaged"]


def test_a_folder_that_cannot_be_written_costs_only_time(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert LightEmbedder(tmp_path / "file" / "models", corpus).embed(SHOP).any(axis=1).all()


def test_another_corpus_is_another_revision(corpus: Path, tmp_path: Path) -> None:
    before = LightEmbedder(tmp_path, corpus).revision
    corpus.write_text("\n".join([*SHOP, "one more product"]), "utf-8")
    assert LightEmbedder(tmp_path, corpus).revision != before


def test_a_text_that_shares_nothing_with_the_corpus_gets_a_direction_of_its_own(corpus: Path, tmp_path: Path) -> None:
    one, same, other = LightEmbedder(tmp_path, corpus).embed(["漢字", "漢字", "шлем"])
    assert (one == same).all()
    assert (one == hashed_direction("漢字")).all()
    assert abs(float(one @ other)) < 0.3
    np.testing.assert_allclose(np.linalg.norm(one), 1, atol=1e-6)


@pytest.mark.parametrize(("content", "why"), [(b"", "too few"), (b"one line\n", "too few"), (b"\xff\xfe\x00", "read"),
                                              (b"the\nand the\n", "no words")])  # fmt: skip
def test_a_corpus_that_teaches_nothing_is_named_with_what_to_do(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=why) as caught:
        LightEmbedder(tmp_path, file).embed(["x"])
    assert caught.value.hint


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.txt"):
        LightEmbedder(tmp_path, tmp_path / "nowhere.txt")
