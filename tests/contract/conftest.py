"""The stores that must keep the promises of `test_store.py`: a factory each, which opens the same data every time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from streamapp.store.edge import EdgeStore
from streamapp.store.memory import MemoryStore
from streamapp.store.store import Collection, VectorStore

DIMENSION = 8
EVENTS = Collection("events", DIMENSION, {"kind": "keyword", "tags": "keyword", "rank": "integer", "price": "float"})
OTHER = Collection("other", DIMENSION, {})

Factory = Callable[[], VectorStore]
Opener = Callable[[], Awaitable[VectorStore]]


def edge_factory(folder: Path) -> Factory:
    return lambda: EdgeStore(folder / "points", timeout_seconds=30)


def memory_factory(folder: Path) -> Factory:
    kept = MemoryStore()  # it is its own disk: the same object is opened again
    return lambda: kept


FACTORIES: dict[str, Callable[[Path], Factory]] = {"edge": edge_factory, "memory": memory_factory}


@pytest.fixture(params=FACTORIES)
def create(request: pytest.FixtureRequest, tmp_path: Path) -> Factory:
    """Makes a store over this test's data, not open yet."""
    return FACTORIES[request.param](tmp_path)


@pytest.fixture
async def store(create: Factory) -> AsyncIterator[VectorStore]:
    """An open, empty store."""
    opened = create()
    await opened.open([EVENTS, OTHER])
    yield opened
    await opened.close()
