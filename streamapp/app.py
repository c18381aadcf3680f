"""The worker's Faust app: the path of an event, laid in the order an event walks it."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import faust
from aiokafka import AIOKafkaProducer

from streamapp import clock
from streamapp.embedding.service import VectorService
from streamapp.errors import UnreachableError
from streamapp.kafka.clients import faust_broker_options, producer_options
from streamapp.kafka.sender import Sender
from streamapp.kafka.transport import SCHEME as BATCHES
from streamapp.kafka.transport import batching
from streamapp.life import Life
from streamapp.logs import logging_config
from streamapp.pipeline.checkpoint import Checkpoint
from streamapp.pipeline.decode import create_decoder
from streamapp.pipeline.fold import fold
from streamapp.pipeline.ingest import Plan
from streamapp.pipeline.inside import Inside
from streamapp.pipeline.lane import Steps
from streamapp.pipeline.lanes import Lanes
from streamapp.pipeline.monitor import Monitor
from streamapp.pipeline.pending import Pending
from streamapp.pipeline.prepare import Prepare
from streamapp.pipeline.seen import SeenIndex
from streamapp.pipeline.sink import Catalogue
from streamapp.pipeline.tables import Tables, declare_tables
from streamapp.pipeline.tablestore import SCHEME as PARTITIONS
from streamapp.pipeline.tablestore import share_cache
from streamapp.pipeline.writer import Writer
from streamapp.settings import Settings
from streamapp.store.guarded import GuardedStore

STREAM_BUFFER_BATCHES = 16
"""Batches that wait between Faust's fetcher and the lanes; a batch may hold a megabyte, so not its default of 4096."""

NEVER_SECONDS = 7 * 86_400.0
"""The longest outage that must not cost us the group membership: the line is held, not given up."""


STOP_SECONDS = 30.0
"""A worker checkpoints and commits in a second or two when told to stop; a supervisor's patience ends soon after."""


def _give_up() -> None:
    logging.getLogger("streamapp.app").error("Kafka did not answer while stopping; ending without it")
    os._exit(UnreachableError.exit_code)


class ShopApp(faust.App):  # type: ignore[misc]  # faust ships no types that hold
    """A Faust app that opens what it needs before it starts, and ends every lane at a checkpoint before it stops."""

    logger = logging.getLogger("faust.shop")  # Faust speaks through it: heard from warning on

    life: Life
    lanes: Lanes
    failure: BaseException | None = None
    """What kept the app from starting, or ended it."""

    async def on_start(self) -> None:
        """Open the store, the model and the web, then start."""
        try:
            await self.life.open()
            await super().on_start()
        except BaseException as error:
            self.failure = error
            raise

    async def crash(self, reason: BaseException) -> None:
        """Note why the app ends before it does."""
        self.failure = self.failure or reason
        await super().crash(reason)

    async def on_stop(self) -> None:
        """Make what is under way true and commit it, then stop and let go of everything.

        With Kafka away that could take for ever: after `STOP_SECONDS` the process ends as it is. What was not
        committed is delivered again at the next start.
        """
        deadline = threading.Timer(STOP_SECONDS, _give_up)
        deadline.daemon = True
        deadline.start()
        await self.lanes.release()
        if self._consumer is not None and self._consumer.started:
            await self._consumer.commit()
        await super().on_stop()
        await self.life.close()


class QuietWorker(faust.Worker):  # type: ignore[misc]  # faust ships no types that hold
    """Faust's worker without its banner, spinner and log set-up: ours stands, and stdout stays empty."""

    def __init__(self, app: Any, *services: Any, **options: Any) -> None:
        options |= {"override_logging": False, "redirect_stdouts": False, "loglevel": "INFO", "quiet": True}
        super().__init__(app, *services, **options)
        self.spinner = None


class Parts(NamedTuple):
    """What the worker is put together from."""

    tables: Tables
    seen: SeenIndex
    sender: Sender
    catalogue: Catalogue
    monitor: Monitor
    embeds: VectorService
    store: GuardedStore


