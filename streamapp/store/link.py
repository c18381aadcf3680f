"""One life of the engine's process: start it, ask it, hear of its end; `EdgeStore` makes another when it is dead.

In: calls of `wire.py`, from any number of tasks. Out: their raw results, or the error that the failure stands for.
Reads go ahead of queued writes, and few writes are under way at a time, so a search waits for two frames at most.
The trap: one task alone writes to the pipe, and whole frames; so a cancelled caller leaves no half of one behind.
"""

import asyncio
import contextlib
import os
import sys
from collections import deque
from pathlib import Path

import msgspec

from streamapp.clock import monotonic
from streamapp.errors import ConfigurationError, StoreRefusedError, StoreUnavailableError
from streamapp.store import wire

WRITES_UNDER_WAY = 2
"""One in the engine's hands and one on its way, so that the engine never waits; more would only make reads wait."""
START_SECONDS = 20.0
"""How long a start may take beside the wait for the folder; 0.3 s is usual, a busy machine needs more."""

_ERRORS = {
    "refused": StoreRefusedError,
    "unavailable": StoreUnavailableError,
    "configuration": ConfigurationError,
}
_WRITES = (wire.Upsert, wire.Delete)


class _Job:
    """A call on its way, and the future of its result."""

    def __init__(self, request: wire.Request, future: "asyncio.Future[msgspec.Raw]") -> None:
        self.number = request.number
        self.is_write = isinstance(request.call, _WRITES)
        self.frame = wire.encode_frame(request)
        self.future = future


class EngineLink:
    """A running engine process. Create it with `start_engine`."""

    def __init__(self, process: asyncio.subprocess.Process, timeout_seconds: float) -> None:
        self.process = process
        self.lost: str | None = None
        """Why nothing more can be asked; None while the process answers."""
        self._timeout_seconds = timeout_seconds
        self._numbers = wire.READY
        self._reads: deque[_Job] = deque()
        self._writes: deque[_Job] = deque()
        self._sent: dict[int, _Job] = {}
        self._writes_under_way = 0
        self._heard_at = monotonic()
        self._wake = asyncio.Event()
        self._ready: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.create_task(self._listen())
        self._speaker = asyncio.create_task(self._speak())

    async def wait_ready(self, seconds: float) -> None:
        """Return when the process holds its folder; raises ConfigurationError when another one does."""
        try:
            async with asyncio.timeout(seconds):
                await self._ready
        except TimeoutError:
            self.kill()
            raise StoreUnavailableError(f"The engine's process did not start within {seconds:g} s.") from None

    async def ask(self, call: wire.Call) -> msgspec.Raw:
        """The result of one call. Raises StoreUnavailableError (also after the timeout) or StoreRefusedError."""
        self._check_alive()
        self._numbers += 1
        job = _Job(wire.Request(self._numbers, call), asyncio.get_running_loop().create_future())
        (self._writes if job.is_write else self._reads).append(job)
        self._wake.set()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await job.future
        except TimeoutError:
            raise self._give_up(call) from None

    async def close(self) -> None:
        """Let the process finish what it was given, flush, and end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
        await self._listener
        await asyncio.gather(self._speaker, return_exceptions=True)

    def kill(self) -> None:
        """End the process at once. What it confirmed is in its write-ahead log and is not lost."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def _check_alive(self) -> None:
        if self.lost is not None:
            raise StoreUnavailableError(self.lost, "It is started again with the next call.")

    def _give_up(self, call: wire.Call) -> StoreUnavailableError:
        """What to raise after the timeout; a process that was silent all that time is ended, to be started afresh."""
        if monotonic() - self._heard_at >= self._timeout_seconds:
            self.kill()
        name = type(call).__name__.lower()
        return StoreUnavailableError(f"The engine's process did not answer '{name}' in {self._timeout_seconds:g} s.")

    def _next_job(self) -> _Job | None:
        while self._reads:
            if not (job := self._reads.popleft()).future.done():
                return job
        while self._writes and self._writes_under_way < WRITES_UNDER_WAY:
            if not (job := self._writes.popleft()).future.done():
                return job
        return None

    async def _speak(self) -> None:
        assert self.process.stdin is not None
        while True:
            job = self._next_job()
            if job is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            if not self._sent:
                self._heard_at = monotonic()  # silence counts from when there is something to answer
            self._sent[job.number] = job
            self._writes_under_way += job.is_write
            with contextlib.suppress(ConnectionError):  # the listener hears of the end, and tells everybody
                self.process.stdin.write(job.frame)
                await self.process.stdin.drain()

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = wire.LENGTH.unpack(await self.process.stdout.readexactly(wire.LENGTH.size))
                self._hear(wire.decode_reply(await self.process.stdout.readexactly(length)))
        self._mourn(await self.process.wait())

    def _hear(self, reply: wire.Reply) -> None:
        self._heard_at = monotonic()
        if reply.number == wire.READY:
            return _settle(self._ready, reply)
        job = self._sent.pop(reply.number)
        self._writes_under_way -= job.is_write
        self._wake.set()
        return _settle(job.future, reply)

    def _mourn(self, code: int) -> None:
        self.lost = f"The engine's process {self.process.pid} has ended with code {code}."
        self._speaker.cancel()
        waiting = [job.future for job in (*self._sent.values(), *self._reads, *self._writes)]
        for future in (self._ready, *waiting):
            if not future.done():
                future.set_exception(StoreUnavailableError(self.lost, "It is started again with the next call."))
        self._ready.cancelled() or self._ready.exception()  # nobody may be waiting to hear of it
        self._sent.clear()


def _settle(future: "asyncio.Future[msgspec.Raw]", reply: wire.Reply) -> None:
    if future.done():  # its caller was cancelled or has given up
        return
    if reply.failure is None:
        future.set_result(reply.result)
    else:
        future.set_exception(_ERRORS[reply.failure.kind](reply.failure.message, reply.failure.hint))


async def start_engine(folder: Path, timeout_seconds: float, patience_seconds: float) -> EngineLink:
    """Start the process that serves `folder`, and wait until it is ready.

    `patience_seconds` is how long it waits for another process to let go of the folder, for one whose parent was killed
    ends by itself. Raises ConfigurationError when it does not, or when the folder cannot be written.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "streamapp.store.engine", os.fspath(folder), str(patience_seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    link = EngineLink(process, timeout_seconds)
    try:
        await link.wait_ready(patience_seconds + START_SECONDS)
    except BaseException:  # whatever it was, cancellation too, no process is left behind
        link.kill()
        await link.close()
        raise
    return link
