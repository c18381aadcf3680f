"""`streamapp kafka`: the local broker as a process of its own, until a signal ends it."""

import asyncio
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from streamapp.errors import ConfigurationError, UnreachableError
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.ports import LOCALHOST
from streamapp.kafka.topics import ensure_topics, worker_topics
from streamapp.settings import BrokerSettings, KafkaSettings


def local_port(kafka: KafkaSettings) -> int:
    """The port that the settings expect a broker of this machine on.

    Raises ConfigurationError when they name another machine: there is nothing to start here then.
    """
    host, _, port = kafka.bootstrap_servers.partition(":")
    if host not in (LOCALHOST, "localhost") or not port.isdigit():
        raise ConfigurationError(
            f"kafka.bootstrap_servers is {kafka.bootstrap_servers}, which is not a port of this machine.",
            f"Unset it to use a local Kafka, or give --port; the default is {LOCALHOST}:9092.",
        )
    return int(port)


async def run_broker(home: Path, settings: BrokerSettings, kafka: KafkaSettings, port: int | None) -> None:
    """Start Kafka, make the topics, and wait for SIGINT or SIGTERM. Raises what `LocalBroker` raises."""
    broker = LocalBroker(home, settings, local_port(kafka) if port is None else port)
    stop = stop_signal()
    await start_broker(broker)
    try:
        here = kafka.model_copy(update={"bootstrap_servers": broker.bootstrap_servers})
        await ensure_topics(here, worker_topics(here))
        print(f"Kafka answers at {broker.bootstrap_servers}. Ctrl-C ends it.", file=sys.stderr)
        while not stop.is_set():
            if broker.exit_code is not None:
                raise UnreachableError(
                    f"Kafka ended by itself with code {broker.exit_code}.", f"See {home / 'logs' / 'kafka.log'}."
                )
            await _wait(stop, 0.5)
    finally:
        await asyncio.to_thread(broker.stop)


def stop_signal() -> asyncio.Event:
    """An event that SIGINT, SIGTERM and a closed terminal set, in place of ending the process at once."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def start_broker(broker: LocalBroker) -> None:
    """Start a broker and wait until it answers, with a bar while its jars load for the first time."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Kafka's jars", total=None, name="", visible=False)

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, name=name, visible=done < total)

        await asyncio.to_thread(broker.start, show)
    await broker.wait_ready()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
