"""Someone's own events: a file of JSON lines, passed on byte by byte.

In: a path (`.gz` accepted, `-` for standard input). Out: `Record`s, keyed by the event's user where one can be read.
Nothing is checked or changed here: what the worker makes of a line is the worker's to say.
"""

import gzip
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import msgspec

from streamapp.errors import ConfigurationError
from streamapp.sources.record import Record

_HINT = "Give a readable file of JSON lines (plain or .gz), or - for standard input."


def replay_lines(path: Path | str, user_field: str = "user_id") -> Iterator[Record]:
    """One record per line that is not blank, in the file's order, the line's end left off.

    `user_field` is the dotted path of the user in these events; what stands there becomes the record's key.
    Raises ConfigurationError when the file cannot be opened or its compression is broken.
    """
    path_to_user = user_field.split(".")
    try:
        with _open(str(path)) as lines:
            for line in lines:
                value = line.rstrip(b"\r\n")
                if value.strip():
                    yield Record(user_key(value, path_to_user), value)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path} cannot be read: {reason}.", _HINT) from error


def user_key(value: bytes, path: Sequence[str] = ("user_id",)) -> bytes | None:
    """The event's user as a key; None when the value is no such event."""
    try:
        found = msgspec.json.decode(value)
        for step in path:
            found = found[step]
        return str(found).encode() or None if isinstance(found, str | int) else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, KeyError):
        return None


def _open(path: str) -> IO[bytes]:
    if path == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False)
    if path.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return open(path, "rb")
