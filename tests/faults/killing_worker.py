"""A real worker that kills itself with SIGKILL at a set point: `killing_worker.py SETTINGS_JSON POINT:N`.

The points: `write` before the Nth store write, `checkpoint` after the store write and before the Nth checkpoint (so
before the dedup record), `changelog` inside the Nth checkpoint after the changelogs and before the local files,
`ack` after everything of the Nth checkpoint and before its commit. Without a point it is just a worker.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from streamapp.app import ShopApp
from streamapp.logs import setup_logs
from streamapp.pipeline.tablestore import PartitionStore
from streamapp.settings import Settings
from streamapp.worker import create_worker


def fuse(count: int) -> Callable[[], None]:
    """A function that kills this process at its Nth call."""
    left = [count]

    def burn() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return burn


class KilledBefore:
    """Anything, but that the named method burns a fuse before it is called."""

    def __init__(self, inner: Any, method: str, burn: Callable[[], None]) -> None:
        self._inner, self._method, self._burn = inner, method, burn

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def burning(*args: Any) -> Any:
            self._burn()
            return found(*args)

        return burning


def arm(app: ShopApp, point: str, count: int) -> None:
    burn = fuse(count)
    steps = app.lanes._steps
    if point == "write":
        steps = steps._replace(writer=KilledBefore(steps.writer, "write", burn))
    elif point == "checkpoint":
        steps = steps._replace(checkpoint=KilledBefore(steps.checkpoint, "write", burn))
    elif point == "ack":
        steps = steps._replace(ack=_burning(steps.ack, burn))
    elif point == "changelog":
        write = PartitionStore.write

        def killed(self: PartitionStore, *args: Any) -> None:
            burn()
            write(self, *args)

        PartitionStore.write = killed  # type: ignore[method-assign]
    else:
        raise SystemExit(f"no such point: {point}")
    app.lanes._steps = steps


def _burning(ack: Callable[[Any], Awaitable[None]], burn: Callable[[], None]) -> Callable[[Any], Awaitable[None]]:
    async def acked(event: Any) -> None:
        burn()
        await ack(event)

    return acked


def main() -> None:
    settings = Settings.model_validate_json(sys.argv[1])
    setup_logs(settings.logs)
    uvloop.install()
    app = create_worker(settings)
    if sys.argv[2]:
        point, _, count = sys.argv[2].partition(":")
        arm(app, point, int(count))
    app.Worker().execute_from_commandline()


main()
