import pytest

from streamapp.sources.pacing import Pacer


def run(pacer, seconds, step=0.001):
    sent = []
    elapsed = 0.0
    while elapsed < seconds:
        due = pacer.due(elapsed)
        if due:
            pacer.sent(due)
            sent.append((round(elapsed, 3), due))
        elapsed += max(step, pacer.wait_seconds(elapsed))
    return sent


@pytest.mark.parametrize("rate", [0.5, 3, 100, 5_000])
def test_the_rate_is_kept_without_drift(rate):
    total = sum(due for _, due in run(Pacer(rate), 60))
    assert total == pytest.approx(rate * 60, abs=max(1.0, rate * 0.021))


def test_a_burst_goes_out_at_once_and_then_waits_for_its_share_of_time():
    assert run(Pacer(100, burst=50), 1.9) == [(0.0, 50), (0.5, 50), (1.0, 50), (1.5, 50)]


def test_a_fast_stream_is_smooth():
    assert max(due for _, due in run(Pacer(10_000), 2)) <= 200


def test_after_a_long_outage_a_second_is_made_up_for_and_no_more():
    pacer = Pacer(100)
    pacer.sent(pacer.due(0.0))
    assert pacer.due(600.0) <= 102
    pacer.sent(pacer.due(600.0))
    assert sum(due for _, due in run_on(pacer, 600.0, 610.0)) == pytest.approx(1_000, abs=4)


def run_on(pacer, start, end):
    elapsed = start
    while elapsed < end:
        due = pacer.due(elapsed)
        if due:
            pacer.sent(due)
            yield elapsed, due
        elapsed += max(0.001, pacer.wait_seconds(elapsed))


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_cannot_be_is_refused(rate, burst):
    with pytest.raises(ValueError, match="must be positive"):
        Pacer(rate, burst)
