"""How the worker fares, sampled once a second: rate, lag at the broker, latency. Kept small, read by `/status`."""

from collections import deque
from collections.abc import Sequence

from streamapp.clock import Clock

WINDOW_SECONDS = 10
"""Rates are over this long: short enough to follow, long enough not to flicker between checkpoints."""

LATENCIES = 2000
"""Batches whose latency is kept for the percentiles."""


class Monitor:
    """Samples of a running worker; times in seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock()
        self._samples: deque[tuple[float, int]] = deque(maxlen=WINDOW_SECONDS + 1)
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self.lag: int | None = None
        """Records in the topic that are not committed, as the broker says; None until first measured."""
        self.last_event: float | None = None
        """When the last batch was finished, on the clock."""
        self.handled = 0
        """Records handled since the start."""

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    def batch(self, records: int, latency_seconds: float) -> None:
        """Note a finished batch and the age of its oldest record."""
        self.handled += records
        self.last_event = self._clock()
        self._latencies.append(latency_seconds)

    def sample(self) -> None:
        """Note how many records were handled until now; called once a second."""
        self._samples.append((self._clock(), self.handled))

    def rate(self) -> float:
        """Records per second over the last window."""
        if len(self._samples) < 2:
            return 0.0
        (begin, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    def latency(self, share: float) -> float | None:
        """The latency that this share of recent batches stayed within; None without batches."""
        return percentile(sorted(self._latencies), share)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value at `share` (0 to 1) of an ascending sequence, by nearest rank."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
