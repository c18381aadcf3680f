"""A small shop with a user, and both answerers over it."""

import uuid

import numpy as np
import pytest
from web.fakes import EVENTS, PRODUCTS, embed_words, open_store

from streamapp.events import product_point_id
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search
from streamapp.store.store import Points

SHOP = {
    "p-1": ("wireless headphones", "Electronics"),
    "p-2": ("wireless headphones small", "Electronics"),
    "p-3": ("trail shoe", "Sports"),
    "p-4": ("winter jacket warm", "Fashion"),
    "p-5": ("winter gloves warm", "Fashion"),
}
DEEDS = (("p-1", "page_view"), ("p-1", "purchase"), ("p-4", "page_view"), ("p-4", "add_to_cart"))


@pytest.fixture
async def store():
    store = await open_store()
    rows = {one: index for index, one in enumerate(SHOP)}
    vectors = np.stack([await embed_words(name) for name, _ in SHOP.values()])
    payloads = [{"product_id": one, "name": name, "category": kind} for one, (name, kind) in SHOP.items()]
    await store.upsert(PRODUCTS, Points([product_point_id(one) for one in SHOP], payloads, vectors, range(len(SHOP))))
    seen = [
        payloads[rows[one]] | {"user_id": "u-1", "event_type": kind, "timestamp": 100.0 + number}
        for number, (one, kind) in enumerate(DEEDS)
    ]
    ids = [str(uuid.UUID(int=number)) for number in range(len(DEEDS))]
    await store.upsert(EVENTS, Points(ids, seen, vectors, [rows[one] for one, _ in DEEDS]))
    return store


@pytest.fixture
def search(store):
    return Search(store, embed_words, EVENTS, PRODUCTS)


@pytest.fixture
def recommend(store):
    return Recommend(store, EVENTS, PRODUCTS)
