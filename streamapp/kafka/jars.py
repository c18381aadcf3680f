"""Kafka's jars: a pinned list with a SHA-512 each, loaded once into the user's cache folder.

In: `jars.lock` beside this file. Out: the jars' paths, every one of them checked just now. Only what is missing is
loaded, into a side folder, checked, and moved in place in one step; a file that does not match is never used. Trap:
two processes may come here at once; a lock on the folder lets one load while the other waits.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from streamapp.errors import ConfigurationError
from streamapp.kafka.ivy import Coordinates, Step, fetch
from streamapp.kafka.java import find_java

KAFKA_VERSION = "4.1.1"

NEEDED_BYTES = 200_000_000
"""43 MB of jars, once in Ivy's cache and once beside it while they load, and some air."""

Progress = Callable[[int, int, str], None]
"""Called as (jars there, jars in all, the jar that got further or what is being waited for).

Ivy first finds every jar and then loads them, so the first number stands still for most of the half minute."""


class LockedJar(NamedTuple):
    """One line of the lock file."""

    coordinates: Coordinates
    sha512: str


def no_progress(done: int, total: int, name: str) -> None:
    """Show nothing."""


def default_folder() -> Path:
    """Return where the jars of this Kafka version live: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "streamapp" / f"kafka-{KAFKA_VERSION}"


def read_lock(text: str | None = None) -> list[LockedJar]:
    """Read the pinned list: `group:artifact:version  sha512` a line."""
    if text is None:
        text = resources.files("streamapp.kafka").joinpath("jars.lock").read_text("utf-8")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [LockedJar(Coordinates(*name.split(":")), sha512) for name, sha512 in lines]


def ensure_jars(
    folder: Path | None = None, progress: Progress = no_progress, lock: Sequence[LockedJar] | None = None
) -> list[Path]:
    """Return the paths of all jars in the lock, loading what is missing.

    Raises `ConfigurationError` for a jar whose SHA-512 differs, for a full disk or a folder that cannot be written,
    `UnreachableError` when the jars cannot be loaded, `JavaMissingError` when there is no Java to load them with.
    """
    folder = default_folder() if folder is None else folder
    jars = read_lock() if lock is None else lock
    with _clear_errors(folder):
        if missing_jars(folder, jars):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone_in(folder, lambda: progress(0, len(jars), "another process that loads them")):
                missing = missing_jars(folder, jars)  # the other process may have loaded them meanwhile
                if missing:
                    _load(folder, missing, len(jars), progress)
    return [folder / jar.coordinates.file_name for jar in jars]


def missing_jars(folder: Path, jars: Sequence[LockedJar]) -> list[LockedJar]:
    """Return the jars that are not in the folder; raise `ConfigurationError` for one that is there and differs."""
    missing = []
    for jar in jars:
        path = folder / jar.coordinates.file_name
        if not path.exists():
            missing.append(jar)
        elif sha512_of(path) != jar.sha512:
            raise _refused(path, "Delete that file and start again; it is then loaded anew.")
    return missing


def sha512_of(path: Path) -> str:
    """Return a file's SHA-512 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def _load(folder: Path, missing: Sequence[LockedJar], total: int, progress: Progress) -> None:
    """Load the missing jars, check each, and move each in place."""
    java = find_java()
    if shutil.disk_usage(folder).free < NEEDED_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    done = total - len(missing)
    progress(done, total, "")

    def note(step: Step) -> None:
        nonlocal done
        done = min(done + step.loaded, total)
        progress(done, total, step.name)

    cache = folder / ".ivy"
    with tempfile.TemporaryDirectory(prefix=".loading-", dir=folder) as side:
        fetch(java.path, [jar.coordinates for jar in missing], Path(side), cache, note)
        for jar in missing:
            _accept(jar, Path(side), folder, cache)
    shutil.rmtree(cache, ignore_errors=True)
    progress(total, total, "")


def _accept(jar: LockedJar, side: Path, folder: Path, cache: Path) -> None:
    """Move one loaded jar in place when it is what the lock says."""
    path = side / jar.coordinates.file_name
    if not path.exists() or sha512_of(path) != jar.sha512:
        shutil.rmtree(cache, ignore_errors=True)  # or the next attempt would meet the same file again
        raise _refused(path, "Try again; when it comes back, something between here and Maven Central changes it.")
    path.replace(folder / path.name)


def _refused(path: Path, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} in {path.parent} is not the jar that streamapp expects (its SHA-512 differs), and is not used.",
        hint,
    )


@contextlib.contextmanager
def _alone_in(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when a process dies, so it is never stale."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    """Translate what a disk can say."""
    try:
        yield
    except OSError as error:
        hint = "Free 200 MB there" if error.errno == errno.ENOSPC else "Mend it"
        raise ConfigurationError(
            f"Kafka's jars cannot be kept in {folder}: {error.strerror or error}.",
            f"{hint}, or name another folder with STREAMAPP_BROKER__JARS.",
        ) from error
