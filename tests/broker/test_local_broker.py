"""The local Kafka as its users meet it: started, stopped, killed, started twice, on a taken port."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streamapp.errors import ConfigurationError, PortInUseError, StreamappError
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import check_broker, client_options, producer
from streamapp.kafka.ports import free_port
from streamapp.kafka.topics import TopicSpec, end_offsets, ensure_topics
from streamapp.settings import BrokerSettings, KafkaSettings

pytestmark = pytest.mark.broker


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[LocalBroker]:
    """A Kafka of the test's own, which it may kill."""
    running = LocalBroker(tmp_path, BrokerSettings(heap_megabytes=256), free_port(), die_with_parent=True)
    yield running
    running.stop()


def settings_of(broker: LocalBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


async def write(broker: LocalBroker, value: bytes) -> None:
    async with producer(settings_of(broker)) as client:
        await client.send_and_wait("things", value, partition=0)


async def read(broker: LocalBroker, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(**client_options(settings_of(broker)), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition("things", 0)])
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_records_and_cluster_survive_a_stop_and_a_kill(own: LocalBroker, tmp_path: Path) -> None:
    async with own:
        await ensure_topics(settings_of(own), [TopicSpec("things", 1)])
        await write(own, b"before the stop")
        identity = (tmp_path / "kafka/data/meta.properties").read_text()
    assert own.pid is None

    own.start()
    await own.wait_ready()
    await write(own, b"before the kill")
    assert own.pid is not None
    os.kill(own.pid, signal.SIGKILL)
    wait_until(lambda: own.exit_code is not None)

    async with own:
        await write(own, b"after the kill")
        assert await read(own, 3) == [b"before the stop", b"before the kill", b"after the kill"]
    assert (tmp_path / "kafka/data/meta.properties").read_text() == identity


async def test_the_same_home_serves_on_another_port_after_a_stop(own: LocalBroker, tmp_path: Path) -> None:
    async with own:
        await ensure_topics(settings_of(own), [TopicSpec("things", 1)])
        await write(own, b"kept")
    moved = LocalBroker(tmp_path, BrokerSettings(), free_port())
    async with moved:
        assert await read(moved, 1) == [b"kept"]


async def test_a_second_start_over_running_data_names_who_uses_it(broker: LocalBroker) -> None:
    second = LocalBroker(broker.home, BrokerSettings(), free_port())
    with pytest.raises(ConfigurationError) as caught:
        second.start()
    assert f"process {broker.pid}, port {broker.port}" in str(caught.value)
    await check_broker(settings_of(broker))


def test_a_taken_port_is_named_with_its_holder(broker: LocalBroker, tmp_path: Path) -> None:
    with pytest.raises(PortInUseError) as caught:
        LocalBroker(tmp_path, BrokerSettings(), broker.port).start()
    assert f"Port {broker.port}" in str(caught.value)
    assert f"java (process {broker.pid})" in str(caught.value)
    assert "STREAMAPP_KAFKA__BOOTSTRAP_SERVERS=127.0.0.1:" in str(caught.value)


def test_it_listens_on_this_machine_only(broker: LocalBroker) -> None:
    listening = [c.laddr.ip for c in psutil.Process(broker.pid).net_connections("tcp") if c.status == "LISTEN"]
    assert len(listening) == 2
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


async def test_a_kafka_that_dies_early_is_quoted(own: LocalBroker, tmp_path: Path) -> None:
    async with own:
        pass
    meta = tmp_path / "kafka/data/meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))
    own.start()
    with pytest.raises(StreamappError) as caught:
        await own.wait_ready()
    assert "node id" in str(caught.value)
    assert "kafka.log" in str(caught.value)


async def test_a_folder_with_odd_characters_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    async with LocalBroker(tmp_path / "my, own: hömé", BrokerSettings(), free_port()) as own:
        await ensure_topics(settings_of(own), [TopicSpec("things", 1)])
        await write(own, b"here")
        assert await end_offsets(settings_of(own), "things") == {0: 1}


def test_it_dies_with_its_parent_when_asked(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, time, pathlib\n"
        "from streamapp.kafka.broker import LocalBroker\n"
        "from streamapp.settings import BrokerSettings\n"
        "b = LocalBroker(pathlib.Path(sys.argv[1]), BrokerSettings(), int(sys.argv[2]), die_with_parent=True)\n"
        "b.start(); asyncio.run(b.wait_ready()); print(b.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(free_port())], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    kafka = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    wait_until(lambda: not kafka.is_running() or kafka.status() == psutil.STATUS_ZOMBIE)


async def test_a_stop_without_a_start_and_a_second_stop_do_nothing(own: LocalBroker) -> None:
    own.stop()
    async with own:
        pass
    own.stop()
    assert own.exit_code is not None
