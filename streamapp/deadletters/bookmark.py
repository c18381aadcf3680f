"""How far a replay has come: one small file per filter, topic and target, under `home/dlq`.

In: what the replay is of. Out: the offsets to go on from. It is written after Kafka has confirmed what it stands for,
so a killed replay repeats at most the letters of one send. The trap: a refused letter was passed over, not done; it is
remembered by itself, so that a higher limit finds it again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from streamapp.deadletters.letter import Letter
from streamapp.errors import ConfigurationError


class Bookmark(msgspec.Struct):
    """Where a replay stands; `subject` says what it is a replay of, for people who open the file."""

    subject: dict[str, Any]
    next: dict[int, int] = {}
    """By partition of the dead-letter topic: the first offset not yet looked at."""
    refused: set[tuple[int, int]] = set()
    """(partition, offset) of letters that were replayed too often for the limit of then."""

    def is_behind(self, letter: Letter) -> bool:
        """Whether the letter was done with in an earlier run."""
        place = (letter.partition, letter.dead.offset)
        return letter.dead.offset < self.next.get(letter.partition, 0) and place not in self.refused

    def passed(self, letter: Letter, *, refused: bool) -> None:
        """The letter was looked at, and replayed, or refused, or is not meant."""
        place = (letter.partition, letter.dead.offset)
        self.next[letter.partition] = max(self.next.get(letter.partition, 0), letter.dead.offset + 1)
        self.refused.add(place) if refused else self.refused.discard(place)


def fits(mark: Bookmark, ends: dict[int, int]) -> bool:
    """Whether the topic can be the one of the bookmark: one that ends before it was deleted and made again."""
    return all(offset <= ends.get(partition, 0) for partition, offset in mark.next.items())


def bookmark_file(folder: Path, subject: dict[str, Any]) -> Path:
    """Where the bookmark of this replay is kept."""
    name = hashlib.blake2b(json.dumps(subject, sort_keys=True).encode(), digest_size=6).hexdigest()
    return folder / f"replay-{name}.json"


def read_bookmark(folder: Path, subject: dict[str, Any]) -> Bookmark:
    """The bookmark of this replay, a new one where there is none. Raises ConfigurationError for a damaged file."""
    path = bookmark_file(folder, subject)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Bookmark)
    except FileNotFoundError:
        return Bookmark(subject)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{path}, which says how far this replay has come, cannot be read: {error}.",
            "Mend it, or begin anew with --restart.",
        ) from error


def write_bookmark(folder: Path, mark: Bookmark) -> None:
    """Keep it, whole or not at all. Raises ConfigurationError when the folder cannot be written."""
    path = bookmark_file(folder, mark.subject)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        side = path.with_suffix(".part")
        side.write_bytes(msgspec.json.format(msgspec.json.encode(mark)) + b"\n")
        side.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"How far the replay has come cannot be kept in {folder}: {error.strerror}.",
            "Make the folder writable, or name another with --home.",
        ) from error
