"""Real tables on a Faust app that is never started, and a real index: the RocksDB of both in the test's folder."""

import faust
import pytest

from streamapp.pipeline.seen import SeenIndex
from streamapp.pipeline.tables import declare_tables
from streamapp.pipeline.tablestore import SCHEME

from .making import Clock


@pytest.fixture
def tables(tmp_path):
    app = faust.App("t", datadir=tmp_path / "faust", store=f"{SCHEME}://", web_enabled=False)
    return declare_tables(app, partitions=4)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def index(tmp_path, clock):
    made = SeenIndex(tmp_path / "seen", 100.0, clock)
    yield made
    made.close()
