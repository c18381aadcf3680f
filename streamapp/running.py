"""Which worker runs over this state folder, so that questions go to it instead of to the files it holds."""

from pathlib import Path

import msgspec
import psutil


class Running(msgspec.Struct, frozen=True):
    """A worker that runs: its process id, and where its web is."""

    pid: int
    url: str
    started: float
    """When the process began, seconds since the epoch: process ids come again."""


def running_file(home: Path) -> Path:
    """Where a worker says that it runs."""
    return home / "run" / "worker.json"


def running_worker(home: Path) -> Running | None:
    """The worker over this folder, or None. A file left by a killed worker counts for nothing."""
    try:
        found = msgspec.json.decode(running_file(home).read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if abs(process_start(found.pid) - found.started) < 1 else None


def process_start(pid: int) -> float:
    """When a process began, seconds since the epoch; 0 when there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
