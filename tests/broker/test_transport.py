"""The partition-batch transport in Faust workers of their own processes, on a real Kafka, through rebalances."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import client_options, producer_options
from streamapp.kafka.sender import Outgoing, Sender
from streamapp.kafka.topics import TopicSpec, committed_offsets, end_offsets, ensure_topics
from streamapp.settings import KafkaSettings

pytestmark = pytest.mark.broker

APP = Path(__file__).parent / "apps" / "noting_worker.py"
PARTITIONS = 16
RECORDS = 100_000
"""At least so many; the load goes on until the scenario is through."""
ROUND = 100
"""Records per partition and round of the producer."""


class Workers:
    """Worker processes by name, and what they noted."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self._kafka = kafka
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, str(APP), self._kafka.bootstrap_servers, self._kafka.topic, name, str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def notes(self, name: str) -> list[tuple[int, int, int, int]]:
        """(partition, first, last, records) of every batch; of a line that kill -9 tore, nothing."""
        path = self._folder / f"{name}.offsets"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [tuple(map(int, line.split())) for line in lines]  # type: ignore[misc]

    def handed(self, name: str) -> int:
        return sum(records for *_, records in self.notes(name))

    def partitions(self, name: str) -> set[int]:
        return {partition for partition, *_ in self.notes(name)}

    def said(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in sorted(self._folder.glob("*.log")))

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self._running.items():
                assert process.poll() is None, f"worker {name} has ended\n{self.said()}"
            assert time.monotonic() < deadline, f"not in time: {what}\n{self.said()}"
            await asyncio.sleep(0.05)


@pytest.fixture
async def kafka(broker: LocalBroker, request: pytest.FixtureRequest) -> KafkaSettings:
    topic = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic=topic, partitions=PARTITIONS)
    await ensure_topics(settings, [TopicSpec(topic, PARTITIONS)])
    return settings


@pytest.fixture
def workers(kafka: KafkaSettings, tmp_path: Path) -> AsyncIterator[Workers]:
    made = Workers(kafka, tmp_path)
    yield made  # type: ignore[misc]
    made.stop()


class Load:
    """Records on every partition, round by round, until told to end."""

    def __init__(self, kafka: KafkaSettings, least: int) -> None:
        self._sender = Sender(lambda: AIOKafkaProducer(**producer_options(kafka)))
        self._topic = kafka.topic
        self._least = least
        self._enough = False
        self.sent = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        records = [Outgoing(None, os.urandom(8) * 20)] * ROUND
        while not self._enough or self.sent < self._least:
            await asyncio.gather(*(self._sender.send(self._topic, part, records) for part in range(PARTITIONS)))
            self.sent += PARTITIONS * ROUND
            await asyncio.sleep(0.03)  # about 20,000 records a second: a load that lasts, and not all there at once

    async def end(self) -> int:
        self._enough = True
        await self._task
        await self._sender.close()
        return self.sent


async def all_committed(kafka: KafkaSettings, seconds: float = 60.0) -> None:
    ends = await end_offsets(kafka, kafka.topic)
    deadline = time.monotonic() + seconds
    while (committed := await committed_offsets(kafka, f"{kafka.topic}-group", kafka.topic)) != ends:
        assert time.monotonic() < deadline, f"commits stand still: {committed} of {ends}"
        await asyncio.sleep(0.2)


def proved(workers: Workers, names: list[str], ends: dict[int, int]) -> int:
    """Every offset was handed out at least once; returns how many were handed out again."""
    times: dict[int, Counter[int]] = {partition: Counter() for partition in ends}
    for name in names:
        for partition, first, last, records in workers.notes(name):
            assert records == last - first + 1
            times[partition].update(range(first, last + 1))
    assert {partition: sorted(seen) for partition, seen in times.items()} == {
        partition: list(range(end)) for partition, end in ends.items()
    }
    return sum(seen.total() - len(seen) for seen in times.values())


@pytest.mark.parametrize("given_up", [False, True], ids=["before", "after"])
async def test_every_offset_is_committed_when_a_worker_joins_dies_and_comes_back_under_load(
    kafka: KafkaSettings, workers: Workers, given_up: bool
) -> None:
    """It comes back before or after Kafka has given its partitions to the other one."""
    load = Load(kafka, RECORDS)
    workers.start("one")
    await workers.until(lambda: workers.handed("one") > 5_000, "the first worker is at work")
    workers.start("two")
    await workers.until(lambda: workers.handed("two") > 5_000, "the second worker is at work")
    joined = workers.handed("two")
    workers.kill("two")
    theirs, before = workers.partitions("two"), len(workers.notes("one"))
    await workers.until(
        lambda: any(not given_up or note[0] in theirs for note in workers.notes("one")[before:]),
        "the first worker goes on",
    )
    workers.start("two")
    await workers.until(lambda: workers.handed("two") > joined + 5_000, "the second worker is back at work")
    sent = await load.end()
    await all_committed(kafka)
    ends = await end_offsets(kafka, kafka.topic)
    assert sum(ends.values()) == sent >= RECORDS
    again = proved(workers, ["one", "two"], ends)
    print(f"{sent:,} records committed, none lost, {again:,} handed out again; two: {workers.handed('two'):,}")
    assert again < sent / 2


async def test_a_restart_in_order_hands_out_nothing_again(kafka: KafkaSettings, workers: Workers) -> None:
    load = Load(kafka, 10_000)
    await load.end()
    workers.start("one")
    await workers.until(lambda: workers.handed("one") >= 10_000, "all is handed out")
    await all_committed(kafka)
    workers.stop()
    workers.start("one")
    more = await Load(kafka, 5_000).end()
    ends = await end_offsets(kafka, kafka.topic)
    await workers.until(lambda: workers.handed("one") >= sum(ends.values()), "the rest is handed out")
    await all_committed(kafka)
    assert proved(workers, ["one"], ends) == 0
    assert more >= 5_000


async def test_transaction_markers_and_single_records_stop_no_commit(kafka: KafkaSettings, workers: Workers) -> None:
    workers.start("one")
    client = AIOKafkaProducer(**client_options(kafka), transactional_id="transport-test")
    await client.start()
    try:
        for number in range(30):
            async with client.transaction():
                await client.send_and_wait(kafka.topic, str(number).encode(), partition=number % 3)
    finally:
        await client.stop()
    await workers.until(lambda: workers.handed("one") >= 30, "all is handed out")
    assert workers.handed("one") == 30
    committed = await committed_offsets(kafka, f"{kafka.topic}-group", kafka.topic)
    deadline = time.monotonic() + 30
    while committed != {0: 19, 1: 19, 2: 19}:  # the last record's offset and one; the marker behind it is no record
        assert time.monotonic() < deadline, committed
        await asyncio.sleep(0.2)
        committed = await committed_offsets(kafka, f"{kafka.topic}-group", kafka.topic)
