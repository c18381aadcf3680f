"""When to stop asking a store that does not answer, and when to try again.

closed --failures in a row--> open --after a while--> half-open --success--> closed
                                ^                         |
                                +--------failure----------+
A state machine without I/O: ask `allow` before a call, then tell it how the call went, with exactly one of `succeeded`,
`failed`, `abandoned`. The trap: half-open lets one call through at a time; one that never reports blocks all others.
"""

from typing import Literal

import msgspec

from streamapp.clock import Clock

State = Literal["closed", "open", "half-open"]


class BreakerView(msgspec.Struct, frozen=True):
    """What the breaker shows of itself."""

    state: State
    for_seconds: float
    """How long it has been in this state."""
    failures: int
    """Failures in a row."""
    openings: int
    """How often it has opened since the start."""
    last_error: str
    """The newest failure's message, also after it was overcome; empty before the first."""


class Breaker:
    """Counts failures in a row; opens at `failures`, and lets one call try after `open_seconds`."""

    def __init__(self, failures: int, open_seconds: float, clock: Clock) -> None:
        self._limit = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._state: State = "closed"
        self._since = clock()
        self._failures = 0
        self._openings = 0
        self._last_error = ""
        self._trial = False

    def configure(self, failures: int, open_seconds: float) -> None:
        """Take over new limits; the present state stays."""
        self._limit, self._open_seconds = failures, open_seconds

    def allow(self) -> bool:
        """Whether a call may be made now; half-open gives the one permission away with this."""
        if self._state == "open" and self.wait_seconds() <= 0:
            self._enter("half-open")
        if self._state == "half-open":
            granted, self._trial = not self._trial, True
            return granted
        return self._state == "closed"

    def succeeded(self) -> None:
        """The call was answered. An answer to a call from before it opened does not close it."""
        if self._state == "open":
            return
        self._failures = 0
        if self._state == "half-open":
            self._enter("closed")

    def failed(self, error: Exception) -> None:
        """The call was not answered."""
        self._failures += 1
        self._last_error = str(error)
        if self._state == "half-open" or (self._state == "closed" and self._failures >= self._limit):
            self._openings += 1
            self._enter("open")

    def abandoned(self) -> None:
        """The call was cancelled, which says nothing about the store; the next one may try."""
        self._trial = False

    def wait_seconds(self) -> float:
        """How long until a call may try; 0 unless open."""
        if self._state != "open":
            return 0.0
        return max(0.0, self._since + self._open_seconds - self._clock())

    def view(self) -> BreakerView:
        """The present state, to be shown."""
        age = self._clock() - self._since
        return BreakerView(self._state, age, self._failures, self._openings, self._last_error)

    def _enter(self, state: State) -> None:
        self._state = state
        self._since = self._clock()
        self._trial = False
