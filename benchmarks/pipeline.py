"""`pipeline`: events per second of our worker, of a loop written by hand, and of stock Faust; see the package's text.

In: how many events, how many rounds. Out: a `Report`. Contenders take turns on one broker, over the same records.
The trap: a figure of a run that lost or doubled something is worthless, so every run is counted afterwards.
"""

import asyncio
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec

from benchmarks.child import Child, cpu_of
from benchmarks.contenders import Task, byhand, worker
from benchmarks.ground import PARTITIONS, Ground, Say
from benchmarks.load import Expected, Load, make_load
from benchmarks.machine import describe_machine
from benchmarks.report import Report, Run, make_report
from streamapp.clock import monotonic
from streamapp.errors import UnaccountedError
from streamapp.kafka.lag import LagMeter
from streamapp.kafka.topics import end_offsets
from streamapp.running import running_worker

LOOK_SECONDS = 0.1
"""How often the broker is asked what is committed: three small requests, a hundredth of a core."""
LOOK_BEGUN_SECONDS = 0.02
START_SECONDS = 120.0
RUN_SECONDS = 1800.0


class Contender(NamedTuple):
    """Who runs, over which topic."""

    name: str
    topic: str
    load: Load
    let_through: Collection[str]


async def run_pipeline(*, events: int, stock_events: int, rounds: int, say: Say) -> Report:
    """Measure; raises UnaccountedError when a contender lost or doubled anything."""
    machine = describe_machine()
    load = make_load(events, time.time())
    contenders = [
        Contender("pipeline", "bench-all", load, ()),
        Contender("hand_written_loop", "bench-all", load, byhand.LET_THROUGH),
        Contender("stock_faust", "bench-few", load.first(stock_events), byhand.LET_THROUGH),
    ]
    runs: list[Run] = []
    async with Ground(say) as ground:
        for topic, records in {one.topic: one.load for one in contenders}.items():
            await ground.fill(topic, records)
        await ground.warm(load.texts)
        for number in range(1, rounds + 1):
            for contender in contenders:
                runs.append(await _run(ground, contender, number))
                say(f"round {number}: {contender.name} {runs[-1].events_per_second:,.0f} events/s")
    return make_report("pipeline", machine, "pipeline", runs)


async def _run(ground: Ground, contender: Contender, number: int) -> Run:
    task = await ground.task(f"{contender.name.replace('_', '-')}-{number}", contender.topic)
    child = await _start(contender.name, task)
    meter = LagMeter(ground.kafka(task.topic, task.group))
    try:
        async with asyncio.timeout(START_SECONDS):
            began = await (_worker_begun(child, task) if contender.name == "pipeline" else child.begun())
        before = child.cpu_seconds() | {"broker": cpu_of(ground.broker.pid)}
        async with asyncio.timeout(RUN_SECONDS):
            await _all_committed(meter, child)
        seconds = monotonic() - began
        after = child.cpu_seconds() | {"broker": cpu_of(ground.broker.pid)}
    finally:
        await meter.close()
        await child.stop()
    await _verify(ground, contender, task)
    await ground.drop(task)
    events = len(contender.load.records)
    spent = {name: round(after[name] - before[name], 2) for name in after}
    return Run(contender.name, number, events, round(seconds, 3), round(events / seconds, 1), spent)


async def _start(name: str, task: Task) -> Child:
    home = Path(task.home)
    if name == "pipeline":
        return await Child.start(name, worker.command(), worker.environment(task), home)
    command = [sys.executable, "-m", f"benchmarks.contenders.{name}", msgspec.json.encode(task).decode()]
    return await Child.start(name, command, {}, home)


async def _worker_begun(child: Child, task: Task) -> float:
    """When nothing had been begun for the last time: the worker's favour is never an interval long."""
    async with aiohttp.ClientSession() as session:
        while True:
            child.check_alive()
            looked = monotonic()
            running = running_worker(Path(task.home))
            if running is not None:
                async with session.get(f"{running.url}/status", headers={"accept": "application/json"}) as answer:
                    status = await answer.json()
                if status["in_flight"] or status["events"]:
                    return looked
            await asyncio.sleep(LOOK_BEGUN_SECONDS)


async def _all_committed(meter: LagMeter, child: Child) -> None:
    while await meter.measure(PARTITIONS):
        child.check_alive()
        await asyncio.sleep(LOOK_SECONDS)


async def _verify(ground: Ground, contender: Contender, task: Task) -> None:
    store = await byhand.open_store(task.store)
    try:
        points, products = await store.count(byhand.EVENTS), await store.count(byhand.PRODUCTS)
    finally:
        await store.close()
    letters = sum((await end_offsets(ground.kafka(task.topic), task.dead_letters)).values())
    found, expected = Expected(points, products, letters), contender.load.expected(contender.let_through)
    if found != expected:
        raise UnaccountedError(
            f"{contender.name} ended with {found}, but {expected} was expected.",
            "Its speed says nothing; run it again and look at what it lost or doubled.",
        )
