"""The waits of each strategy and policy."""

import pytest
import tenacity

from streamapp.store.retry import POLICIES, RetryPolicy, create_wait


def waits(policy: RetryPolicy, count: int) -> list[float]:
    wait, states = create_wait(policy), []
    for attempt in range(1, count + 1):
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = attempt
        states.append(float(wait(state)))
    return states


def test_fixed_waits_the_same_each_time() -> None:
    assert waits(RetryPolicy("fixed", 2, 10), 3) == [2, 2, 2]


def test_linear_adds_the_first_wait_each_time_up_to_the_cap() -> None:
    assert waits(RetryPolicy("linear", 2, 7), 5) == [2, 4, 6, 7, 7]


def test_exponential_doubles_up_to_the_cap() -> None:
    assert waits(RetryPolicy("exponential", 1, 10), 6) == [1, 2, 4, 8, 10, 10]


def test_jitter_stays_between_nothing_and_the_exponential_wait_and_varies() -> None:
    many = [waits(RetryPolicy("exponential_jitter", 1, 10), 6) for _ in range(50)]
    for column, limit in zip(zip(*many, strict=True), [1, 2, 4, 8, 10, 10], strict=True):
        assert all(0 <= wait <= limit for wait in column)
        assert len(set(column)) > 10


@pytest.mark.parametrize("name", POLICIES)
def test_no_policy_exceeds_its_cap_however_long_the_outage(name: str) -> None:
    policy = POLICIES[name]  # type: ignore[index]
    assert all(0 <= wait <= policy.cap_seconds for wait in waits(policy, 3_000))
