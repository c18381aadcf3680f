"""`streamapp status`: a worker's own words, or one sentence where none runs. The worker here is a web server alone."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from aiohttp import web
from rich.console import Console
from typer.testing import CliRunner, Result

from streamapp.running import process_start, running_file
from streamapp.verbs.errors import VerbGroup
from streamapp.verbs.status import ROWS, status, view

STATUS: dict[str, Any] = {
    "topic": "shop[1]",
    "partitions": 16,
    "uptime_seconds": 75.0,
    "events": 12_345,
    "events_per_second": 1_234.5,
    "lag": 7,
    "in_flight": 3,
    "ledger": {"consumed": 12_000, "embedded": 11_000, "duplicate": 600, "rejected": 300, "deleted": 100, "skipped": 0},
    "latency_seconds": {"p50": 0.05, "p95": 0.25, "p99": None},
    "embedding": {"model": "m", "hit_ratio": 0.5},
    "breaker": "closed",
    "health": {"worker": "up", "kafka": "down"},
}


def shown(found: dict[str, Any]) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(view(found))
    return capture.get()


def run(*arguments: str) -> Result:
    app = typer.Typer(cls=VerbGroup)
    app.command("status")(status)
    app.command("other")(status)
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["status", *arguments])


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[list[str]]:
    """A worker's `/status` over `tmp_path`; gives the Authorization headers that it was sent."""
    sent: list[str] = []
    started, done = threading.Event(), threading.Event()

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Authorization", ""))
        return web.json_response(STATUS)

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/status", answer)
        runner = web.AppRunner(app, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running_file(tmp_path).parent.mkdir()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        note = {"pid": os.getpid(), "url": url, "started": process_start(os.getpid())}
        running_file(tmp_path).write_text(json.dumps(note))
        started.set()
        await asyncio.to_thread(done.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    yield sent
    done.set()
    thread.join(10)


def test_every_number_is_shown_with_its_unit() -> None:
    text = shown(STATUS)
    for part in ("shop[1]", "1,234.5", "11,000", "50 ms", "250 ms", "50.0 %", "1 min 15 s", "kafka down", "worker up"):
        assert part in text
    assert "breaker" not in text


def test_what_is_not_told_is_left_open() -> None:
    assert shown({}).count("—") == sum(map(len, ROWS))
    assert "—" in shown(STATUS)


def test_a_breaker_that_is_not_closed_is_shown() -> None:
    assert "breaker half-open" in shown(STATUS | {"breaker": "half-open"})


def test_the_worker_is_asked_with_the_token(worker: list[str], tmp_path: Path) -> None:
    result = run("--json", "--home", str(tmp_path), "--set", "web.token=secret")
    assert json.loads(result.stdout) == STATUS
    assert worker == ["Bearer secret"]


def test_people_get_a_view(worker: list[str], tmp_path: Path) -> None:
    result = run("--home", str(tmp_path))
    assert "1,234.5" in result.stdout
    assert (result.exit_code, worker) == (0, [""])


@pytest.mark.parametrize("options", [[], ["--json"], ["--watch"]])
def test_without_a_worker_one_sentence_says_so(tmp_path: Path, options: list[str]) -> None:
    result = run("--home", str(tmp_path), *options)
    assert result.exit_code == 4
    assert "No worker runs over" in result.stderr
    assert "streamapp worker" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ctrl_c_ends_a_watch_well(
    worker: list[str], tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def second_wait_is_interrupted(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("streamapp.verbs.status.time.sleep", second_wait_is_interrupted)
    result = run("--watch", "--home", str(tmp_path), *options)
    assert (result.exit_code, len(worker)) == (0, 2)
    assert "1,234.5" in result.stdout or result.stdout.count('"lag": 7') == 2
