"""The verbs that are processes of their own, as the Procfile runs them: demo, kafka, worker."""

import asyncio
from typing import Annotated

import typer

from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, flag, given_flags, settings_from, sources_from


@example("streamapp demo --events 20000 --exit")
def demo(
    events: Annotated[int | None, typer.Option(help="Stop producing after this many (default: go on).", min=1)] = None,
    rate: Annotated[float | None, typer.Option(help="Events a second (default: 500; with --exit: all).")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="Drain, audit, print the ledger and end.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Everything in one command: Kafka, the worker with its web, and a shop that produces. Ctrl-C ends it all."""
    from streamapp.demo import run_demo

    settings = settings_from(config, home, assignments)
    flags = given_flags(config, home, assignments)
    raise typer.Exit(asyncio.run(run_demo(settings, events=events, rate=rate, leave=leave, flags=flags)))


@example("streamapp kafka --port 9093")
def kafka(
    port: Annotated[int | None, typer.Option(help="Port (default: that of kafka.bootstrap_servers).")] = None,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """A real Apache Kafka on this machine, without Docker; its data stays under the state folder."""
    from streamapp.kafka.local import run_broker

    settings = settings_from(config, home, assignments)
    asyncio.run(run_broker(settings.home, settings.broker, settings.kafka, port))


@example("streamapp worker --topic shop-events --set events.fields='{product.name: title}'")
def worker(
    topic: Annotated[str | None, typer.Option(help="Topic to read, any name.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages; 0 takes a free one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait up to two minutes for Kafka to answer.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Read the topic, and keep points, tables and pages up to date. SIGHUP reads the settings again."""
    from streamapp.config import load_settings, reload
    from streamapp.kafka.clients import wait_for_broker
    from streamapp.logs import setup_logs
    from streamapp.worker import run_worker

    flags = {"kafka.topic": flag("--topic", topic), "web.port": flag("--port", port)}
    sources = sources_from(config, home, assignments, flags)
    settings = load_settings(sources.overrides, file=sources.file)
    setup_logs(settings.logs)
    if wait:
        asyncio.run(wait_for_broker(settings.kafka))
    run_worker(settings, lambda old: reload(old, sources.overrides, file=sources.file))
