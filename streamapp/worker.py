"""What `faust -A streamapp.worker worker` imports: `app`, made at its first use from the settings in force."""

import asyncio
from typing import Any

import uvloop
from faust.exceptions import ConsistencyError

from streamapp.app import ShopApp, create_app
from streamapp.config import load_settings
from streamapp.embedding.create import create_vectors
from streamapp.errors import ConfigurationError, StreamappError
from streamapp.kafka.clients import DEAD_LETTER_BYTES
from streamapp.kafka.topics import TopicSpec, ensure_topics, topic_partitions, worker_topics
from streamapp.life import Reread
from streamapp.logs import setup_logs
from streamapp.pipeline.tables import TABLE_NAMES
from streamapp.running import running_worker
from streamapp.settings import Settings
from streamapp.store.create import create_store
from streamapp.store.guarded import GuardedStore


def create_worker(settings: Settings) -> ShopApp:
    """The worker's app, its topics made. Raises BrokerUnreachableError, and ConfigurationError for a wrong topic."""
    settings.worker_folder.mkdir(parents=True, exist_ok=True)
    partitions = asyncio.run(prepare_topics(settings))
    embeds = create_vectors(settings.embedding, settings.home)
    store = GuardedStore(create_store(settings.store, settings.home / "store"), settings.store)
    return create_app(settings, partitions=partitions, embeds=embeds, store=store)


async def prepare_topics(settings: Settings) -> int:
    """Make the topics that are missing; returns the partitions of the source topic, whoever made it."""
    kafka = settings.kafka
    await ensure_topics(kafka, worker_topics(kafka))
    partitions = await topic_partitions(kafka, kafka.topic)
    retention_ms = 2 * settings.dedup.ttl_seconds * 1000
    roomy = {"max.message.bytes": str(DEAD_LETTER_BYTES)}  # an entry is small, but no valid event may make it too large
    configs = {name: roomy | {"cleanup.policy": "compact"} for name in TABLE_NAMES}
    # What is older than the time-to-live is of no use to anyone: the changelog lets go of it too.
    configs["seen"] = roomy | {"cleanup.policy": "compact,delete", "retention.ms": str(retention_ms)}
    await ensure_topics(
        kafka,
        [
            TopicSpec(f"{kafka.group}-{name}-changelog", partitions, config, exact=True)
            for name, config in configs.items()
        ],
    )
    return partitions


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = load_settings()
    setup_logs(settings.logs)
    globals()["app"] = app = create_worker(settings)
    return app


def run_worker(settings: Settings, reread: Reread | None = None) -> None:
    """Run a worker in this process until a signal ends it, then leave by SystemExit.

    `reread` gives the settings anew at SIGHUP. Raises what kept the worker from starting, or ended it: a
    StreamappError where that is something to act on.
    """
    if other := running_worker(settings.home):
        raise ConfigurationError(
            f"A worker (process {other.pid}, {other.url}) already runs over {settings.home}.",
            "Stop it, or give this one a state folder of its own with --home (STREAMAPP_HOME).",
        )
    uvloop.install()  # a quarter faster under Faust
    app = create_worker(settings)
    app.life.reread = reread
    try:
        app.Worker().execute_from_commandline()
    except SystemExit:
        reason = explained(app.failure or app.crash_reason, settings)
        if reason is not None:
            raise reason from None
        raise


def explained(reason: BaseException | None, settings: Settings) -> StreamappError | None:
    """What ended the worker as something to act on, where it is that."""
    if isinstance(reason, ConsistencyError):
        return ConfigurationError(
            f"The tables under {settings.worker_folder} know more than their changelogs in Kafka hold: the topics "
            f"were made anew, or another Kafka answers at {settings.kafka.bootstrap_servers}.",
            "Name the right Kafka, give the worker another kafka.group, or delete the state folder and begin again.",
        )
    return reason if isinstance(reason, StreamappError) else None
