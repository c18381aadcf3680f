"""The local state as a question needs it: through the running worker, or straight from the files when none runs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
import msgspec

from streamapp.embedding.create import create_embedder, create_vectors
from streamapp.errors import ConfigurationError, StreamappError, UnreachableError
from streamapp.pipeline.sink import create_collections
from streamapp.running import Running, running_worker
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search
from streamapp.settings import Settings
from streamapp.store.create import create_store
from streamapp.store.remote import RemotePoints
from streamapp.store.store import Page, VectorStore


class Scrolls(Protocol):
    """Something that reads points page by page."""

    async def scroll(self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None) -> Page:
        """As `VectorStore.scroll`."""


@asynccontextmanager
async def open_points(settings: Settings) -> AsyncIterator[Scrolls]:
    """All points, to be read through. Raises ConfigurationError when there are none yet."""
    worker = running_worker(settings.home)
    if worker is not None:
        yield RemotePoints(worker.url, settings.web.token.get_secret_value(), settings.store.timeout_seconds)
        return
    async with open_store(settings) as store:
        yield store


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[VectorStore]:
    """The store's own files; only while no worker holds them."""
    folder = settings.home / "store"
    if not (folder / settings.store.products_collection).exists():
        raise ConfigurationError(
            f"There are no points under {folder} yet.",
            "Run `make demo` first, or name the state folder with --home (STREAMAPP_HOME).",
        )
    dimension = create_embedder(settings.embedding, settings.home).dimension
    store = create_store(settings.store, folder)
    await store.open(create_collections(settings.store, dimension))
    try:
        yield store
    finally:
        await store.close()


async def ask_search(settings: Settings, text: str, limit: int, category: str | None) -> Any:
    """The hits for a question, as JSON types."""
    if worker := running_worker(settings.home):
        return await ask_worker(worker, settings, "/search", {"q": text, "limit": limit, "category": category or ""})
    names = settings.store
    async with open_store(settings) as store:
        vectors = create_vectors(settings.embedding, settings.home)
        try:
            search = Search(store, vectors.query, names.events_collection, names.products_collection)
            return msgspec.to_builtins(await search.search(text, limit, category))
        finally:
            await vectors.close()


async def ask_recommend(
    settings: Settings, product: str, user: str, positive: Sequence[str], negative: Sequence[str], limit: int
) -> Any:
    """What else, for a product, a user or examples, as JSON types."""
    if worker := running_worker(settings.home):
        query: dict[str, Any] = {"limit": limit, "product": product, "user": user}
        query |= {"positive": ",".join(positive), "negative": ",".join(negative)}
        return await ask_worker(worker, settings, "/recommend", query)
    names = settings.store
    async with open_store(settings) as store:
        recommend = Recommend(store, names.events_collection, names.products_collection)
        if product:
            hits = await recommend.like_product(product, limit)
        elif user:
            hits = await recommend.for_user(user, limit)
        else:
            hits = await recommend.by_examples(positive, negative, limit)
        return msgspec.to_builtins(hits)


async def ask_worker(worker: Running, settings: Settings, path: str, query: dict[str, Any]) -> Any:
    """The JSON of one of the worker's paths; its errors come out as ours."""
    token = settings.web.token.get_secret_value()
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    wanted = {name: str(value) for name, value in query.items() if value != ""}
    timeout = aiohttp.ClientTimeout(total=settings.store.timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.get(worker.url + path, params=wanted) as response,
        ):
            answer = msgspec.json.decode(await response.read())
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise UnreachableError(
            f"The worker at {worker.url} (process {worker.pid}) does not answer: {error}.",
            "Is it starting or stopping? Try again.",
        ) from error
    if response.status >= 400:
        error_class = UnreachableError if response.status >= 500 else StreamappError
        raise error_class(answer["error"], answer.get("hint", ""))
    return answer