def create_app(settings: Settings, *, partitions: int, embeds: VectorService, store: GuardedStore) -> ShopApp:
    """Lay the path. `partitions` is how many the source topic has; nothing is opened yet but the index of ids."""
    app = ShopApp(settings.kafka.group, **faust_options(settings))
    share_cache(settings.worker.table_memory_megabytes)
    parts = Parts(
        tables=declare_tables(app, partitions=partitions),
        seen=SeenIndex(settings.worker_folder / "seen", settings.dedup.ttl_seconds, clock.wall),
        sender=Sender(lambda: AIOKafkaProducer(**producer_options(settings.kafka))),
        catalogue=Catalogue(),
        monitor=Monitor(clock.monotonic),
        embeds=embeds,
        store=store,
    )
    app.lanes = lay_lanes(app, settings, parts)  # bytes -> fresh events -> vectors -> points -> tables -> ack
    attach_ingest(app, settings.kafka.topic, app.lanes, settings.worker.batch_records)
    app.life = create_life(app, settings, parts, partitions)
    return app


def lay_lanes(app: ShopApp, settings: Settings, parts: Parts) -> Lanes:
    """The steps of the path, in the order an event walks it."""
    pending = Pending(parts.seen)
    tables = parts.tables
    steps = Steps(
        decode=create_decoder(settings.events),
        pending=pending,
        sender=parts.sender,
        dead_letter_topic=settings.kafka.dlq,
        writer=Writer(
            embeds=parts.embeds,
            store=parts.store,
            catalogue=parts.catalogue,
            topic=settings.kafka.topic,
            events=settings.store.events_collection,
            products=settings.store.products_collection,
        ),
        checkpoint=Checkpoint(tables, parts.sender, parts.seen, pending, clock.wall, settings.dedup.ttl_seconds),
        fold=_folding(tables),
        counted=lambda partition: tables.ledger.entry(partition, str(partition)).offset,
        ack=_acking(app),
        clock=clock.monotonic,
        wall=clock.wall,
        checkpoint_seconds=settings.worker.checkpoint_seconds,
        monitor=parts.monitor,
    )

    def drop(partition: int) -> None:
        pending.settle(partition)
        tables.settle(partition)

    prepare = Prepare(app, settings.kafka.topic, tables, parts.seen, parts.catalogue)
    return Lanes(steps, prepare, drop, generation=lambda: app.consumer_generation_id)


def _folding(tables: Tables) -> Callable[[int, Plan], None]:
    return lambda partition, made: fold(tables, partition, made)


def _acking(app: ShopApp) -> Any:
    async def ack(event: Any) -> None:
        app.consumer.ack(event.message)

    return ack


def attach_ingest(app: ShopApp, topic: str, lanes: Lanes, batch_records: int) -> None:
    """Hand every batch of the topic to its partition's lane; acks come from the lanes, never from here."""
    kafka = batching(app)
    kafka.topics.add(topic)
    kafka.max_records = batch_records

    async def release(_revoked: object) -> None:
        await lanes.release()

    kafka.before_revoke = release
    kafka.before_assign = lanes.accept

    @app.agent(app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw"), name="ingest")  # type: ignore[untyped-decorator]
    async def ingest(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await lanes.put(event)
            except Exception as error:  # noqa: BLE001 - Faust would go on with the next batch: this one would be lost
                await app.crash(error)
                return


def create_life(app: ShopApp, settings: Settings, parts: Parts, partitions: int) -> Life:
    """What is opened at the start and closed at the end, with the web that looks inside."""
    inside = Inside(
        tables=parts.tables,
        lanes=app.lanes,
        monitor=parts.monitor,
        index=parts.seen,
        store=parts.store,
        embeds=parts.embeds,
        topic=settings.kafka.topic,
        collections=(settings.store.events_collection, settings.store.products_collection),
        home=str(settings.home),
        clock=clock.wall,
    )
    return Life(app, settings, inside, parts, partitions)


def faust_options(settings: Settings) -> dict[str, Any]:
    """How Faust must be set up for what this app promises; the reasons are in the README under Decisions."""
    worker, reached = settings.worker, faust_broker_options(settings.kafka)
    return {
        **reached,
        "broker": [url.replace("kafka://", f"{BATCHES}://") for url in reached["broker"]],
        "store": f"{PARTITIONS}://",
        "datadir": settings.worker_folder / "faust",
        "value_serializer": "raw",
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": worker.instance_id,
        "broker_session_timeout": worker.session_timeout_seconds,
        "broker_request_timeout": max(90.0, worker.session_timeout_seconds),
        "broker_max_poll_interval": NEVER_SECONDS,
        "broker_commit_interval": 1.0,
        "stream_buffer_maxsize": STREAM_BUFFER_BATCHES,
        "stream_wait_empty": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "web_enabled": False,
        "Worker": QuietWorker,
        "worker_redirect_stdouts": False,
        "logging_config": logging_config(settings.logs),
    }
