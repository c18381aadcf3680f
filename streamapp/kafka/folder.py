"""The folder that a local Kafka keeps its data in: room on its disk, and one owner at a time.

In: the folder. Out: a lock that is handed on to Kafka, so that it is held exactly as long as a Kafka uses the data,
however the process that started it ended. Trap: the lock is the open file, not its content; what the file says of the
owner is only for messages.
"""

import contextlib
import errno
import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from streamapp.errors import ConfigurationError

NEEDED_BYTES = 500_000_000
"""Below this a demo's topics, changelogs and RocksDB files may not fit; Kafka ends in the middle of its work then."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[IO[str]]:
    """Hold the folder's lock; a child that inherits the open file goes on holding it.

    Raises `ConfigurationError` that names the Kafka which holds it now.
    """
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise data_in_use(folder, file.read()) from error
        file.truncate(0)  # what the last owner wrote would name the wrong one
        yield file


def write_owner(lock: IO[str], pid: int, port: int) -> None:
    """Note in the lock's file who uses the data."""
    lock.write(json.dumps({"pid": pid, "port": port}))
    lock.flush()


def check_disk(folder: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    """Raise `ConfigurationError` when the folder's disk has too little room for Kafka's data."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise ConfigurationError(
            f"The disk of {folder} is almost full: {free / 1e6:.0f} MB free, {needed_bytes / 1e6:.0f} MB needed.",
            "Free some space, or choose another folder with STREAMAPP_HOME.",
        )


def clear_unfinished(data: Path) -> None:
    """Remove what an interrupted format left; a data folder with topics in it is never touched, but refused."""
    if not data.exists():
        return
    left = list(data.iterdir())
    if any(path.is_dir() for path in left):
        raise ConfigurationError(
            f"{data} holds topics, but its meta.properties is gone.",
            "Put that file back, or move the folder away to start with an empty Kafka.",
        )
    for path in left:
        path.unlink()


def data_in_use(folder: Path, owner: str) -> ConfigurationError:
    """Describe a data folder that a running Kafka holds; `owner` is what its lock file says."""
    try:
        known = json.loads(owner)
        who = f"a Kafka (process {known['pid']}, port {known['port']})"
    except (ValueError, KeyError, TypeError):
        who = "another start of Kafka"  # it holds the lock and has not yet written who it is
    return ConfigurationError(
        f"The data in {folder} is in use by {who}.",
        "Use that one, stop it first, or choose another folder with STREAMAPP_HOME.",
    )


@contextlib.contextmanager
def clear_errors(home: Path) -> Iterator[None]:
    """Translate what a disk can say."""
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
        raise ConfigurationError(
            f"The local Kafka's files cannot be kept in {home}: {what}.",
            "Mend it, or choose another with STREAMAPP_HOME.",
        ) from error
