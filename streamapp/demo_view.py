"""What the demo shows while it runs: a panel of a dozen numbers. Pure."""

from typing import Any, NamedTuple

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


class Snapshot(NamedTuple):
    """A worker's status, and whether nothing has moved for a while."""

    status: dict[str, Any]
    settled: bool


def view(snapshot: Snapshot) -> Panel:
    """The numbers as a panel."""
    status = snapshot.status
    ledger, latency = status["ledger"], status["latency_seconds"]
    numbers = Table.grid(padding=(0, 3))
    for _ in range(6):
        numbers.add_column(justify="right")
    numbers.add_row(
        *_pair("events/s", f"{status['events_per_second']:,.0f}"),
        *_pair("lag", _count(status["lag"])),
        *_pair("in flight", _count(status["in_flight"])),
    )
    numbers.add_row(
        *_pair("searchable", _count(ledger["embedded"])),
        *_pair("duplicates", _count(ledger["duplicate"])),
        *_pair("rejects", _count(ledger["rejected"])),
    )
    numbers.add_row(
        *_pair("cache hits", _share(status["embedding"]["hit_ratio"])),
        *_pair("latency p50", _seconds(latency["p50"])),
        *_pair("p95", _seconds(latency["p95"])),
    )
    ill = {name: state for name, state in status["health"].items() if state != "up"}
    health = Text("all parts up", style="green") if not ill else Text(str(ill), style="yellow")
    return Panel(Group(numbers, health), title=f"streamapp · {status['topic']}", title_align="left", expand=False)


def _pair(name: str, value: str) -> tuple[Text, Text]:
    return Text(name, style="dim"), Text(value, style="bold")


def _count(value: int | None) -> str:
    return "…" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "…" if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return "…" if value is None else f"{value:.2f} s"
