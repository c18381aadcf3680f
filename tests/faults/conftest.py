"""No worker outlives its test."""

from collections.abc import Iterator

import pytest
from harness import WorkerProcess


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    yield
    while WorkerProcess.started:
        WorkerProcess.started.pop().kill()
