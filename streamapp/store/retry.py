"""How long to wait before trying again: four strategies, and four policies that use them.

In: a policy's name (setting `store.retry_policy`). Out: tenacity's `wait`. Attempts are not limited here: writes hold
the line for as long as an outage lasts, and nothing is lost by it.
"""

from typing import Literal

import msgspec
import tenacity
from tenacity.wait import wait_base

Strategy = Literal["fixed", "linear", "exponential", "exponential_jitter"]
PolicyName = Literal["default", "aggressive", "conservative", "network"]


class RetryPolicy(msgspec.Struct, frozen=True):
    """A strategy with its numbers; the wait before try n+1 never exceeds `cap_seconds`.

    fixed: `first_seconds` each time. linear: n times that. exponential: doubled each time. exponential_jitter: uniform
    between 0 and the exponential wait, so that many who failed together do not come back together.
    """

    strategy: Strategy
    first_seconds: float
    cap_seconds: float


POLICIES: dict[PolicyName, RetryPolicy] = {
    # An engine process is back 0.4 s after its end (measured); the cap keeps the lag after a long outage to 10 s.
    "default": RetryPolicy("exponential_jitter", 0.2, 10.0),
    # For a store on this machine that nobody else asks: steady, and back within a quarter of a second.
    "aggressive": RetryPolicy("fixed", 0.25, 0.25),
    # For a store that others need while it recovers: slow steps up to a minute, the order of a server's restart.
    "conservative": RetryPolicy("linear", 5.0, 60.0),
    # 1 s is TCP's first retransmission timeout (RFC 6298), 32 s its fifth doubling: asking sooner meets the same loss.
    "network": RetryPolicy("exponential", 1.0, 32.0),
}


def create_wait(policy: RetryPolicy) -> wait_base:
    """The policy as tenacity knows it."""
    first, cap = policy.first_seconds, policy.cap_seconds
    match policy.strategy:
        case "fixed":
            return tenacity.wait_fixed(min(first, cap))
        case "linear":
            return tenacity.wait_incrementing(start=first, increment=first, max=cap)
        case "exponential":
            return tenacity.wait_exponential(multiplier=first, max=cap)
        case "exponential_jitter":
            return tenacity.wait_random_exponential(multiplier=first, max=cap)
