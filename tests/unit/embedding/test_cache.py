"""The two caches of vectors, and what they do when the disk is not as it should be."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import structlog

from streamapp.embedding.cache import DiskCache, MemoryCache
from streamapp.embedding.embedder import Vectors

D = 8
KEYS = [bytes([i]) * 16 for i in range(10)]


def some(count: int) -> Vectors:
    return np.random.default_rng(count).standard_normal((count, D)).astype(np.float32)


def test_memory_gives_back_what_was_put_and_names_what_is_missing() -> None:
    memory, vectors = MemoryCache(10, D), some(3)
    memory.put_many([KEYS[0], KEYS[2], KEYS[4]], vectors)
    found = memory.get_many(KEYS[:5])
    assert found.missing == [1, 3]
    assert (found.vectors[[0, 2, 4]] == vectors).all()
    assert (memory.hits, memory.misses) == (3, 2)


def test_memory_drops_what_was_used_longest_ago() -> None:
    memory = MemoryCache(3, D)
    memory.put_many(KEYS[:3], some(3))
    memory.get_many(KEYS[:1])
    memory.put_many(KEYS[3:4], some(1))
    assert memory.get_many(KEYS[:4]).missing == [1]
    assert len(memory) == 3


def test_memory_keeps_the_last_of_more_vectors_than_it_has_room_for() -> None:
    memory, vectors = MemoryCache(3, D), some(10)
    memory.put_many(KEYS, vectors)
    found = memory.get_many(KEYS)
    assert found.missing == list(range(7))
    assert (found.vectors[7:] == vectors[7:]).all()


def test_memory_without_room_remembers_nothing_and_breaks_nothing() -> None:
    memory = MemoryCache(0, D)
    memory.put_many(KEYS[:2], some(2))
    assert memory.get_many(KEYS[:2]).missing == [0, 1]


def test_what_memory_gave_out_does_not_change_when_its_place_is_given_away() -> None:
    memory, vectors = MemoryCache(1, D), some(2)
    memory.put_many(KEYS[:1], vectors[:1])
    given = memory.get_many(KEYS[:1]).vectors
    memory.put_many(KEYS[1:2], vectors[1:])
    assert (given == vectors[:1]).all()


def test_the_disk_gives_back_every_bit_after_reopening(tmp_path: Path) -> None:
    vectors = some(5)
    disk = DiskCache(tmp_path / "c", D)
    disk.put_many(KEYS[:5], vectors)
    disk.close()
    again = DiskCache(tmp_path / "c", D)
    found = again.get_many(KEYS[:6])
    again.close()
    assert found.missing == [5]
    assert found.vectors[:5].tobytes() == vectors.tobytes()
    assert (again.hits, again.misses) == (5, 1)


def test_a_vector_of_another_length_counts_as_missing(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path / "c", D)
    disk.put_many(KEYS[:1], some(1))
    disk.close()
    other = DiskCache(tmp_path / "c", D + 1)
    assert other.get_many(KEYS[:1]).missing == [0]
    other.close()


@pytest.mark.parametrize("damaged", ["CURRENT", "MANIFEST", ".sst"])
def test_a_damaged_folder_is_moved_aside_and_begun_anew(tmp_path: Path, damaged: str) -> None:
    folder = tmp_path / "c"
    disk = DiskCache(folder, D)
    disk.put_many(KEYS[:5], some(5))
    disk.close()
    DiskCache(folder, D).close()  # the log of the first life becomes a table file now, if it was not before
    victim = next(path for path in folder.iterdir() if damaged in path.name)
    victim.write_bytes(b"not what RocksDB wrote" * 50)
    with structlog.testing.capture_logs() as lines:
        disk = DiskCache(folder, D)
        assert disk.get_many(KEYS[:5]).missing == [0, 1, 2, 3, 4]
    disk.put_many(KEYS[:1], some(1))
    assert disk.get_many(KEYS[:1]).missing == []
    disk.close()
    assert "embedding.cache_damaged" in {line["event"] for line in lines}
    assert (tmp_path / "c.damaged-1").is_dir()


def test_a_file_in_the_place_of_the_folder_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("in the way")
    disk = DiskCache(tmp_path / "c", D)
    disk.put_many(KEYS[:1], some(1))
    assert disk.get_many(KEYS[:1]).missing == []
    disk.close()
    assert (tmp_path / "c.damaged-1").read_text() == "in the way"


def test_a_folder_that_cannot_be_made_costs_the_disk_cache_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    disk = DiskCache(tmp_path / "file" / "c", D)
    disk.put_many(KEYS[:1], some(1))
    assert disk.get_many(KEYS[:1]).missing == [0]
    disk.close()


def test_a_second_process_reads_along_and_writes_nothing(tmp_path: Path) -> None:
    disk, vectors = DiskCache(tmp_path / "c", D), some(1)
    disk.put_many(KEYS[:1], vectors)
    script = f"""
import numpy as np
from pathlib import Path
from streamapp.embedding.cache import DiskCache
disk = DiskCache(Path({str(tmp_path / "c")!r}), {D})
disk.put_many([b"new" * 5], np.ones((1, {D}), np.float32))
found = disk.get_many([{KEYS[0]!r}, b"new" * 5])
print(disk.read_only, found.missing, found.vectors[0].tobytes().hex())
disk.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    disk.close()
    assert done.stdout.splitlines()[-1] == f"True [1] {vectors[0].tobytes().hex()}"


def test_what_was_put_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import os, numpy as np
from pathlib import Path
from streamapp.embedding.cache import DiskCache
DiskCache(Path({str(tmp_path / "c")!r}), {D}).put_many([{KEYS[0]!r}], np.ones((1, {D}), np.float32))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    disk = DiskCache(tmp_path / "c", D)
    assert disk.get_many(KEYS[:1]).missing == []
    disk.close()


def test_a_closed_disk_cache_answers_that_nothing_is_there(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path / "c", D)
    disk.close()
    disk.close()
    disk.put_many(KEYS[:1], some(1))
    assert disk.get_many(KEYS[:1]).missing == [0]
    shutil.rmtree(tmp_path / "c")
