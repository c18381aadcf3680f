"""A guarded store in front of one that can be told to fail; time passes only where the guard sleeps."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest

from streamapp.errors import StoreRefusedError, StoreUnavailableError
from streamapp.settings import StoreSettings
from streamapp.store.guarded import GuardedStore
from streamapp.store.memory import MemoryStore
from streamapp.store.store import Collection, Points, Where

GOOD = Points([str(UUID(int=1))], [{}], np.eye(1, 3, dtype=np.float32), [0])


class FailingStore(MemoryStore):
    """Raises the planned errors, one per call, and then works."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: list[Exception] = []
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def _step(self) -> None:
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.plan:
            raise self.plan.pop(0)

    async def upsert(self, collection: str, points: Points) -> None:
        await self._step()
        await super().upsert(collection, points)

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        await self._step()
        return await super().delete(collection, ids, where)

    async def count(self, collection: str, where: Where | None = None) -> int:
        await self._step()
        return await super().count(collection, where)


class Time:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def inner() -> FailingStore:
    store = FailingStore()
    await store.open([Collection("things", 3, {})])
    return store


@pytest.fixture
def guarded(inner: FailingStore, time: Time) -> GuardedStore:
    settings = StoreSettings(retry_policy="aggressive", breaker_failures=3, breaker_open_seconds=10.0)
    return GuardedStore(inner, settings, time.clock, time.sleep)


def outage(calls: int) -> list[Exception]:
    return [StoreUnavailableError(f"away {i}") for i in range(calls)]


async def test_a_write_holds_the_line_until_the_store_is_back(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = outage(50)
    await guarded.upsert("things", GOOD)
    assert inner.calls == 51
    assert guarded.retries == 50
    assert guarded.breaker.state == "closed"
    assert await guarded.count("things") == 1


async def test_while_the_breaker_is_open_a_write_waits_for_it(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = outage(5)
    await guarded.upsert("things", GOOD)
    assert time.slept == [0.25, 0.25, 10.0, 10.0, 10.0]


async def test_a_read_fails_at_once_and_is_not_tried_again(guarded: GuardedStore, inner: FailingStore) -> None:
    inner.plan = outage(1)
    with pytest.raises(StoreUnavailableError, match="away 0"):
        await guarded.count("things")
    assert await guarded.count("things") == 0


async def test_with_the_breaker_open_a_read_does_not_reach_the_store(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = outage(3)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match="away"):
            await guarded.count("things")
    with pytest.raises(StoreUnavailableError, match="3 calls in a row failed: away 2"):
        await guarded.count("things")
    assert inner.calls == 3
    time.now += 10
    assert await guarded.count("things") == 0
    assert guarded.breaker.state == "closed"


async def test_a_refusal_passes_straight_through_and_does_not_trip_the_breaker(
    guarded: GuardedStore, inner: FailingStore
) -> None:
    inner.plan = [StoreRefusedError("bad point") for _ in range(10)]
    for _ in range(10):
        with pytest.raises(StoreRefusedError, match="bad point"):
            await guarded.upsert("things", GOOD)
    assert guarded.breaker.state == "closed"
    assert guarded.retries == 0


async def test_a_refusal_in_half_open_is_an_answer_and_closes_the_breaker(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = [*outage(3), StoreRefusedError("bad point")]
    with pytest.raises(StoreRefusedError):
        await guarded.upsert("things", GOOD)
    assert guarded.breaker.state == "closed"


async def test_a_held_write_can_be_cancelled(guarded: GuardedStore, inner: FailingStore) -> None:
    inner.plan = outage(1_000)
    write = asyncio.create_task(guarded.upsert("things", GOOD))
    while guarded.retries < 10:  # noqa: ASYNC110 - there is no event of a retry
        await asyncio.sleep(0)
    assert guarded.writes_held == 1
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert guarded.writes_held == 0


async def test_a_cancelled_try_in_half_open_does_not_block_the_next(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = outage(3)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await guarded.count("things")
    time.now += 10
    inner.gate = asyncio.Event()
    trial = asyncio.create_task(guarded.count("things"))
    while inner.calls < 4:  # noqa: ASYNC110 - there is no event of a call
        await asyncio.sleep(0)
    assert guarded.breaker.state == "half-open"
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    inner.gate = None
    assert await guarded.count("things") == 0


async def test_many_held_writes_all_come_through_and_ask_little_meanwhile(
    guarded: GuardedStore, inner: FailingStore, time: Time
) -> None:
    inner.plan = outage(20)
    await asyncio.gather(*(guarded.upsert("things", GOOD) for _ in range(8)))
    assert inner.plan == []
    assert inner.calls == 28
    assert guarded.writes_held == 0


async def test_a_fault_of_ours_is_not_taken_for_an_outage(guarded: GuardedStore, inner: FailingStore) -> None:
    inner.plan = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await guarded.upsert("things", GOOD)
    assert inner.calls == 1
