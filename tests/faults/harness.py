"""A worker as a process that a test may kill, and what it says of itself over its web."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from streamapp.settings import Settings

KILLING_WORKER = Path(__file__).parent / "killing_worker.py"
READY_SECONDS = 90.0
DRAIN_SECONDS = 120.0


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The condition's first true value; fails the test when it does not come in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class WorkerProcess:
    """One run of a worker over a state folder; `kill_at` makes it kill itself at a set point (see killing_worker)."""

    started: ClassVar[list["WorkerProcess"]] = []
    """Every one of this session, so that none outlives its test."""

    def __init__(self, settings: Settings, kill_at: str = "") -> None:
        self.started.append(self)
        self._home = settings.home
        self._running = settings.home / "run" / "worker.json"
        self._running.unlink(missing_ok=True)
        settings.home.mkdir(parents=True, exist_ok=True)
        self.log = settings.home / "worker.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(KILLING_WORKER), settings.model_dump_json(), kill_at],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | {"PYTHONWARNINGS": "default"},
            )  # fmt: skip

    def url(self) -> str:
        """Where its web is, once it is there."""

        def found() -> str | None:
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            return json.loads(self._running.read_text())["url"] if self._running.exists() else None

        return str(wait_until(found, READY_SECONDS, "the worker's web"))

    def get(self, path: str) -> Any:
        """The JSON of one of its paths."""
        with urllib.request.urlopen(self.url() + path, timeout=30) as response:
            return json.load(response)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def health(self, component: str) -> Any:
        """The health of a component, whatever its status code."""
        try:
            return self.get(f"/health/{component}")
        except urllib.error.HTTPError as error:
            return json.load(error)

    def wait_killed(self) -> None:
        """Wait until it has killed itself."""
        assert self._process.wait(READY_SECONDS) == -signal.SIGKILL, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        assert self._process.wait(60) == 0, self.log.read_text()[-3000:]

    def wait_drained(self, records: int) -> None:
        """Wait until the ledger has counted this many records and all are committed."""
        last: dict[str, Any] = {}

        def drained() -> bool:
            last.update(self.get("/status"))
            return bool(last["ledger"]["consumed"] + last["ledger"]["skipped"] >= records and last["lag"] == 0)

        try:
            wait_until(drained, DRAIN_SECONDS, f"{records} records")
        except AssertionError as error:
            log = self.log.read_text()[-3000:]
            raise AssertionError(f"{error}; status {last}; health {self.get('/health')}; log {log}") from None

    def state(self) -> dict[str, Any]:
        """All tables and all points: what redelivery must not change."""
        tables = {name: self._rows(name) for name in ("products", "users", "minutes", "dedup", "ledger")}
        points = {name: self._points(name) for name in ("ecommerce_embeddings", "products")}
        return {"tables": tables, "points": points}

    def _rows(self, table: str) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        page = 1
        while True:
            found = self.get(f"/tables/{table}?limit=200&page={page}")["rows"]
            rows |= {row["key"]: row["value"] for row in found}
            if not found:
                return rows
            page += 1

    def _points(self, collection: str) -> dict[str, Any]:
        points: dict[str, Any] = {}
        after = ""
        while True:
            page = self.get(f"/points/{collection}?limit=2000&after={after}")
            points |= {point["id"]: point["payload"] for point in page["points"]}
            if page["next"] is None:
                return points
            after = page["next"]
