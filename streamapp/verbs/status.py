"""`streamapp status`: what the running worker says of itself, once or every second.

The numbers are those of `/status`; one that the worker does not tell is left out.
"""

import asyncio
import contextlib
import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streamapp.errors import UnreachableError
from streamapp.settings import Settings
from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, settings_from
from streamapp.web.format import live

WATCH_SECONDS = 1.0
"""As often as a partition's work becomes true (worker.checkpoint_seconds)."""

ROWS = (
    (("events/s", "events_per_second"), ("lag", "lag"), ("in flight", "in_flight")),
    (("events", "events"), ("partitions", "partitions"), ("up", "uptime_seconds")),
    (("consumed", "ledger.consumed"), ("embedded", "ledger.embedded"), ("duplicate", "ledger.duplicate")),
    (("rejected", "ledger.rejected"), ("deleted", "ledger.deleted"), ("cache hits", "embedding.hit_ratio")),
    (("latency p50", "latency_seconds.p50"), ("p95", "latency_seconds.p95"), ("p99", "latency_seconds.p99")),
)
"""What is shown, as (label, place in the status)."""

_COLOURS = {"up": "green", "closed": "green", "degraded": "yellow", "half-open": "yellow"}


@example("streamapp status --watch")
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look every second, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout; with --watch a line a second.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Rate, lag, ledger, latency, cache hits and health of the running worker; 4 when none runs."""
    settings = settings_from(config, home, assignments)
    if watch:
        _watch(settings, as_json)
    elif as_json:
        print(json.dumps(ask(settings), indent=2))
    else:
        Console().print(view(ask(settings)))


def ask(settings: Settings) -> dict[str, Any]:
    """The worker's status. Raises UnreachableError when none runs over this folder, or it does not answer."""
    from streamapp.running import running_worker

    worker = running_worker(settings.home)
    if worker is None:
        raise UnreachableError(
            f"No worker runs over {settings.home}.",
            "Start one with `streamapp worker` or `make demo`, or name its state folder with --home (STREAMAPP_HOME).",
        )
    from streamapp.local import ask_worker  # late: it knows every part, and takes a second to load

    found: dict[str, Any] = asyncio.run(ask_worker(worker, settings, "/status", {}))
    return found


def view(found: dict[str, Any]) -> Group:
    """The status as a few rows of numbers, and the parts' health."""
    texts = dict(live(found))
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column(style="dim")
        grid.add_column(justify="right", min_width=9)
    for row in ROWS:
        grid.add_row(*(cell for label, path in row for cell in (label, Text(texts.get(path, "—"), style="bold"))))
    title = Text.assemble(("streamapp", "bold"), f" · {found.get('topic', '')}")
    return Group(title, "", grid, "", _health(found))


def _health(found: dict[str, Any]) -> Text:
    """Each part with its state, and the breaker where it is not closed."""
    parts = dict(found.get("health", {}))
    if found.get("breaker", "closed") != "closed":
        parts["breaker"] = found["breaker"]
    line = Text()
    for name, state in parts.items():
        line.append(f"{name} ", style="dim").append(f"{state}   ", style=_COLOURS.get(state, "red"))
    return line


def _watch(settings: Settings, as_json: bool) -> None:
    """Show what changes until Ctrl-C, which is how one ends looking, not an interruption."""
    with contextlib.suppress(KeyboardInterrupt):
        if as_json:
            while True:
                print(json.dumps(ask(settings)), flush=True)
                time.sleep(WATCH_SECONDS)
        with Live(view(ask(settings)), console=Console(), auto_refresh=False) as shown:
            while True:
                time.sleep(WATCH_SECONDS)
                shown.update(view(ask(settings)), refresh=True)
