"""Redelivery changes nothing: a worker killed at any moment and started again leaves what an unhurt one leaves."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from harness import WorkerProcess, wait_until

from streamapp.audit.run import run_audit
from streamapp.generate import Order, generate_shop
from streamapp.kafka.broker import LocalBroker
from streamapp.settings import Settings
from streamapp.sources.shares import Shares

pytestmark = [pytest.mark.broker, pytest.mark.slow]

RECORDS = 6000
SHARES = Shares(duplicates=0.08, late=0.05, invalid=0.03, tombstones=0.01)


class Case(NamedTuple):
    """A topic full of records, its manifest, and what an unhurt worker made of it."""

    broker: LocalBroker
    manifest: Path
    models: Path
    unhurt: dict[str, Any]

    def settings(self, home: Path, name: str) -> Settings:
        return settings_for(self.broker, home, name)


def settings_for(broker: LocalBroker, home: Path, name: str) -> Settings:
    """A worker of its own group, dead letters and folder; small batches and quick checkpoints make many moments."""
    return Settings.model_validate(
        {
            "home": home,
            "kafka": {
                "bootstrap_servers": broker.bootstrap_servers,
                "topic": "redelivery",
                "partitions": 4,
                "group": f"redelivery-{name}",
                "dead_letter_topic": f"redelivery-{name}-dlq",
            },
            "embedding": {"kind": "light"},
            "worker": {"batch_records": 100, "checkpoint_seconds": 0.05, "session_timeout_seconds": 10},
            "web": {"port": 0},
        }
    )


@pytest.fixture(scope="module")
def case(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Case:
    home = tmp_path_factory.mktemp("unhurt")
    settings = settings_for(broker, home, "unhurt")
    manifest = home / "manifest.jsonl"
    order = Order(RECORDS, None, 1, 7, SHARES, manifest, None, None, now=time.time())
    assert asyncio.run(generate_shop(settings.kafka, order)).records == RECORDS
    worker = WorkerProcess(settings)
    worker.wait_drained(RECORDS)
    state = worker.state()
    worker.stop()
    assert balanced(settings, manifest)
    return Case(broker, manifest, home / "models", state)


def balanced(settings: Settings, manifest: Path) -> dict[str, Any]:
    found = asyncio.run(run_audit(settings, manifest))
    assert found["problems"] == []
    assert found["balanced"]
    return found


@pytest.fixture
def home(case: Case, tmp_path: Path) -> Path:
    (tmp_path / "models").symlink_to(case.models)  # learnt once is enough
    return tmp_path


def finish(case: Case, settings: Settings) -> None:
    """Start once more, let it drain, and hold what there is against what the unhurt worker left."""
    worker = WorkerProcess(settings)
    worker.wait_drained(RECORDS)
    state = worker.state()
    worker.stop()
    for name, rows in case.unhurt["tables"].items():
        assert state["tables"][name] == rows, f"table {name}"
    assert state["points"]["ecommerce_embeddings"] == case.unhurt["points"]["ecommerce_embeddings"]
    # Which of several events that say the same brought a product's description depends on the order of arrival.
    described = [{**payload, "version": 0} for payload in state["points"]["products"].values()]
    assert described == [{**payload, "version": 0} for payload in case.unhurt["points"]["products"].values()]
    balanced(settings, case.manifest)


@pytest.mark.parametrize("point", ["write:9", "checkpoint:5", "changelog:12", "ack:7"])
def test_a_worker_killed_at_a_set_point_leaves_what_an_unhurt_one_leaves(case: Case, home: Path, point: str) -> None:
    settings = case.settings(home, point.replace(":", "-"))
    WorkerProcess(settings, kill_at=point).wait_killed()
    finish(case, settings)


def test_a_worker_killed_at_random_moments_leaves_what_an_unhurt_one_leaves(case: Case, home: Path) -> None:
    settings = case.settings(home, "random")
    rng = random.Random(3)
    for kill in range(4):
        worker = WorkerProcess(settings)
        goal = (kill + rng.random()) * RECORDS / 5

        def handled(worker: WorkerProcess = worker, goal: float = goal) -> bool:
            return bool(worker.get("/status")["ledger"]["consumed"] >= goal)

        wait_until(handled, 60, f"{goal:.0f} records")
        worker.kill()
    finish(case, settings)


def test_the_tables_come_back_from_the_changelog_when_the_local_files_are_gone(case: Case, home: Path) -> None:
    settings = case.settings(home, "gone")
    worker = WorkerProcess(settings)
    worker.wait_drained(RECORDS)
    worker.kill()
    (home / "worker").rename(home / "worker-lost")
    finish(case, settings)
