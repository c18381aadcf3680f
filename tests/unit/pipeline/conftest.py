"""Real tables on a Faust app that is never started, and a real index: the RocksDB of both in the test's folder."""

import faust
import pytest

from streamapp.pipeline.seen import SeenIndex
from streamapp.pipeline.tables import declare_tables
from streamapp.pipeline.tablestore import SCHEME

from .making import Clock


@pytest.fixture
async def tables(tmp_path):
    # Async, and touched here, so that Faust finds a running event loop: without one it makes its own, never closed.
    app = faust.App("t", datadir=tmp_path / "faust", store=f"{SCHEME}://", web_enabled=False)
    made = declare_tables(app, partitions=4)
    assert (
        made.segments.open_partitions() == [partition for table in made.live for partition in table.partitions()] == []
    )
    return made


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def index(tmp_path, clock):
    made = SeenIndex(tmp_path / "seen", 100.0, clock)
    yield made
    made.close()
