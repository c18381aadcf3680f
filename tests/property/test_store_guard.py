"""What holds for every vector, and for every history of calls."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamapp.errors import StoreRefusedError
from streamapp.store.breaker import Breaker
from streamapp.store.check import NORM_TOLERANCE, check_query


@given(arrays(np.float32, 5, elements=st.floats(width=32)))
def test_a_query_passes_exactly_when_its_length_is_finite_and_one(vector: np.ndarray) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        good = bool(abs(np.linalg.norm(vector.astype(np.float64)) - 1) <= NORM_TOLERANCE)
    try:
        check_query(vector, 5)
    except StoreRefusedError:
        assert not good
    else:
        assert good


@given(st.lists(st.tuples(st.floats(0, 8), st.sampled_from(["good", "bad", "cancelled"]))), st.integers(1, 4))
def test_the_breaker_never_blocks_for_longer_than_it_says(history: list[tuple[float, str]], limit: int) -> None:
    now = 0.0
    breaker = Breaker(limit, 5.0, lambda: now)
    for seconds, outcome in history:
        now += seconds
        wait = breaker.wait_seconds()
        assert 0 <= wait <= 5 + 1e-9
        allowed = breaker.allow()
        assert allowed == (wait == 0)  # no call is under way here, so only the wait can forbid one
        if not allowed:
            continue
        {"good": breaker.succeeded, "cancelled": breaker.abandoned, "bad": lambda: breaker.failed(OSError("x"))}[
            outcome
        ]()
        view = breaker.view()
        assert (view.state == "open") == (outcome == "bad" and (wait == 0 and view.failures >= limit))
