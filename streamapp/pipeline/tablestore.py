"""The RocksDB behind a Faust table: a partition's changes and its changelog offset land in one atomic write.

Faust's own store writes each key at once and the offset later, so a crash leaves local state ahead of the changelog.
Here `write` is called once per checkpoint, after the changelog has confirmed, with everything that changed; opening
and recovery stay Faust's. A folder that cannot be read is moved aside and rebuilt from the changelog.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator

import rocksdict
from faust.stores import STORES
from faust.stores import rocksdb as faust_rocksdb

SCHEME = "partitions"
"""What `faust.App(store=...)` takes: `partitions://`."""

WRITE_BUFFER_BYTES = 4 * 1024**2
"""Per table and partition; Faust's defaults are 3 x 64 MiB, times tables times partitions."""

_cache: rocksdict.Cache | None = None


def share_cache(megabytes: int) -> None:
    """Make one block cache for all tables and partitions of this process; call it before any table opens."""
    global _cache
    _cache = rocksdict.Cache(megabytes * 1024**2)


def _options() -> rocksdict.Options:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(64)
    options.set_keep_log_file_num(1)
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_bloom_filter(10, False)
    if _cache is not None:
        blocks.set_block_cache(_cache)
    options.set_block_based_table_factory(blocks)
    return options


class PartitionStore(faust_rocksdb.Store):  # type: ignore[misc]  # faust ships no types that hold
    """A RocksDB per partition, read and written by partition."""

    logger = logging.getLogger("faust.partitions")  # Faust speaks through it: heard from warning on

    def _open_for_partition(self, partition: int) -> rocksdict.Rdict:
        path = self.partition_path(partition)
        try:
            return rocksdict.Rdict(str(path), options=_options())
        except Exception as error:  # rocksdict raises bare Exception; the text is all there is
            if "lock" in str(error).lower() or "corrupt" not in str(error).lower():
                raise
            aside = path.with_suffix(".corrupt")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            self.log.error("table folder %s was corrupt, moved to %s; recovering from the changelog", path, aside)
            return rocksdict.Rdict(str(path), options=_options())

    def read(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key in one partition."""
        value: bytes | None = self._db_for_partition(partition).get(key)
        return value

    def write(self, partition: int, changes: Iterable[tuple[bytes, bytes | None]], changelog_offset: int) -> None:
        """Apply changes (None deletes) together with the changelog offset up to which they reach."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self.offset_key, str(changelog_offset).encode())
        self._db_for_partition(partition).write(batch)

    def scan(self, partition: int, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Entries of one partition in key order, from `start` on."""
        database = self._db_for_partition(partition)
        for key, value in database.items(from_key=start) if start else database.items():
            if key != self.offset_key:
                yield key, value

    def open_partitions(self) -> list[int]:
        """The partitions whose files this process holds."""
        return sorted(self._dbs)

    def approximate_bytes(self) -> int:
        """Bytes on disk and in write buffers, as RocksDB estimates them."""
        names = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")
        return sum(database.property_int_value(name) or 0 for database in self._dbs.values() for name in names)

    def approximate_keys(self) -> int:
        """Keys over all partitions, as RocksDB estimates them."""
        return sum(database.property_int_value("rocksdb.estimate-num-keys") or 0 for database in self._dbs.values())


STORES.aliases[SCHEME] = f"{__name__}:PartitionStore"
