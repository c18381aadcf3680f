"""What the worker opens at its start, watches while it runs, and closes at its end.

Opening fails loudly, before the first event is read. Watching measures lag at the broker and never raises.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from streamapp import metrics
from streamapp.config import Reloaded
from streamapp.errors import ConfigurationError, StoreUnavailableError
from streamapp.kafka.lag import LagMeter
from streamapp.kafka.transport import batching
from streamapp.logs import get_logger, set_level
from streamapp.pipeline.inside import Inside
from streamapp.pipeline.sink import create_collections
from streamapp.running import Running, process_start, running_file
from streamapp.search.recommend import Recommend, recent_from_table
from streamapp.search.search import Search
from streamapp.settings import Settings
from streamapp.web.server import WebServer, create_web

if TYPE_CHECKING:
    from streamapp.app import Parts, ShopApp

log = get_logger(__name__)

WATCH_SECONDS = 1.0
LAG_EVERY = 2
"""Lag is asked of the broker at every second sample."""
LAG_SECONDS = 5.0
"""A broker that takes longer to answer is as good as away, and the health says so."""

Reread = Callable[[Settings], Reloaded]

_BREAKER_VALUES = {"closed": 0, "half-open": 1, "open": 2}


class Life:
    """Opens, watches and closes a worker's parts."""

    def __init__(self, app: "ShopApp", settings: Settings, inside: Inside, parts: "Parts", partitions: int) -> None:
        self._app = app
        self._settings = settings
        self._inside = inside
        self._parts = parts
        self._partitions = partitions
        self._running = running_file(settings.home)
        self._lag = LagMeter(settings.kafka)
        self.reread: Reread | None = None
        """Gives the settings anew at SIGHUP; None ignores the signal."""
        self._web: WebServer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._store_seen = False
        self._warming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the store with its collections, the model, and the web. Raises what they raise."""
        embeds = self._parts.embeds
        await self._parts.store.open(create_collections(self._settings.store, embeds.embedder.dimension))
        self._web = self._create_web()
        url = await self._web.start()
        self._running.parent.mkdir(parents=True, exist_ok=True)
        self._running.write_bytes(msgspec.json.encode(Running(os.getpid(), url, process_start(os.getpid()))))
        self._watching = asyncio.create_task(self._watch(), name="watch")
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        log.info("worker opened", web=url, model=embeds.embedder.revision, topic=self._settings.kafka.topic)

    def _create_web(self) -> WebServer:
        parts, names = self._parts, self._settings.store
        search = Search(parts.store, parts.embeds.query, names.events_collection, names.products_collection)
        users = self._inside.tables["users"]

        def recent(user_id: str) -> dict[str, object] | None:
            row = users.get(user_id)
            return row.value if row else None

        recommend = Recommend(
            parts.store, names.events_collection, names.products_collection, recent_from_table(recent)
        )
        app = create_web(self._inside, search, recommend, self._settings.web, metrics.REGISTRY)
        return WebServer(app, self._settings.web)

    async def close(self) -> None:
        """Close everything, the last opened first; what was never opened is passed over."""
        for task in (self._watching, self._warming):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._lag.close()
        if self._web is not None:
            await self._web.stop()
        self._running.unlink(missing_ok=True)
        await self._parts.sender.close()
        await self._parts.store.close()
        await self._parts.embeds.close()
        self._parts.seen.close()

    async def _watch(self) -> None:
        turn = 0
        while True:
            self._parts.monitor.sample()
            if turn % LAG_EVERY == 0:
                await self._measure_lag()
            self._export()
            self._warm_up()
            await self._look_for_lost_store()
            turn += 1
            await asyncio.sleep(WATCH_SECONDS)

    async def _measure_lag(self) -> None:
        try:
            async with asyncio.timeout(LAG_SECONDS):  # aiokafka waits for a broker for up to 40 s
                self._parts.monitor.lag = await self._lag.measure(self._partitions)
        except Exception as error:  # noqa: BLE001 - whatever it is, the broker could not be asked: health says so
            self._inside.broker_error = f"the broker does not answer ({type(error).__name__} {error})".replace(
                " )", ")"
            )
            await self._lag.close()
        else:
            self._inside.broker_error = ""

    async def _look_for_lost_store(self) -> None:
        """Say so when the ledger knows of points and the store has none: another folder, or deleted files."""
        counts = self._inside.ledger()
        if self._store_seen or not counts["embedded"] or counts["deleted"]:
            return
        try:
            points = await self._parts.store.count(self._settings.store.events_collection)
        except StoreUnavailableError:
            return
        self._store_seen = True
        if points == 0:
            self._inside.store_lost = (
                f"the ledger counts {counts['embedded']:,} embedded events, but the store is empty: it was deleted, or "
                "this is another state folder; name the right one, or read the topic again with another kafka.group"
            )
            log.error("the store is empty", ledger=counts["embedded"])

    def _warm_up(self) -> None:
        """Load the model once there is nothing else to do, so that the first search need not wait for it.

        Not before: it takes ten seconds of a core, and a restart with its vectors on disk may never need it.
        """
        if self._warming is None and self._parts.monitor.lag == 0:
            self._warming = asyncio.create_task(self._parts.embeds.warm_up(), name="warm up")

    def _export(self) -> None:
        parts = self._parts
        metrics.LAG.set(parts.monitor.lag or 0)
        metrics.IN_FLIGHT.set(self._app.lanes.in_flight)
        metrics.BREAKER_STATE.set(_BREAKER_VALUES[parts.store.breaker.state])
        for table in parts.tables.live:
            metrics.TABLE_KEYS.labels(table.name).set(table.store.approximate_keys())

    def _reload(self) -> None:
        """SIGHUP: take over what may change at run time, say what may not; a wrong file changes nothing."""
        if self.reread is None:
            return
        try:
            found = self.reread(self._settings)
        except ConfigurationError as error:
            log.error("settings not taken over", error=str(error))
            return
        self._settings = settings = found.settings
        set_level(settings.logs.level)
        self._parts.embeds.batch_size = settings.embedding.batch_size
        self._parts.store.configure(settings.store)
        self._app.lanes.configure(settings.worker.checkpoint_seconds)
        batching(self._app).max_records = settings.worker.batch_records
        log.info("settings read again", changed=found.changed, needs_restart=found.ignored)
