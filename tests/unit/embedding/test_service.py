"""The vector service: who is asked how often, and what happens when somebody leaves or something breaks."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from streamapp.embedding.cache import DiskCache, MemoryCache
from streamapp.embedding.embedder import Vectors, normalised
from streamapp.embedding.light import hashed_direction
from streamapp.embedding.service import VectorError, VectorService

D = 384


class RecordingEmbedder:
    """Hashes texts to vectors, writes down what it was asked, waits at its gate, and fails when told to."""

    dimension = D
    revision = "recording:1:float32"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.running = 0
        self.most_running = 0
        self.gate = threading.Event()
        self.gate.set()
        self.called = threading.Event()
        self.error: Exception | None = None
        self.spoil = 1.0

    @property
    def times(self) -> Counter[str]:
        return Counter(text for call in self.calls for text in call)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        self.calls.append(list(texts))
        self.called.set()
        assert self.gate.wait(20)
        self.running -= 1
        if self.error:
            raise self.error
        return np.stack([expected(text) for text in texts]) * np.float32(self.spoil)


def expected(text: str) -> Vectors:
    return hashed_direction(text)


def service_over(embedder: RecordingEmbedder, entries: int = 1000, disk: DiskCache | None = None) -> VectorService:
    return VectorService(embedder, MemoryCache(entries, D), disk, batch_size=16)


async def until_called(embedder: RecordingEmbedder) -> None:
    """Until the model is in the middle of a call (its gate being shut)."""
    assert await asyncio.to_thread(embedder.called.wait, 20)


async def test_every_text_gets_its_own_vector_and_repeats_share_one() -> None:
    service = service_over(RecordingEmbedder())
    vectors, rows = await service.vectors(["a", "b", "a", "c", "b"])
    assert rows == [0, 1, 0, 2, 1]
    assert (vectors == np.stack([expected(text) for text in "abc"])).all()
    await service.close()


async def test_no_texts_give_no_vectors_and_ask_nobody() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    batch = await service.vectors([])
    assert (batch.vectors.shape, batch.rows, embedder.calls) == ((0, D), [], [])
    await service.close()


@pytest.mark.parametrize("entries", [0, 3, 1000])
async def test_many_lanes_at_once_have_each_text_embedded_once(entries: int) -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder, entries)
    texts = [f"text {i}" for i in range(100)]
    lanes = [texts[i:] + texts[:i] for i in range(0, 100, 10)]
    batches = await asyncio.gather(*map(service.vectors, lanes))
    for lane, (vectors, rows) in zip(lanes, batches, strict=True):
        assert (vectors[rows] == np.stack([expected(text) for text in lane])).all()
    assert set(embedder.times.values()) == {1}
    assert embedder.most_running == 1
    assert [len(call) for call in embedder.calls] == [16] * 6 + [4]
    await service.close()


async def test_what_is_asked_while_the_model_runs_gathers_for_the_next_call() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    embedder.gate.clear()
    first = asyncio.create_task(service.vectors(["a"]))
    await until_called(embedder)
    others = [asyncio.create_task(service.vectors([text, "a"])) for text in "bcd"]
    await asyncio.sleep(0)
    embedder.gate.set()
    await asyncio.gather(first, *others)
    assert embedder.calls == [["a"], ["b", "c", "d"]]
    await service.close()


async def test_a_second_call_finds_everything_in_memory() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    await service.vectors(["a", "b", "a"])
    await service.vectors(["b", "a"])
    assert len(embedder.calls) == 1
    stats = service.stats
    assert (stats.texts, stats.memory_hits, stats.disk_hits, stats.misses) == (5, 3, 0, 2)
    assert (stats.model_batches, stats.model_texts) == (1, 2)
    await service.close()


async def test_a_restarted_service_finds_every_bit_on_disk_and_asks_no_model(tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(50)]
    service = service_over(RecordingEmbedder(), disk=DiskCache(tmp_path / "c", D))
    before = await service.vectors(texts)
    await service.close()
    embedder = RecordingEmbedder()
    again = service_over(embedder, disk=DiskCache(tmp_path / "c", D))
    after = await again.vectors([*texts, "new"])
    assert after.vectors[:50].tobytes() == before.vectors.tobytes()
    assert embedder.calls == [["new"]]
    assert (again.stats.disk_hits, again.stats.misses) == (50, 1)
    await again.close()


async def test_one_callers_cancellation_does_not_disturb_the_others() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    embedder.gate.clear()
    leaving = asyncio.create_task(service.vectors(["a", "b"]))
    staying = asyncio.create_task(service.vectors(["b", "c"]))
    await until_called(embedder)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    embedder.gate.set()
    vectors, _ = await staying
    assert (vectors == np.stack([expected("b"), expected("c")])).all()
    assert leaving.cancelled()
    await service.close()


async def test_an_error_of_the_model_reaches_every_caller_and_the_next_try_works() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    embedder.error = OSError("the model is gone")
    results = await asyncio.gather(*(service.vectors([text, "shared"]) for text in "abc"), return_exceptions=True)
    assert results == [embedder.error] * 3
    assert service.stats.model_failures == 1
    embedder.error = None
    vectors, _ = await service.vectors(["a", "shared"])
    assert (vectors[1] == expected("shared")).all()
    await service.close()


@pytest.mark.parametrize("spoil", [0.0, 2.0, float("nan")])
async def test_vectors_that_are_no_unit_vectors_are_refused_and_not_kept(spoil: float, tmp_path: Path) -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder, disk=DiskCache(tmp_path / "c", D))
    embedder.spoil = spoil
    with pytest.raises(VectorError, match="not unit vectors"):
        await service.vectors(["a"])
    embedder.spoil = 1.0
    assert (await service.vectors(["a"])).vectors.tobytes() == expected("a").tobytes()
    await service.close()


async def test_a_search_goes_before_waiting_products_and_is_not_kept_on_disk(tmp_path: Path) -> None:
    embedder = RecordingEmbedder()
    disk = DiskCache(tmp_path / "c", D)
    service = service_over(embedder, disk=disk)
    embedder.gate.clear()
    lane = asyncio.create_task(service.vectors([f"text {i}" for i in range(40)]))
    await until_called(embedder)
    search = asyncio.create_task(service.query("headphones"))
    await asyncio.sleep(0)
    embedder.gate.set()
    assert (await search == expected("headphones")).all()
    await lane
    assert embedder.calls[1][0] == "headphones"
    assert (await service.query("headphones") == expected("headphones")).all()
    assert embedder.times["headphones"] == 1
    await service.close()
    again = DiskCache(tmp_path / "c", D)
    keys = [service._key(text) for text in ("headphones", "text 3")]
    assert again.get_many(keys).missing == [0]
    again.close()


async def test_closing_fails_who_still_waits_and_can_be_done_twice() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    embedder.gate.clear()
    lane = asyncio.create_task(service.vectors([f"text {i}" for i in range(40)]))
    await until_called(embedder)
    closing = asyncio.create_task(service.close())
    await asyncio.sleep(0)
    embedder.gate.set()
    await closing
    with pytest.raises(VectorError, match="closed"):
        await lane
    with pytest.raises(VectorError, match="closed"):
        await service.vectors(["new"])
    await service.close()


async def test_warming_up_asks_the_model_once_and_keeps_nothing() -> None:
    embedder = RecordingEmbedder()
    service = service_over(embedder)
    await service.warm_up()
    assert len(embedder.calls) == 1
    assert service.stats.texts == 0
    await service.close()


def test_normalising_keeps_the_direction_of_the_smallest_and_the_largest_numbers() -> None:
    rows = np.array([[3e38, 3e38], [1e-45, 0], [0, 0], [3, 4]], np.float32)
    np.testing.assert_allclose(normalised(rows), [[0.70710678, 0.70710678], [1, 0], [0, 0], [0.6, 0.8]], rtol=1e-6)
