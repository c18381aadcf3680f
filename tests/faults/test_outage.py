"""An outage holds the line: whatever goes away for a while, nothing is lost, doubled or dead-lettered."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness import WorkerProcess, wait_until

from streamapp.audit.run import run_audit
from streamapp.generate import Order, generate_shop
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.ports import free_port
from streamapp.settings import BrokerSettings, Settings
from streamapp.sources.shares import Shares

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A Kafka of our own, that may be stopped."""
    home = tmp_path_factory.mktemp("fragile")
    broker = LocalBroker(home, BrokerSettings(heap_megabytes=256), free_port(), die_with_parent=True)
    start(broker)
    try:
        yield broker
    finally:
        broker.stop()


def start(broker: LocalBroker) -> None:
    broker.start()
    asyncio.run(broker.wait_ready())


def settings_for(broker: LocalBroker, home: Path, name: str) -> Settings:
    return Settings.model_validate(
        {
            "home": home,
            "kafka": {
                "bootstrap_servers": broker.bootstrap_servers, "topic": name, "partitions": 4, "group": f"group-{name}",
            },
            "embedding": {"kind": "light"},
            "worker": {"batch_records": 200, "checkpoint_seconds": 0.2, "session_timeout_seconds": 10},
            "web": {"port": 0},
        }
    )  # fmt: skip


def produce(settings: Settings, count: int, seed: int, manifest: Path | None = None) -> None:
    shares = Shares(duplicates=0.05, invalid=0.01)
    order = Order(count, None, 1, seed, shares, manifest, None, None, now=time.time())
    assert asyncio.run(generate_shop(settings.kafka, order)).records == count


def finish(settings: Settings, worker: WorkerProcess, records: int, manifest: Path) -> None:
    worker.wait_drained(records)
    worker.stop()
    found = asyncio.run(run_audit(settings, manifest))
    assert found["problems"] == []
    assert found["balanced"]


def test_the_store_may_die_in_the_middle(fragile: LocalBroker, tmp_path: Path) -> None:
    settings, manifest = settings_for(fragile, tmp_path, "store-dies"), tmp_path / "manifest.jsonl"
    produce(settings, 8000, 11, manifest)
    worker = WorkerProcess(settings)
    for goal in (1000, 4000):
        wait_until(lambda goal=goal: worker.get("/status")["events"] >= goal, 60, f"{goal} events")
        (engine,) = (
            child for child in psutil.Process(worker.pid).children() if "streamapp.store.engine" in child.cmdline()
        )
        engine.kill()
    finish(settings, worker, 8000, manifest)


def test_kafka_may_go_away_and_come_back(fragile: LocalBroker, tmp_path: Path) -> None:
    settings, manifest = settings_for(fragile, tmp_path, "kafka-goes"), tmp_path / "manifest.jsonl"
    produce(settings, 8000, 12, manifest)
    worker = WorkerProcess(settings)
    wait_until(lambda: worker.get("/status")["events"] > 0, 60, "events")
    fragile.stop()
    # Liveness does not fall for an outage; the health says who is away.
    wait_until(lambda: worker.health("kafka")["state"] == "down", 30, "a health that says Kafka is down")
    assert worker.health("live")["state"] == "up"
    start(fragile)
    wait_until(lambda: worker.health("kafka")["state"] == "up", 60, "a health that says Kafka is back")
    finish(settings, worker, 8000, manifest)
