"""What tests share: the real Kafka, one node on free ports for the whole session; and, in CI, no skips."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.ports import free_port
from streamapp.settings import BrokerSettings


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where STREAMAPP_TEST_NO_SKIPS is set, a skipped test has failed: it was promised to run."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("STREAMAPP_TEST_NO_SKIPS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may skip here: {report.longrepr}"


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A running Kafka, with `.bootstrap_servers`; it ends with the session, or with pytest, however that ends."""
    running = LocalBroker(tmp_path_factory.mktemp("home"), BrokerSettings(), free_port(), die_with_parent=True)
    running.start()
    try:
        asyncio.run(running.wait_ready())
        yield running
    finally:
        running.stop()
