"""The whole thing in one command: Kafka, a worker and a shop as processes, and what they do, live.

Each part is a process of its own, the same verbs that the Procfile runs. Whatever ends this one ends them all.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from streamapp.audit.run import run_audit, show_audit, write_audit
from streamapp.demo_view import Snapshot, view
from streamapp.errors import ConfigurationError, StreamappError, UnaccountedError, UnreachableError
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.local import local_port, start_broker, stop_signal
from streamapp.kafka.ports import check_port
from streamapp.kafka.topics import ensure_topics, worker_topics
from streamapp.local import ask_worker
from streamapp.running import Running, running_worker
from streamapp.settings import Settings

START_SECONDS = 120.0
"""A worker is ready in about ten seconds; the first one on a cold disk takes a minute to load torch."""

STALL_SECONDS = 120.0
"""A drain that makes no progress for this long has failed."""

STOP_SECONDS = 40.0
"""A worker finishes its batch and checkpoints when told to stop; then it is ended by force."""

DEFAULT_RATE = 500.0
SHARES = ("--duplicates", "0.05", "--invalid", "0.01", "--late", "0.02")
"""What the demo plants, so that there is something to see in every column."""


class Child:
    """One of our verbs as a process; its output goes to a log file."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *arguments: str) -> None:
        """Start `streamapp` with these arguments."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "streamapp", *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode if self._process else None

    async def stop(self) -> None:
        """Ask it to end, and make it end."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-8:])


async def run_demo(
    settings: Settings, *, events: int | None, rate: float | None, leave: bool, flags: Sequence[str] = ()
) -> int:
    """Run until Ctrl-C, or with `leave` until everything is drained and audited; returns the exit code.

    `flags` are those that led to the settings; every process is given them.
    Raises ConfigurationError for a port in use, a full disk or a missing Java; UnreachableError when a part dies.
    """
    if leave and events is None:
        raise ConfigurationError("--exit needs to know when to.", "Add --events, as in `--events 20000 --exit`.")
    check_port(settings.web.port, "STREAMAPP_WEB__PORT={port}")
    demo = Demo(settings, Console(stderr=True), flags)
    try:
        await demo.start(events, rate if rate else None if leave else DEFAULT_RATE)
        if not leave:
            await demo.watch()
            return 0
        await demo.drain()
        return await demo.audit()
    finally:
        await demo.stop()


class Demo:
    """The parts of a demo, from start to stop."""

    def __init__(self, settings: Settings, console: Console, flags: Sequence[str]) -> None:
        self._flags = flags
        self._settings = settings
        self._console = console
        self._stop = stop_signal()
        self._broker = LocalBroker(settings.home, settings.broker, local_port(settings.kafka), die_with_parent=True)
        self._worker = Child("worker", settings.home)
        self._generator = Child("generator", settings.home)

    async def start(self, events: int | None, rate: float | None) -> None:
        """Kafka first, then the worker, and the shop when the worker is ready for it."""
        self._say(f"Starting Kafka on port {self._broker.port} …")
        await start_broker(self._broker)
        await ensure_topics(self._settings.kafka, worker_topics(self._settings.kafka))
        self._say("Starting the worker; it loads the model …")
        await self._worker.start("worker", *self._flags)
        worker = await self._ready()
        self._say(f"\n  pages     {worker.url}/")
        self._say(f"  tables    {worker.url}/tables/")
        self._say(f"  API       {worker.url}/docs")
        self._say('  search    .venv/bin/streamapp search "wireless headphones"\n')
        amount = ("--count", str(events)) if events else ()
        speed = ("--rate", str(rate)) if rate else ()
        await self._generator.start("generate", "shop", *self._flags, *amount, *speed, *SHARES)

    async def _ready(self) -> Running:
        deadline = time.monotonic() + START_SECONDS
        while not self._stop.is_set():
            worker = running_worker(self._settings.home)
            if worker is not None:
                return worker
            self._check(self._worker)
            if time.monotonic() > deadline:
                raise UnreachableError(
                    f"The worker was not ready within {START_SECONDS:.0f} s.", f"See {self._worker.log}."
                )
            await asyncio.sleep(0.1)
        raise KeyboardInterrupt

    def _check(self, child: Child) -> None:
        if child.ended:
            raise UnreachableError(
                f"The {child.name} ended with code {child.ended}:\n{child.last_words()}", f"All of it: {child.log}"
            )

    async def watch(self) -> None:
        """Show progress until Ctrl-C, or until a part dies."""
        await self._show(lambda _: False)
        self._say("Stopping …")

    async def drain(self) -> None:
        """Wait until everything produced is committed. Raises UnreachableError when nothing moves for long."""
        moved, before = time.monotonic(), -1

        def drained(snapshot: Snapshot) -> bool:
            nonlocal moved, before
            consumed = snapshot.status["ledger"]["consumed"]
            if consumed != before:
                moved, before = time.monotonic(), consumed
            if time.monotonic() - moved > STALL_SECONDS:
                raise UnreachableError(
                    f"Nothing moved for {STALL_SECONDS:.0f} s: {snapshot.status['health']}.", f"See {self._worker.log}."
                )
            status = snapshot.status
            return self._generator.ended == 0 and status["lag"] == 0 and status["in_flight"] == 0 and snapshot.settled

        await self._show(drained)
        if self._stop.is_set():
            raise KeyboardInterrupt

    async def _show(self, done: Any) -> None:
        quiet_since = 0
        with Live(console=self._console, refresh_per_second=4, transient=False) as live:
            while not self._stop.is_set():
                self._check(self._worker)
                self._check(self._generator)
                status = await self._status()
                if status is not None:
                    idle = self._generator.ended == 0 and status["lag"] == 0
                    quiet_since = quiet_since + 1 if idle else 0
                    # Lag is measured every other second: twice zero after the producer ended is zero.
                    snapshot = Snapshot(status, settled=quiet_since > 5)
                    live.update(view(snapshot))
                    if done(snapshot):
                        return
                await self._wait(0.5)

    async def _status(self) -> dict[str, Any] | None:
        worker = running_worker(self._settings.home)
        if worker is None:
            return None
        try:
            status: dict[str, Any] = await ask_worker(worker, self._settings, "/status", {})
        except StreamappError:
            return None  # a moment of silence is no fault; a process that ended is, and is checked for
        return status

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def audit(self) -> int:
        """Stop the worker, audit what it left, keep the result; returns the exit code."""
        await self._worker.stop()
        found = await run_audit(self._settings)
        write_audit(found, self._settings.home / "audit.json")
        show_audit(found)
        return 0 if found["balanced"] else UnaccountedError.exit_code

    async def stop(self) -> None:
        """End all parts, the producer first, Kafka last."""
        await self._generator.stop()
        await self._worker.stop()
        await asyncio.to_thread(self._broker.stop)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)
