"""Which event ids have been seen, and which offset brought them.

In: ids of a batch. Out: a verdict for each. The truth is the changelogged table `seen`: one entry ("segment") per
checkpoint and partition with the ids it made true. A RocksDB index beside it answers for a single id; it is derived,
caught up from the segments when partitions arrive, and forgets by itself after the time-to-live.
The trap: the same id at the same offset is a redelivery and must be processed again; only another offset makes it a
duplicate.
"""

import struct
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import rocksdict

from streamapp.clock import Clock

_SEGMENT_HEAD = struct.Struct("<d")
_SEGMENT_ID = struct.Struct("<16sQ")
_INDEX_VALUE = struct.Struct("<IQd")
_MARKER = b"\0marker"
"""Prefix of the index's own keys; ids are 16 bytes long, these are not."""


class Verdict(StrEnum):
    """What an event's id says about it."""

    FRESH = "fresh"
    REDELIVERED = "redelivered"
    DUPLICATE = "duplicate"


class Seen(NamedTuple):
    """The record that brought an id first."""

    partition: int
    offset: int


def judge(partition: int, offset: int, seen: Seen | None) -> Verdict:
    """Fresh when never seen, redelivered when this very record brought it, else a duplicate.

    A record that stands before the one remembered is a redelivery too: what is remembered is its tombstone, and the
    crash that brings both again may have come before the ledger counted them.
    """
    if seen is None:
        return Verdict.FRESH
    return Verdict.REDELIVERED if seen.partition == partition and offset <= seen.offset else Verdict.DUPLICATE


def segment_key(last_offset: int) -> bytes:
    """A segment's key, the last offset of its checkpoint; bytes order is offset order.

    Not the first one: where a commit was late, another worker's checkpoint begins before one that is known here, and
    reaches beyond it.
    """
    return struct.pack(">Q", last_offset)


def pack_segment(written_at: float, ids: Sequence[tuple[bytes, int]]) -> bytes:
    """A segment's value: when it was written (seconds since the epoch), then 16-byte ids with their offsets."""
    return _SEGMENT_HEAD.pack(written_at) + b"".join(_SEGMENT_ID.pack(*entry) for entry in ids)


def unpack_segment(value: bytes) -> tuple[float, list[tuple[bytes, int]]]:
    """The inverse of `pack_segment`."""
    (written_at,) = _SEGMENT_HEAD.unpack_from(value)
    return written_at, list(_SEGMENT_ID.iter_unpack(value[_SEGMENT_HEAD.size :]))


def expired_segments(segments: Iterable[tuple[bytes, bytes]], now: float, ttl_seconds: float) -> list[bytes]:
    """Keys of the leading segments (in offset order) whose time-to-live is over."""
    gone = []
    for key, value in segments:
        if _SEGMENT_HEAD.unpack_from(value)[0] + ttl_seconds > now:
            break
        gone.append(key)
    return gone


class SeenIndex:
    """id -> the record that brought it, on disk, for all partitions of this worker.

    Entries of partitions that moved away stay until they expire: they are still true, and catch a duplicate that
    arrives on another partition.
    """

    def __init__(self, folder: Path, ttl_seconds: float, clock: Clock, cache_megabytes: int = 32) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ttl = ttl_seconds
        self._clock = clock
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(16 * 1024**2)
        options.set_keep_log_file_num(1)
        blocks = rocksdict.BlockBasedOptions()
        blocks.set_bloom_filter(10, False)  # most ids were never seen: answered without touching a block
        blocks.set_block_cache(rocksdict.Cache(cache_megabytes * 1024**2))
        options.set_block_based_table_factory(blocks)
        # RocksDB's own time-to-live only frees space, at compactions; what counts is the check at reading.
        access = rocksdict.AccessType.with_ttl(int(ttl_seconds) + 1)
        try:
            self._db = rocksdict.Rdict(str(folder), options=options, access_type=access)
        except Exception as error:  # rocksdict raises bare Exception; the text is all there is
            if "corrupt" not in str(error).lower():
                raise
            # Derived data: what is moved aside is caught up from the segments.
            folder.rename(folder.with_name(f"{folder.name}.corrupt-{int(clock())}"))
            self._db = rocksdict.Rdict(str(folder), options=options, access_type=access)

    def lookup(self, ids: Sequence[bytes]) -> list[Seen | None]:
        """For each id the record that brought it within the time-to-live, or None."""
        if not ids:
            return []
        oldest = self._clock() - self._ttl
        found: list[Seen | None] = []
        for value in self._db.get(list(ids)):
            if value is None:
                found.append(None)
                continue
            partition, offset, written_at = _INDEX_VALUE.unpack(value)
            found.append(Seen(partition, offset) if written_at > oldest else None)
        return found

    def remember(self, partition: int, key: bytes, written_at: float, ids: Iterable[tuple[bytes, int]]) -> None:
        """Index one segment, and note that the index reaches up to it, in one atomic write."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for identity, offset in ids:
            batch.put(identity, _INDEX_VALUE.pack(partition, offset, written_at))
        batch.put(_MARKER + struct.pack(">I", partition), max(key, self.marker(partition)))
        self._db.write(batch)

    def marker(self, partition: int) -> bytes:
        """The key up to which a partition's segments are indexed; empty when none is."""
        marker: bytes = self._db.get(_MARKER + struct.pack(">I", partition)) or b""
        return marker

    def catch_up(self, partition: int, segments: Iterable[tuple[bytes, bytes]]) -> int:
        """Index segments that the table has and the index lacks; returns how many."""
        count = 0
        for key, value in segments:
            written_at, ids = unpack_segment(value)
            self.remember(partition, key, written_at, ids)
            count += 1
        return count

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()
