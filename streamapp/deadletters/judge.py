"""Which letters a replay sends, and why it leaves the others. Pure.

In: letters in reading order, from the topic's beginning, so that a doubled one is known whenever its first was sent.
"""

from collections import Counter
from collections.abc import Collection
from enum import StrEnum

from streamapp.deadletters.bookmark import Bookmark
from streamapp.deadletters.choose import Filter
from streamapp.deadletters.letter import Letter, identity


class Fate(StrEnum):
    """What a replay does with a letter."""

    SEND = "send"
    OTHER = "other"
    """The filter does not mean it."""
    DOUBLED = "doubled"
    """Another letter of the same record came before it."""
    QUARANTINED = "quarantined"
    EARLIER = "earlier"
    """An earlier run was done with it."""
    REFUSED = "refused"
    """It was replayed too often already: what rejects it has not been mended."""


class Judge:
    """Decides letter by letter, and counts its verdicts in `counts`."""

    def __init__(self, wanted: Filter, mark: Bookmark, put_aside: Collection[bytes], max_replays: int) -> None:
        self.counts: Counter[Fate] = Counter()
        self._wanted = wanted
        self._mark = mark
        self._put_aside = put_aside
        self._max_replays = max_replays
        self._seen: set[bytes] = set()

    def judge(self, letter: Letter) -> Fate:
        """The letter's fate; the bookmark moves past it, and is worth keeping once what is sent is confirmed."""
        fate = self._fate(letter)
        self.counts[fate] += 1
        if fate is not Fate.EARLIER:
            self._mark.passed(letter, refused=fate is Fate.REFUSED)
        return fate

    def _fate(self, letter: Letter) -> Fate:
        if not self._wanted.matches(letter):
            return Fate.OTHER
        key = identity(letter)
        if key in self._seen:
            return Fate.DOUBLED
        self._seen.add(key)
        if self._mark.is_behind(letter):
            return Fate.EARLIER
        if key in self._put_aside:
            return Fate.QUARANTINED
        return Fate.REFUSED if letter.replays >= self._max_replays else Fate.SEND
