"""What every embedder promises, held against each of them, the real MiniLM on the CPU included."""

import threading
from pathlib import Path

import numpy as np
import pytest

from streamapp.embedding.create import create_embedder
from streamapp.embedding.embedder import Embedder
from streamapp.embedding.model import MiniLM
from streamapp.errors import ConfigurationError
from streamapp.settings import EmbeddingSettings

TEXTS = [
    "Wireless headphones. Bluetooth, noise cancelling. Electronics",
    "Garden hose. 20 m. Home",
    "Shoes",
    "",
    "ß 漢字 🎧",
]
HOSTILE = ["", " ", "\x00", "\ud800", "e\u0301" * 50, "a" * 50_000, "🎧" * 3000, "zzqqxx", "\u202eabc", "."]


@pytest.fixture(scope="module", params=["minilm-float32", "minilm-bfloat16", "light"])
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    kind, _, precision = request.param.partition("-")
    settings = EmbeddingSettings(kind=kind, device="cpu", precision=precision or "float32")
    return create_embedder(settings, tmp_path_factory.getbasetemp() / "shared")


def test_there_is_one_vector_of_the_promised_length_per_text(embedder: Embedder) -> None:
    assert embedder.dimension == 384
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32


def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_every_vector_is_finite_and_of_length_one_whatever_the_text(embedder: Embedder) -> None:
    vectors = embedder.embed(HOSTILE)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vectors_stand_in_the_order_of_their_texts_however_long_these_are(embedder: Embedder) -> None:
    kinds = ["headphones", "garden hose", "espresso machine", "wool coat", "lipstick", "tent", "olive oil", "dumbbells"]
    texts = [f"{kind} {'and also a long description ' * (i * 5 % 8)}" for i, kind in enumerate(kinds)]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert ((together @ alone.T).argmax(axis=1) == np.arange(len(texts))).all()
    # Batches may add up in another order; bfloat16 keeps 8 bits.
    assert (together * alone).sum(axis=1).min() > (0.99 if "bfloat16" in embedder.revision else 0.99999)


def test_the_same_call_gives_the_same_bits(embedder: Embedder) -> None:
    assert (embedder.embed(TEXTS) == embedder.embed(TEXTS)).all()


def test_threads_get_the_same_vectors_as_one_caller_alone(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS)
    results: list[bool] = []

    def ask() -> None:
        results.append(np.allclose(embedder.embed(TEXTS), expected, atol=1e-5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [True] * 4


def test_earbuds_are_nearer_to_headphones_than_a_garden_hose_is(embedder: Embedder) -> None:
    headphones, earbuds, hose = embedder.embed(
        ["wireless headphones", "Bluetooth earbuds with a charging case", "Garden hose, 20 m, with brass fittings"]
    )
    assert headphones @ earbuds > headphones @ hose + 0.1


def test_the_revision_is_stable_and_names_the_precision(embedder: Embedder, tmp_path: Path) -> None:
    precision = "bfloat16" if "bfloat16" in embedder.revision else "float32"
    kind = "light" if embedder.revision.startswith("light") else "minilm"
    again = create_embedder(EmbeddingSettings(kind=kind, precision=precision), tmp_path)
    assert again.revision == embedder.revision
    assert embedder.revision.endswith(precision)


def test_a_folder_without_a_model_is_refused_when_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        MiniLM(str(tmp_path), device="cpu").embed(["x"])
