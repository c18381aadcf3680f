"""The real Kafka that the broker tests share: one node on free ports, in a folder of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.ports import free_port
from streamapp.settings import BrokerSettings


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
