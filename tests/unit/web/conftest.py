"""A web over a small shop, spoken to as a client speaks."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from streamapp.events import product_point_id
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search
from streamapp.settings import WebSettings
from streamapp.store.store import Points
from streamapp.web.server import create_web

from .fakes import EVENTS, PRODUCTS, FailingStore, MemoryTable, MemoryWorker, embed_words, open_store

SHOP = (
    {
        "product_id": "p-1",
        "name": "Wireless headphones",
        "description": "sound",
        "category": "Electronics",
        "price": 99.5,
    },
    {"product_id": "a/b ü", "name": "Trail shoe", "description": "", "category": "Sports", "price": None},
    {"product_id": "p-3", "name": "<script>alert(1)</script> coffee", "category": "Home", "price": 3.0},
)


@pytest.fixture
async def store() -> FailingStore:
    store = await open_store()
    vectors = np.stack([await embed_words(product["name"]) for product in SHOP])
    ids = [product_point_id(product["product_id"]) for product in SHOP]
    await store.upsert(PRODUCTS, Points(ids, SHOP, vectors, range(len(SHOP))))
    seen = [
        product | {"user_id": "u-1", "event_type": "page_view", "timestamp": 1.75e9 + number}
        for number, product in enumerate((SHOP[0], SHOP[0], SHOP[1]))
    ]
    await store.upsert(EVENTS, Points([str(uuid.UUID(int=i)) for i in range(3)], seen, vectors, (0, 0, 1)))
    return store


@pytest.fixture
def worker() -> MemoryWorker:
    products = MemoryTable(
        "products", "What happened to each product.", {p["product_id"]: {**p, "events": 2000} for p in SHOP}
    )
    taste = {"recent": [{"product_id": "p-1", "timestamp": 1.75e9}], "taste": [0.5] * 384, "by_type": {"page_view": 3}}
    return MemoryWorker([products, MemoryTable("users", "What each user did.", {"u-1": taste, "u 2/ü": {}})])


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("streamapp_web_tests", "counts nothing", registry=registry)
    return registry


@pytest.fixture
async def clients(
    store: FailingStore, worker: MemoryWorker, registry: CollectorRegistry
) -> AsyncIterator[Callable[..., Any]]:
    opened: list[TestClient] = []

    async def open_client(settings: WebSettings | None = None) -> TestClient:
        search, recommend = Search(store, embed_words, EVENTS, PRODUCTS), Recommend(store, EVENTS, PRODUCTS)
        app = create_web(worker, search, recommend, settings or WebSettings(), registry, clock=lambda: 1_750_000_000.0)
        client = TestClient(TestServer(app))
        await client.start_server()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        await client.close()


@pytest.fixture
async def client(clients: Callable[..., Any]) -> TestClient:
    return await clients()
