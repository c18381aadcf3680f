"""Vectors that were made before, by content key: in memory, the latest used, and on disk, all of them.

In: 16-byte keys. Out: the very bits that were put. Keys already carry the model revision (`text.content_key`).
The trap: a cache never stops the work. A disk that is full, locked or damaged costs speed and one log line, since
every vector can be made again.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from streamapp.embedding.embedder import Vectors
from streamapp.logs import get_logger

log = get_logger(__name__)

WRITE_BUFFER_BYTES = 8 << 20
"""5,000 vectors of 384 dimensions: one burst of new texts, and no more memory than that."""
BLOCK_CACHE_BYTES = 8 << 20
"""Small, because `MemoryCache` in front holds what is asked for again."""


class Found(NamedTuple):
    """The answer for some keys: row i of `vectors` belongs to key i, except where `missing` lists i (row undefined)."""

    vectors: Vectors
    missing: list[int]


class MemoryCache:
    """The latest used vectors, in one array of `entries` rows. For one thread."""

    def __init__(self, entries: int, dimension: int) -> None:
        self._rows: Vectors = np.empty((entries, dimension), np.float32)  # pages are taken as rows are written
        self._row_of: dict[bytes, int] = {}  # in order of use, the oldest first
        self._entries = entries
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._row_of)

    def get_many(self, keys: Sequence[bytes]) -> Found:
        """A copy of the vectors that are here, shape (len(keys), dimension); those found count as used just now.

        Each key at most once.
        """
        row_of = self._row_of
        rows = [row_of.pop(key, -1) for key in keys]
        missing = [i for i, row in enumerate(rows) if row < 0] if -1 in rows else []
        if missing:
            row_of.update((key, row) for key, row in zip(keys, rows, strict=True) if row >= 0)
        else:
            row_of.update(zip(keys, rows, strict=True))
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        if self._entries == 0:
            return Found(np.empty((len(keys), self._rows.shape[1]), np.float32), missing)
        return Found(self._rows.take(rows, axis=0, mode="wrap"), missing)

    def put_many(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep these vectors (row i under key i); the least recently used go when it gets too many."""
        start = max(0, len(keys) - self._entries)
        for key, vector in zip(keys[start:], vectors[start:], strict=True):
            row = self._row_of.pop(key, -1)
            if row < 0:
                full = len(self._row_of) >= self._entries
                row = self._row_of.pop(next(iter(self._row_of))) if full else len(self._row_of)
            self._rows[row] = vector
            self._row_of[key] = row


class DiskCache:
    """All vectors of one model revision, in a RocksDB folder of their own. May be used from any thread.

    While another process holds the folder, what is there is read and new vectors are not kept (`read_only`). A folder
    that cannot be read is moved aside, named `…damaged-N`, and begun anew. No call raises because of the disk.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self.folder = folder
        self.read_only = False
        self.hits = 0
        self.misses = 0
        self._dimension = dimension
        self._lock = threading.Lock()
        self._complained = False
        self._db: Any = self._open_or_rebuild()

    def get_many(self, keys: Sequence[bytes]) -> Found:
        """The vectors that are here, shape (len(keys), dimension), bit for bit as they were put."""
        with self._lock:
            values = self._read(keys)
            size = 4 * self._dimension
            missing = [i for i, value in enumerate(values) if value is None or len(value) != size]
            self.hits += len(keys) - len(missing)
            self.misses += len(missing)
        vectors: Vectors = np.empty((len(keys), self._dimension), np.float32)
        for i, value in enumerate(values):
            if value is not None and len(value) == size:
                vectors[i] = np.frombuffer(value, "<f4")
        return Found(vectors, missing)

    def put_many(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep these vectors, row i under key i. They survive the end of this process, not a power cut."""
        from rocksdict import WriteBatch

        if self.read_only:
            return
        batch = WriteBatch(raw_mode=True)
        for key, vector in zip(keys, vectors.astype("<f4", copy=False), strict=True):
            batch.put(key, vector.tobytes())
        with self._lock:
            try:
                if self._db is not None:
                    self._db.write(batch)
            except Exception as error:  # noqa: BLE001 - rocksdict raises plain Exception for whatever goes wrong
                self._complain("embedding.cache_not_written", error)

    def close(self) -> None:
        """Flush and let go of the folder. Calling it twice is harmless."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _read(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        if self._db is None:
            return [None] * len(keys)
        try:
            values: list[bytes | None] = self._db.get(list(keys))
        except Exception as error:  # noqa: BLE001 - rocksdict raises plain Exception for whatever goes wrong
            self._complain("embedding.cache_not_read", error)
            if not self.read_only and "Corruption" in str(error):
                self._db.close()
                self._db = self._rebuild(error)
            return [None] * len(keys)
        return values

    def _open_or_rebuild(self) -> Any:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return open_database(self.folder)
        except Exception as error:  # noqa: BLE001 - rocksdict raises plain Exception for whatever goes wrong
            if "lock" in str(error).lower():
                return self._share(error)
            return self._rebuild(error)

    def _share(self, error: Exception) -> Any:
        """Read along with the process that holds the folder, if there is anything to read yet."""
        self.read_only = True
        log.info("embedding.cache_shared", folder=str(self.folder), reason=str(error))
        try:
            return open_database(self.folder, read_only=True)
        except Exception as nothing:  # noqa: BLE001 - rocksdict raises plain Exception for whatever goes wrong
            self._complain("embedding.cache_not_read", nothing)
            return None

    def _rebuild(self, error: Exception) -> Any:
        try:
            aside = move_aside(self.folder)
            log.warning("embedding.cache_damaged", folder=str(self.folder), moved_to=str(aside), error=str(error))
            self.folder.mkdir(parents=True)
            return open_database(self.folder)
        except Exception as again:  # noqa: BLE001 - rocksdict raises plain Exception for whatever goes wrong
            self._complain("embedding.cache_unusable", again)
            return None

    def _complain(self, event: str, error: Exception) -> None:
        """Log the first trouble; a full disk would otherwise fill with lines about itself."""
        if not self._complained:
            self._complained = True
            log.warning(event, folder=str(self.folder), error=str(error), next="vectors are made again when needed")


def open_database(folder: Path, read_only: bool = False) -> Any:
    """A RocksDB of bytes to bytes with small buffers. Raises Exception, with RocksDB's words, when it cannot."""
    from rocksdict import AccessType, BlockBasedOptions, Cache, DBCompressionType, Options, Rdict

    options = Options(raw_mode=True)
    options.create_if_missing(not read_only)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_keep_log_file_num(2)
    options.set_compression_type(DBCompressionType.none())  # floats of unit vectors do not compress
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    blocks.set_bloom_filter(10, False)  # a new text, the usual miss, then costs no read
    options.set_block_based_table_factory(blocks)
    access = AccessType.read_only() if read_only else AccessType.read_write()
    return Rdict(str(folder), options, access_type=access)


def move_aside(path: Path) -> Path:
    """Rename a file or folder to the first free `…damaged-N` beside it, and say what it is called now."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.replace(path, aside)
    return aside
