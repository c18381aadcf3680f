"""A replay's speed."""

import pytest

from streamapp.deadletters.pace import FULL_GROUP, Pace


@pytest.mark.parametrize(("rate", "group"), [(None, FULL_GROUP), (0.5, 1), (50.0, 5), (1e6, FULL_GROUP)])
def test_groups_are_small_where_a_rate_is_asked_for(rate: float | None, group: int) -> None:
    assert Pace(rate, lambda: 0.0).group == group


async def test_without_a_rate_nothing_waits() -> None:
    pace = Pace(None, lambda: 0.0)
    for _ in range(1000):
        await pace.due(FULL_GROUP)


async def test_a_rate_that_is_kept_waits_no_longer() -> None:
    now = 0.0
    pace = Pace(10.0, lambda: now)
    for _ in range(1000):
        await pace.due(1)
        now += 0.1 + 1e-9
