"""A producer put together: a source, a manifest if one is wanted, and a progress line."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from streamapp.errors import ConfigurationError
from streamapp.kafka.clients import wait_for_broker
from streamapp.kafka.topics import ensure_topics, worker_topics
from streamapp.settings import KafkaSettings
from streamapp.sources.manifest import ManifestWriter
from streamapp.sources.producer import Delivered, produce
from streamapp.sources.replay import replay_lines
from streamapp.sources.shares import Shares
from streamapp.sources.shop import open_shop


class Order(NamedTuple):
    """What a shop producer is asked for; see `streamapp generate shop --help`."""

    limit: int | None
    rate: float | None
    burst: int
    seed: int
    shares: Shares
    manifest: Path | None
    catalogue: Path | None
    source: str | None
    now: float


def check_files(order: Order) -> None:
    """Raise ConfigurationError for a file that is not there, before anything else is tried."""
    if order.source and order.source != "-" and not Path(order.source).is_file():
        raise ConfigurationError(f"There is no file {order.source}.", "Name a file of JSON lines, or - for stdin.")
    if order.catalogue and not order.catalogue.is_file():
        raise ConfigurationError(f"There is no file {order.catalogue}.", "Name a CSV or JSON-lines file of products.")


async def generate_shop(
    kafka: KafkaSettings, order: Order, *, user_field: str = "user_id", wait: bool = False
) -> Delivered:
    """Produce what was ordered, with progress on stderr. Makes the topic where it is missing.

    `user_field`: where a replayed event says its user, who becomes the key.
    """
    if order.source and (order.manifest or order.catalogue or order.shares != Shares()):
        raise ConfigurationError(
            "--from replays a file as it is; nothing can be planted in it.",
            "Leave --manifest, --catalogue and the shares away, or leave --from away.",
        )
    check_files(order)
    if wait:
        await wait_for_broker(kafka)
    await ensure_topics(kafka, worker_topics(kafka))
    with ExitStack() as stack:
        writer = None
        if order.source:
            records = islice(replay_lines(order.source, user_field), order.limit)
        else:
            shop = open_shop(
                seed=order.seed,
                now=order.now,
                count=order.limit,
                rate=order.rate,
                shares=order.shares,
                catalogue=order.catalogue,
            )
            records = islice(shop.records(order.limit), order.limit)
            if order.manifest:
                writer = ManifestWriter(order.manifest, seed=order.seed, topic=kafka.topic, describe=shop.describe)
                stack.enter_context(writer)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} records"),
            TextColumn("{task.fields[speed]:,.0f}/s"),
            TimeElapsedColumn(),
        )
        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
        task = bar.add_task(kafka.topic, total=order.limit, speed=0.0)
        delivered = await produce(
            records,
            kafka,
            rate=order.rate,
            burst=order.burst,
            on_delivered=writer.add if writer else None,
            on_progress=lambda so_far: bar.update(task, completed=so_far.records, speed=so_far.per_second),
        )
        if writer is not None:
            writer.close(delivered.unconfirmed)
        return delivered
