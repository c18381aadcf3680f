"""What the engine's process survives, and what its parent does when it does not."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil
import pytest

from streamapp.errors import ConfigurationError, StoreUnavailableError
from streamapp.store import edge, lock
from streamapp.store.edge import EdgeStore
from streamapp.store.store import Collection, Points

THINGS = Collection("things", 4, {"kind": "keyword"})


def points(count: int, start: int = 0) -> Points:
    ids = [str(UUID(int=i)) for i in range(start, start + count)]
    return Points(ids, [{"kind": "thing"}] * count, np.eye(4, dtype=np.float32), [i % 4 for i in range(count)])


def kill(store: EdgeStore, number: int = signal.SIGKILL) -> psutil.Process:
    assert store.process_id is not None
    process = psutil.Process(store.process_id)
    os.kill(process.pid, number)
    return process


async def wait_until_gone(store: EdgeStore) -> None:
    async with asyncio.timeout(10):
        while store.process_id is not None:  # noqa: ASYNC110 - the store tells nobody of a death; it is seen
            await asyncio.sleep(0.01)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EdgeStore]:
    opened = EdgeStore(tmp_path, timeout_seconds=20)
    await opened.open([THINGS])
    yield opened
    await opened.close()


async def test_confirmed_points_survive_kill_9_and_the_next_call_starts_the_engine_again(store: EdgeStore) -> None:
    await store.upsert("things", points(1_000))
    first = kill(store)
    await wait_until_gone(store)
    assert await store.count("things", {"kind": "thing"}) == 1_000
    assert store.process_id not in (None, first.pid)


async def test_confirmed_points_survive_kill_9_in_the_middle_of_writing(store: EdgeStore) -> None:
    confirmed: list[str] = []

    async def write(i: int) -> None:
        batch = points(500, start=500 * i)
        await store.upsert("things", batch)
        confirmed.extend(batch.ids)
        if len(confirmed) >= 3_000 and store.process_id == first:
            kill(store)

    first = store.process_id
    outcomes = await asyncio.gather(*(write(i) for i in range(40)), return_exceptions=True)
    assert any(isinstance(outcome, StoreUnavailableError) for outcome in outcomes)
    found = {point.id for point in await store.retrieve("things", confirmed)}
    assert found == set(confirmed)


async def test_calls_under_way_fail_as_unavailable_when_the_engine_dies(store: EdgeStore) -> None:
    kill(store, signal.SIGSTOP)
    calls = [asyncio.create_task(store.count("things")) for _ in range(5)]
    calls.append(asyncio.create_task(store.upsert("things", points(1_000))))
    await asyncio.sleep(0)
    kill(store)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailableError}


async def test_many_calls_after_a_death_start_one_engine(store: EdgeStore) -> None:
    kill(store)
    await wait_until_gone(store)
    assert await asyncio.gather(*(store.count("things") for _ in range(10))) == [0] * 10
    engines = [one for one in psutil.Process().children() if "streamapp.store.engine" in one.cmdline()]
    assert len(engines) == 1


async def test_an_engine_that_is_silent_for_the_whole_timeout_is_replaced(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path, timeout_seconds=1)
    await store.open([THINGS])
    await store.upsert("things", points(10))
    kill(store, signal.SIGSTOP)
    with pytest.raises(StoreUnavailableError, match="did not answer 'count' in 1 s"):
        await store.count("things")
    await wait_until_gone(store)
    assert await store.count("things") == 10
    await store.close()


async def test_ctrl_c_and_sigterm_to_the_group_do_not_end_the_engine(store: EdgeStore) -> None:
    kill(store, signal.SIGINT)
    kill(store, signal.SIGTERM)
    await store.upsert("things", points(10))
    assert await store.count("things") == 10


async def test_a_cancelled_write_leaves_the_framing_whole(store: EdgeStore) -> None:
    kill(store, signal.SIGSTOP)
    write = asyncio.create_task(store.upsert("things", points(20_000)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    write.cancel()
    kill(store, signal.SIGCONT)
    with pytest.raises(asyncio.CancelledError):
        await write
    assert await store.count("things") <= 2 * edge.FRAME_POINTS


async def test_a_second_store_on_the_folder_is_told_who_holds_it(store: EdgeStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"process {store.process_id}"):
        lock.hold_folder(tmp_path, patience_seconds=0)


async def test_a_second_open_waits_and_then_fails_clearly(store: EdgeStore, tmp_path: Path) -> None:
    second = EdgeStore(tmp_path, timeout_seconds=20, patience_seconds=0.2)
    with pytest.raises(ConfigurationError, match=f"in use by process {store.process_id}"):
        await second.open([THINGS])
    await second.close()
    assert await store.count("things") == 0


async def test_a_second_open_succeeds_when_the_first_lets_go_in_time(store: EdgeStore, tmp_path: Path) -> None:
    await store.upsert("things", points(5))
    second = EdgeStore(tmp_path, timeout_seconds=20)
    opening = asyncio.create_task(second.open([THINGS]))
    await asyncio.sleep(0)
    await store.close()
    await opening
    assert await second.count("things") == 5
    await second.close()


async def test_the_engine_ends_by_itself_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from streamapp.store.edge import EdgeStore; from streamapp.store.store import Collection\n"
        "async def main():\n"
        "    store = EdgeStore(Path(sys.argv[1]), 20)\n"
        "    await store.open([Collection('things', 4, {})])\n"
        "    print(store.process_id, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220 - starting takes a moment
        assert parent.stdout is not None
        engine = psutil.Process(int(await asyncio.to_thread(parent.stdout.readline)))
        parent.kill()
    psutil.wait_procs([engine], timeout=10)
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


async def test_closing_lets_the_process_go_and_calls_afterwards_are_refused_as_unavailable(store: EdgeStore) -> None:
    await store.upsert("things", points(10))
    assert store.process_id is not None
    process = psutil.Process(store.process_id)
    await store.close()
    assert not process.is_running()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.count("things")


async def test_a_folder_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = EdgeStore(tmp_path / "file", timeout_seconds=20)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await store.open([THINGS])
    await store.close()


async def test_a_collection_name_must_do_as_a_folder(store: EdgeStore) -> None:
    with pytest.raises(ConfigurationError, match="folder"):
        await store.open([Collection("../up", 4, {})])


async def test_searches_do_not_wait_for_a_long_write(store: EdgeStore) -> None:
    write = asyncio.create_task(store.upsert("things", points(10_000)))
    await asyncio.sleep(0)
    await store.search("things", np.eye(4, dtype=np.float32)[0], 3)
    assert not write.done()
    await write
