"""When the next records are due: a rate without drift, smooth or in bursts.

In: seconds since the start. Out: how many records may go now, and how long to wait for the next. Pure: no clock.
"""

import math

_SMOOTH_SECONDS = 0.02
"""Fast streams go out in groups, fifty a second; finer steps cost more than they smooth."""
_FORGIVEN_SECONDS = 1.0
"""After an outage at most this much of the backlog is made up for at once; the rest is let go, the rate kept."""


class Pacer:
    """Tokens for `rate` records a second, handed out `burst` at a time (one group at once, then a wait)."""

    def __init__(self, rate: float, burst: int = 1) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"rate {rate} and burst {burst} must be positive")
        self._rate = rate
        self._group = max(burst, math.ceil(rate * _SMOOTH_SECONDS))
        self._start = 0.0
        self._sent = 0

    def due(self, elapsed_seconds: float) -> int:
        """How many records may be sent now; the first group is due at once."""
        behind = elapsed_seconds - self._start - self._sent / self._rate
        if behind > max(_FORGIVEN_SECONDS, self._group / self._rate):
            self._start += behind - max(_FORGIVEN_SECONDS, self._group / self._rate)
        groups = math.floor((elapsed_seconds - self._start) * self._rate / self._group + 1e-9) + 1
        return max(0, groups * self._group - self._sent)

    def sent(self, records: int) -> None:
        """Take note of what went out."""
        self._sent += records

    def wait_seconds(self, elapsed_seconds: float) -> float:
        """How long from now until something is due; zero when it is already."""
        group = self._sent // self._group
        return max(0.0, self._start + group * self._group / self._rate - elapsed_seconds)
