"""Which letters are meant: by reason, time, partition of origin, and words of the value. Pure.

Times are those of the records (a letter keeps its record's), given as ISO 8601 or as an age such as `90m`.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from streamapp.clock import Clock, wall

if TYPE_CHECKING:  # the command line reads filters for every verb, and letters bring Kafka's client with them
    from streamapp.deadletters.letter import Letter

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_AGE = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_AGE_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)


class Moment(NamedTuple):
    """A point in time, in seconds since the epoch, and the words it was given in."""

    seconds: float
    text: str


class Filter(NamedTuple):
    """What a letter must be to be meant; the empty filter means every letter."""

    reasons: tuple[str, ...] = ()
    since: Moment | None = None
    """Not before this."""
    until: Moment | None = None
    """Before this."""
    partition: int | None = None
    """Of the topic that the record came from."""
    grep: re.Pattern[str] | None = None
    """Must be found in the value, read as UTF-8."""

    def matches(self, letter: "Letter") -> bool:
        """Whether this letter is meant."""
        dead, seconds = letter.dead, letter.dead.timestamp_ms / 1000
        return (
            (not self.reasons or dead.reason in self.reasons)
            and (self.since is None or seconds >= self.since.seconds)
            and (self.until is None or seconds < self.until.seconds)
            and self.partition in (None, dead.origin.partition)
            and (self.grep is None or self.grep.search((dead.value or b"").decode(errors="replace")) is not None)
        )

    def words(self) -> dict[str, str | int | list[str]]:
        """The filter as it was asked for: the same words later mean the same filter, though `1h` has moved on."""
        given = {
            "reasons": sorted(self.reasons) or None,
            "since": self.since and self.since.text,
            "until": self.until and self.until.text,
            "partition": self.partition,
            "grep": self.grep and self.grep.pattern,
        }
        return {name: value for name, value in given.items() if value is not None}


def read_moment(text: str, clock: Clock = wall) -> Moment:
    """`1h`, `2d12h` (so long ago), or ISO 8601; UTC where no zone is given. Raises ValueError for anything else.

    >>> read_moment("1h30m", clock=lambda: 10_000.0).seconds, read_moment("1970-01-02").seconds
    (4600.0, 86400.0)
    """
    words = text.strip()
    if _AGE.fullmatch(words):
        return Moment(clock() - sum(float(count) * _UNITS[unit] for count, unit in _AGE_PART.findall(words)), words)
    try:
        given = datetime.fromisoformat(words)
    except ValueError:
        raise ValueError(f"{text!r} is neither an age (90m, 1h, 2d) nor ISO 8601 (2026-01-31T08:00Z)") from None
    return Moment((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp(), words)


def read_pattern(text: str) -> re.Pattern[str]:
    """A regular expression. Raises ValueError where it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
