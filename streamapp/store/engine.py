"""The process in which Qdrant's engine runs: `python -m streamapp.store.engine FOLDER PATIENCE`.

In: frames (`wire.py`) on stdin. Out: one reply each, in order, on stdout. It ends when stdin does, so also when its
parent is killed, and only after it has done and flushed all it was given. Ctrl-C and SIGTERM, which reach the whole
process group, are ignored: the parent still has work to hand over, and closes stdin when it is done.
The trap: nothing else may write to stdout, so file descriptor 1 becomes stderr and the frames keep a copy of it.
"""

import contextlib
import fcntl
import io
import os
import re
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from streamapp.errors import ConfigurationError
from streamapp.store import wire
from streamapp.store.lock import hold_folder
from streamapp.store.shard import Shard
from streamapp.store.store import Collection

FLUSH_SECONDS = 2.0
"""How long the write-ahead log may grow; a flush takes 3 µs per point written since the last one."""
IDLE_SECONDS = 5.0
"""After this much silence deleted points are cleared away, which blocks for a moment."""
PIPE_BYTES = 1 << 20
"""Linux's largest pipe for everyone; at the usual 64 KiB a frame of 250 vectors takes six rounds through the parent."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

REFUSALS = ("Vector dimension error", "Wrong input", "Bad request", "Bad input")


class Engine:
    """All open collections of a folder, and when to flush and tidy them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[str, Shard] = {}
        self._unflushed_since: float | None = None
        self._untidy: set[str] = set()

    def answer(self, request: wire.Request) -> wire.Reply:
        """Do what is asked; whatever goes wrong becomes the reply's failure."""
        try:
            return wire.Reply(request.number, wire.encode_result(self._do(request.call)))
        except Exception as error:  # noqa: BLE001 - the engine raises bare ones, and every request gets its reply
            return wire.Reply(request.number, wire.NOTHING, explain_failure(error))

    def _do(self, call: wire.Call) -> Any:
        match call:
            case wire.Open():
                return self._open(call.collections)
            case wire.Upsert():
                self._wrote()
                return self._shards[call.collection].upsert(call)
            case wire.Delete():
                self._wrote()
                self._untidy.add(call.collection)
                return self._shards[call.collection].delete(call)
            case wire.Search():
                return self._shards[call.collection].search(call)
            case wire.Retrieve():
                return self._shards[call.collection].retrieve(call)
            case wire.Scroll():
                return self._shards[call.collection].scroll(call)
            case wire.Count():
                return self._shards[call.collection].count(call)

    def _open(self, collections: list[Collection]) -> None:
        for collection in collections:
            if not NAME.fullmatch(collection.name):
                raise ConfigurationError(
                    f"{collection.name!r} cannot name a collection: it becomes a folder.",
                    "Use letters, digits, '_', '-' and '.'.",
                )
            if collection.name not in self._shards:
                self._shards[collection.name] = Shard(self._folder / collection.name, collection)

    def _wrote(self) -> None:
        if self._unflushed_since is None:
            self._unflushed_since = time.monotonic()

    def flush_if_due(self) -> None:
        """Bring writes from the log to their place, every `FLUSH_SECONDS` while there are any."""
        if self._unflushed_since is not None and time.monotonic() - self._unflushed_since >= FLUSH_SECONDS:
            for shard in self._shards.values():
                shard.flush()
            self._unflushed_since = None

    def patience_seconds(self) -> float | None:
        """How long to wait for a request before there is something else to do; None: for ever."""
        if self._unflushed_since is not None:
            return FLUSH_SECONDS
        return IDLE_SECONDS if self._untidy else None

    def use_silence(self) -> None:
        """Flush; or, in the next silence, clear deleted points away. Called when nobody asks anything."""
        if self._unflushed_since is not None:
            return self.flush_if_due()
        for name in self._untidy:
            self._shards[name].tidy()
        return self._untidy.clear()

    def close(self) -> None:
        """Flush and close every collection."""
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()


def explain_failure(error: Exception) -> wire.Failure:
    """What a caller is told of an error: can trying again help?"""
    if isinstance(error, ConfigurationError):
        return wire.Failure("configuration", error.message, error.hint)
    if isinstance(error, KeyError):
        return wire.Failure("configuration", f"The collection {error} has not been opened.")
    if isinstance(error, ValueError | TypeError) or str(error).startswith(REFUSALS):
        return wire.Failure("refused", f"Qdrant's engine refused the request: {error}.")
    return wire.Failure("unavailable", f"Qdrant's engine failed: {error}.", "Is the disk full, or its folder damaged?")


def read_frame(stream: io.RawIOBase) -> bytearray | None:
    """The next frame without its length; None at the end, also where it comes in the middle of a frame."""
    length = _read_exactly(stream, wire.LENGTH.size)
    return None if length is None else _read_exactly(stream, wire.LENGTH.unpack(length)[0])


def _read_exactly(stream: io.RawIOBase, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        count = stream.readinto(view[done:])
        if not count:
            return None
        done += count
    return data


def serve(engine: Engine, requests: io.FileIO, replies: io.FileIO) -> None:
    """Answer requests until they end, and use the silence in between."""
    while True:
        if not select.select([requests], [], [], engine.patience_seconds())[0]:
            engine.use_silence()
            continue
        frame = read_frame(requests)
        if frame is None:
            return
        write_frame(replies, wire.encode_frame(engine.answer(wire.decode_request(frame))))
        engine.flush_if_due()


def write_frame(stream: io.FileIO, frame: bytes) -> None:
    """Write all of it; nobody listening is no error, because work that was handed over is still done."""
    view = memoryview(frame)
    with contextlib.suppress(BrokenPipeError):
        while view:
            view = view[stream.write(view) :]


def main(folder: Path, patience_seconds: float) -> int:
    """Hold the folder, say that all is ready, serve, flush; the exit code is 3 when the folder cannot be held."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    replies = io.FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    requests = io.FileIO(0, "r", closefd=False)
    with contextlib.suppress(OSError):  # a smaller pipe only costs time
        fcntl.fcntl(requests, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        lock = hold_folder(folder, patience_seconds)
    except (ConfigurationError, OSError) as error:
        write_frame(replies, wire.encode_frame(wire.Reply(wire.READY, wire.NOTHING, _explain_start(error))))
        return ConfigurationError.exit_code
    with lock, contextlib.closing(Engine(folder)) as engine:
        write_frame(replies, wire.encode_frame(wire.Reply(wire.READY, wire.NOTHING)))
        serve(engine, requests, replies)
    return 0


def _explain_start(error: ConfigurationError | OSError) -> wire.Failure:
    if isinstance(error, ConfigurationError):
        return explain_failure(error)
    return wire.Failure("configuration", f"The store's folder cannot be used: {error}.", "Can this user write there?")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
