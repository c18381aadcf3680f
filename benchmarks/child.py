"""A contender's process: start it, hear that it has begun, count its processor time, end it.

In: a command, its environment, a folder. Out: when it began. Whatever happens, `stop` leaves no process behind.
The trap: a child that dies would leave the benchmark waiting for ever, so every wait looks at it.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from streamapp.clock import monotonic
from streamapp.errors import StreamappError

ROOT = str(Path(__file__).resolve().parent.parent)
"""Where this package is found, for contenders run in folders of their own."""
STOP_SECONDS = 60.0
LAST_WORDS = 2000


class Child:
    """One contender while it runs."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self._log = log

    @classmethod
    async def start(cls, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> "Child":
        """Start it in a folder that exists, with these settings alone; its stderr goes to a file there."""
        log = folder / "stderr.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMAPP_")}
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=clean | {"PYTHONPATH": ROOT} | dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches the benchmark alone, which ends it in order
            )
        return cls(name, process, log)

    async def begun(self) -> float:
        """Wait until it says that it has begun; when that was, in monotonic seconds."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:  # Faust has a banner of its own
            if line == b"begun\n":
                return monotonic()
        await self.process.wait()
        self.check_alive()
        raise StreamappError(f"The contender {self.name} has ended before it began.", "That is a bug of ours.")

    def check_alive(self) -> None:
        """Raise StreamappError with its last words when it has ended."""
        if self.process.returncode is not None:
            raise StreamappError(
                f"The contender {self.name} ended with code {self.process.returncode}: {self.last_words()}",
                "Run it again; if it stays so, that is a bug of ours.",
            )

    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        return self._log.read_text("utf-8", errors="replace")[-LAST_WORDS:].strip()

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far of the process, and of the store's process under it."""
        process = psutil.Process(self.process.pid)
        return {"process": _cpu(process), "store": sum(map(_cpu, process.children(recursive=True)))}

    async def stop(self) -> None:
        """End it in order, by force after the deadline."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        finally:
            if self.process.returncode is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                await self.process.wait()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_of(pid: int | None) -> float:
    """Processor time so far of another process."""
    return 0.0 if pid is None else _cpu(psutil.Process(pid))
