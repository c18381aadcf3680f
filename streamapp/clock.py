"""Time as a value that is handed in, so that no test waits for it."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds: since the epoch for `wall`, since an arbitrary moment for `monotonic`."""

wall: Clock = time.time
monotonic: Clock = time.monotonic
