"""The breaker as a state machine, with a clock that is told the time."""

import pytest

from streamapp.store.breaker import Breaker

FAULT = OSError("no answer")


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker(failures=3, open_seconds=10.0, clock=time)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allow()
        breaker.failed(FAULT)


def test_it_starts_closed_and_lets_everything_through(breaker: Breaker) -> None:
    assert all(breaker.allow() for _ in range(10))
    assert breaker.view().state == "closed"
    assert breaker.view().last_error == ""


def test_fewer_failures_than_the_limit_leave_it_closed(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.allow()


def test_failures_in_a_row_open_it(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 4
    assert not breaker.allow()
    view = breaker.view()
    assert (view.state, view.for_seconds, view.failures, view.openings) == ("open", 4.0, 3, 1)
    assert view.last_error == "no answer"
    assert breaker.wait_seconds() == 6.0


def test_a_success_in_between_starts_the_count_again(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.view().state == "closed"


def test_after_the_wait_one_call_alone_may_try(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    assert [breaker.allow() for _ in range(3)] == [True, False, False]
    assert breaker.view().state == "half-open"


def test_a_good_try_closes_it(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    assert breaker.allow()
    breaker.succeeded()
    assert breaker.view().state == "closed"
    assert breaker.view().failures == 0
    assert all(breaker.allow() for _ in range(3))


def test_a_failed_try_opens_it_again_for_the_whole_time(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    fail(breaker, 1)
    assert breaker.wait_seconds() == 10.0
    assert breaker.view().openings == 2
    assert not breaker.allow()


def test_an_abandoned_try_lets_the_next_one_try(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    assert breaker.allow()
    breaker.abandoned()
    assert breaker.allow()


def test_late_news_of_earlier_calls_does_not_move_an_open_breaker(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 9
    breaker.failed(FAULT)
    breaker.succeeded()
    assert breaker.view().state == "open"
    assert breaker.wait_seconds() == 1.0
