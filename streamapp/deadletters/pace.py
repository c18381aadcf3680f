"""A replay's speed: waits until the next group is due."""

import asyncio

from streamapp.clock import Clock
from streamapp.sources.pacing import Pacer

FULL_GROUP = 500
"""Letters sent at once where no rate asks for fewer."""

_GROUPS_A_SECOND = 10
"""With a rate, so many steps a second: smooth to the eye, and each worth a request."""


class Pace:
    """`rate` letters a second, or as fast as it goes; `group` is how many may go at once."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self.group = FULL_GROUP if rate is None else max(1, min(FULL_GROUP, int(rate / _GROUPS_A_SECOND)))
        self._pacer = None if rate is None else Pacer(rate, burst=1)
        self._clock = clock
        self._start: float | None = None

    async def due(self, letters: int) -> None:
        """Return when these letters may go."""
        if self._pacer is None:
            return
        if self._start is None:
            self._start = self._clock()
        await asyncio.sleep(self._pacer.wait_seconds(self._clock() - self._start))
        self._pacer.sent(letters)
