"""`streamapp generate`: producers. Each source is a verb of its own."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from streamapp.verbs.errors import VerbGroup
from streamapp.verbs.options import Assignments, ConfigFile, Home, flag, settings_from

app = typer.Typer(cls=VerbGroup, name="generate", help="Produce events into Kafka.", no_args_is_help=True)

Share = Annotated[float, typer.Option(min=0.0, max=1.0)]


@app.callback()
def sources() -> None:
    """Produce events into Kafka."""


@app.command(epilog="Example: streamapp generate shop --count 20000 --duplicates 0.05 --manifest m.jsonl")
def shop(
    count: Annotated[int | None, typer.Option(min=1, help="Records in all (default: without end).")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Records a second (default: all at once).")] = None,
    burst: Annotated[int, typer.Option(min=1, help="With --rate: send so many at once, then wait.")] = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same visits (default: the time).")] = None,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share of events that come again.")] = 0.0,
    invalid: Annotated[float, typer.Option(min=0, max=1, help="Share of records that cannot be used.")] = 0.0,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share of events that come late.")] = 0.0,
    tombstones: Annotated[float, typer.Option(min=0, max=1, help="Share of null values that delete an event.")] = 0.0,
    manifest: Annotated[Path | None, typer.Option(help="Note what was planted, for `audit --manifest`.")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="Your products: CSV or JSON lines.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="Replay events: JSON lines (.gz, -).")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to write to.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait up to two minutes for Kafka to answer.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """A shop's visits: people view, add to cart and buy. Or your own events with --from."""
    from streamapp.generate import Order, generate_shop
    from streamapp.sources.shares import Shares

    settings = settings_from(config, home, assignments, {"kafka.topic": flag("--topic", topic)})
    shares = Shares(duplicates=duplicates, late=late, invalid=invalid, tombstones=tombstones)
    order = Order(
        count,
        rate,
        burst,
        int(time.time()) if seed is None else seed,
        shares,
        manifest,
        catalogue,
        source,
        now=time.time(),
    )
    user_field = settings.events.fields.get("user_id", "user_id")
    delivered = asyncio.run(generate_shop(settings.kafka, order, user_field=user_field, wait=wait))
    print(
        f"{delivered.records:,} records delivered to {delivered.topic}, {delivered.per_second:,.0f}/s", file=sys.stderr
    )
    if delivered.unconfirmed:
        print(f"{delivered.unconfirmed:,} were sent but not acknowledged.", file=sys.stderr)
    if delivered.interrupted:
        raise typer.Exit(130)
