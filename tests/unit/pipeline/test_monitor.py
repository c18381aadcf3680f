"""Rates and latencies on a clock that the test moves."""

from streamapp.pipeline.monitor import LATENCIES, WINDOW_SECONDS, Monitor, percentile

from .making import NOON, Clock


def test_the_rate_is_that_of_the_last_window():
    clock = Clock()
    monitor = Monitor(clock)
    assert monitor.rate() == 0.0
    monitor.sample()
    assert monitor.rate() == 0.0
    for second in range(30):
        clock.now += 1
        monitor.batch(100 if second < 15 else 20, 0.1)
        monitor.sample()
    assert monitor.rate() == 20.0
    assert (monitor.handled, monitor.uptime) == (15 * 120, 30.0)
    clock.now += 1
    monitor.sample()
    assert monitor.rate() == 20 * (WINDOW_SECONDS - 1) / WINDOW_SECONDS


def test_a_clock_that_stands_gives_no_rate():
    monitor = Monitor(Clock())
    monitor.sample()
    monitor.batch(10, 0.1)
    monitor.sample()
    assert monitor.rate() == 0.0


def test_latency_is_that_of_recent_batches():
    monitor = Monitor(Clock())
    assert (monitor.latency(0.5), monitor.last_event, monitor.lag) == (None, None, None)
    for _ in range(LATENCIES):
        monitor.batch(1, 60.0)
    for number in range(LATENCIES):
        monitor.batch(1, number / 1000)
    assert (monitor.latency(0.0), monitor.latency(0.5), monitor.latency(1.0)) == (0.0, 1.0, 1.999)
    assert monitor.last_event == NOON


def test_percentiles_are_by_nearest_rank():
    assert percentile([], 0.5) is None
    assert [percentile([1.0], share) for share in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
    ordered = [float(number) for number in range(1, 101)]
    assert [percentile(ordered, share) for share in (0.0, 0.5, 0.95, 0.99, 1.0)] == [1.0, 51.0, 96.0, 100.0, 100.0]
