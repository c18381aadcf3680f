"""Whatever the text: a unit vector; whatever was put into the cache: the same bits again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamapp.embedding.cache import DiskCache, MemoryCache
from streamapp.embedding.embedder import Vectors
from streamapp.embedding.light import LightEmbedder
from streamapp.embedding.text import TEXT_LIMIT, product_text
from streamapp.events import Product

ANY_TEXT = st.text(st.characters())  # lone surrogates and NUL included
BITS = arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(4)))  # NaN, infinities and -0.0 included


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> LightEmbedder:
    folder = tmp_path_factory.mktemp("light")
    words = ["hose", "shoe", "lamp", "radio", "coat", "soap"]
    (folder / "corpus.txt").write_text("\n".join(f"{a} and {b}" for a in words for b in words))
    return LightEmbedder(folder, folder / "corpus.txt")


@settings(deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_any_text_has_a_finite_unit_vector_that_does_not_depend_on_its_neighbours(
    light: LightEmbedder, texts: list[str]
) -> None:
    vectors = light.embed(texts)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[-1] == light.embed(texts[-1:])[0]).all()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BITS)
def test_the_disk_gives_back_every_bit_after_reopening(tmp_path: Path, vectors: Vectors) -> None:
    keys = [bytes([i]) * 16 for i in range(len(vectors))]
    cache = DiskCache(tmp_path / "c", 4)
    cache.put_many(keys, vectors)
    cache.close()
    cache = DiskCache(tmp_path / "c", 4)
    found = cache.get_many(keys)
    cache.close()
    assert found.missing == []
    assert found.vectors.tobytes() == vectors.tobytes()


@given(st.integers(1, 5), st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 9), min_size=1, max_size=4))))
def test_memory_is_the_most_recently_used_and_nothing_else(entries: int, steps: list[tuple[bool, set[int]]]) -> None:
    memory, model = MemoryCache(entries, 1), dict[bytes, float]()
    for number, (put, chosen) in enumerate(steps):
        keys = [bytes([i]) for i in chosen]
        if put:
            memory.put_many(keys, np.full((len(keys), 1), number, np.float32))
        for key, known in zip(keys, [key in model for key in keys], strict=True):
            if put or known:
                before = model.pop(key, None)
                model[key] = number if put or before is None else before
        while len(model) > entries:
            model.pop(next(iter(model)))
        if not put:
            found = memory.get_many(keys)
            gaps = {i for i, key in enumerate(keys) if key not in model}
            assert set(found.missing) == gaps
            assert all(found.vectors[i, 0] == model[key] for i, key in enumerate(keys) if i not in gaps)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_a_products_text_is_one_trimmed_line_within_the_limit(name: str, description: str, category: str) -> None:
    text = product_text(Product("1", name, description, category))
    assert len(text) <= TEXT_LIMIT
    assert text == " ".join(text.split())
