"""Vectors for many callers at once, each text embedded once.

In: texts, from every partition's lane and from the web. Out: the distinct vectors, and which of them each text has.
A text is looked for in memory, then on disk, then it waits for the model; one call of the model runs at a time, in a
thread, and what is asked for meanwhile gathers for the next. A caller that is cancelled takes nothing from others.
The trap: an error of the model reaches every caller that waits for that batch; callers hold the line and ask again.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import NamedTuple

import msgspec
import numpy as np

from streamapp.clock import Clock, monotonic
from streamapp.embedding.cache import DiskCache, MemoryCache
from streamapp.embedding.embedder import Embedder, Vectors, is_unit
from streamapp.embedding.text import content_key

REMEMBERED_KEYS = 50_000
"""Texts whose content key is remembered; a repeated text then costs a tenth of hashing it."""


class VectorError(RuntimeError):
    """No vectors: the service was closed, or the model answered with something else than unit vectors."""


class Batch(NamedTuple):
    """Text i has the vector `vectors[rows[i]]`; `vectors` has one row per distinct text, in order of appearance."""

    vectors: Vectors
    rows: list[int]


class Stats(msgspec.Struct):
    """What the service has done so far: texts = memory_hits + disk_hits + misses, unless calls failed."""

    texts: int = 0
    memory_hits: int = 0
    """Also repeats within one call, and texts that another caller was already waiting for."""
    disk_hits: int = 0
    misses: int = 0
    """Texts that went to the model."""
    model_batches: int = 0
    model_texts: int = 0
    model_seconds: float = 0.0
    model_failures: int = 0


class VectorService:
    """Vectors through two caches and a model. One event loop uses it; `close` it there.

    `batch_size` (texts per call of the model) may be changed at any time.
    """

    def __init__(
        self, embedder: Embedder, memory: MemoryCache, disk: DiskCache | None = None,
        batch_size: int = 256, clock: Clock = monotonic,
    ) -> None:  # fmt: skip
        self.embedder = embedder
        self.batch_size = batch_size
        self.stats = Stats()
        self._memory, self._disk, self._clock = memory, disk, clock
        self._key = lru_cache(REMEMBERED_KEYS)(partial(content_key, embedder.revision))
        self._wanted: dict[bytes, str] = {}  # waits for a call of the model, oldest first
        self._coming: dict[bytes, asyncio.Future[Vectors]] = {}  # wanted, or in the model's hands
        self._unkept: set[bytes] = set()  # wanted by searches only
        self._runner: asyncio.Task[None] | None = None
        self._model_thread = ThreadPoolExecutor(1, "embed")
        self._disk_thread = ThreadPoolExecutor(1, "vectors")  # its own, so that reading never waits for the model
        self._closed = False

    async def vectors(self, texts: Sequence[str]) -> Batch:
        """The vectors of these texts: shape (distinct texts, dimension), unit length, ready for `store.Points`.

        Raises what the embedder raised, or VectorError; nothing is lost then, and the same call may succeed later.
        """
        row_of: dict[str, int] = {}
        rows = [row_of.setdefault(text, len(row_of)) for text in texts]
        return Batch(await self._vectors(list(row_of), len(texts)), rows)

    async def query(self, text: str) -> Vectors:
        """The vector, shape (dimension,), of words that somebody searches for; it goes before waiting products.

        It is remembered in memory only: what people type is neither the catalogue nor ours to keep.
        """
        key = self._key(text)
        found = self._memory.get_many([key])
        self.stats.texts += 1
        if not found.missing:
            self.stats.memory_hits += 1
            return found.vectors.reshape(-1)
        if key in self._coming:
            self.stats.memory_hits += 1
        else:
            self._want(key, text)
            self._unkept.add(key)
        if key in self._wanted:
            self._wanted = {key: text} | self._wanted
        return (await self._arrived([key])).reshape(-1)

    async def warm_up(self) -> None:
        """Load the model and let it answer once, in its thread, so that the first event need not wait for it."""
        await self._call_model(["warm up"], [])

    async def close(self) -> None:
        """Wait for the call of the model in progress, fail whoever still waits, and let go of the disk."""
        self._closed = True
        self._wanted.clear()
        if self._runner is not None:
            await self._runner
        self._fail_all(VectorError("The vector service was closed."))
        self._model_thread.shutdown()
        self._disk_thread.shutdown()
        if self._disk is not None:
            self._disk.close()

    async def _vectors(self, texts: list[str], asked: int) -> Vectors:
        """The vectors of distinct texts, in their order; `asked` counts the repeats too."""
        keys = list(map(self._key, texts))
        vectors, missing = self._memory.get_many(keys)
        self.stats.texts += asked
        self.stats.memory_hits += asked - len(missing)
        if missing and self._disk is not None:
            missing = await self._read_disk(self._disk, keys, vectors, missing)
        if missing:
            new = [i for i in missing if keys[i] not in self._coming]
            self.stats.memory_hits += len(missing) - len(new)
            self._unkept.difference_update([keys[i] for i in missing])
            for i in new:
                self._want(keys[i], texts[i])
            vectors[missing] = await self._arrived([keys[i] for i in missing])
        return vectors

    async def _read_disk(self, disk: DiskCache, keys: list[bytes], into: Vectors, missing: list[int]) -> list[int]:
        """Fill in what the disk has, or what came to memory while it was read; return what is missing still."""
        looked = [i for i in missing if keys[i] not in self._coming]
        read = partial(disk.get_many, [keys[i] for i in looked])
        found = await asyncio.get_running_loop().run_in_executor(self._disk_thread, read)
        gaps = set(found.missing)
        hits = [row for row in range(len(looked)) if row not in gaps]
        places = [looked[row] for row in hits]
        into[places] = found.vectors[hits]
        self._memory.put_many([keys[i] for i in places], found.vectors[hits])
        self.stats.disk_hits += len(hits)
        filled = set(places)
        left = [i for i in missing if i not in filled]
        latest = self._memory.get_many([keys[i] for i in left])
        gaps = set(latest.missing)
        came = [row for row in range(len(left)) if row not in gaps]
        into[[left[row] for row in came]] = latest.vectors[came]
        self.stats.memory_hits += len(came)
        return [left[row] for row in latest.missing]

    def _want(self, key: bytes, text: str) -> None:
        """Put a text in line for the model."""
        if self._closed:
            raise VectorError("The vector service is closed.")
        self._coming[key] = asyncio.get_running_loop().create_future()
        self._wanted[key] = text
        self.stats.misses += 1
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run(), name="vectors")

    async def _arrived(self, keys: Sequence[bytes]) -> Vectors:
        """The vectors of keys in line, when all are there. Raises the first failure at once."""
        futures = [self._coming[key] for key in keys]
        # `wait` leaves the futures alone when this caller is cancelled: others may wait for the same ones.
        await asyncio.wait(set(futures), return_when=asyncio.FIRST_EXCEPTION)
        for future in futures:
            if future.done() and (error := future.exception()):
                raise error
        return np.stack([future.result() for future in futures])

    async def _run(self) -> None:
        """Call the model until nothing is wanted."""
        try:
            while self._wanted:
                await asyncio.sleep(0)  # callers that are ready in this very turn of the loop join the batch
                await self._run_batch({key: self._wanted.pop(key) for key in list(self._wanted)[: self.batch_size]})
        except asyncio.CancelledError:
            self._fail_all(VectorError("The vector service was stopped while it worked."))
            raise

    async def _run_batch(self, batch: dict[bytes, str]) -> None:
        """Call the model for these texts, and hand the vectors, or the error, to whoever waits for them."""
        keys = list(batch)
        try:
            vectors = await self._call_model(list(batch.values()), keys)
            self._memory.put_many(keys, vectors)
        except Exception as error:  # noqa: BLE001 - whatever the model raised belongs to the callers
            for key in keys:
                _fail(self._coming.pop(key), error)
            return
        for key, vector in zip(keys, vectors, strict=True):
            self._coming.pop(key).set_result(vector)

    async def _call_model(self, texts: list[str], keys: list[bytes]) -> Vectors:
        """One call of the model in its thread, which then writes to disk what is to be kept."""
        began = self._clock()
        kept = [i for i, key in enumerate(keys) if key not in self._unkept]
        self._unkept.difference_update(keys)
        work = partial(self._embed, texts, keys, kept)
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._model_thread, work)
        except Exception:
            self.stats.model_failures += 1
            raise
        self.stats.model_seconds += self._clock() - began
        self.stats.model_batches += 1
        self.stats.model_texts += len(texts)
        return vectors

    def _embed(self, texts: list[str], keys: list[bytes], kept: list[int]) -> Vectors:
        """Runs in the model's thread."""
        vectors = checked(self.embedder.embed(texts), (len(texts), self.embedder.dimension))
        if kept and self._disk is not None:
            self._disk.put_many([keys[i] for i in kept], vectors[kept])
        return vectors

    def _fail_all(self, error: Exception) -> None:
        self._wanted.clear()
        for future in self._coming.values():
            _fail(future, error)
        self._coming.clear()


def checked(vectors: Vectors, shape: tuple[int, int]) -> Vectors:
    """The vectors, when they are unit vectors of this shape. Raises VectorError when they are not."""
    if vectors.shape != shape or vectors.dtype != np.float32 or not is_unit(vectors):
        raise VectorError(f"The model answered with {vectors.dtype} {vectors.shape}, not unit vectors of {shape}.")
    return vectors


def _fail(future: asyncio.Future[Vectors], error: Exception) -> None:
    """Set the error, and count it as seen: all who waited may have been cancelled."""
    if not future.done():
        future.set_exception(error)
        future.exception()
