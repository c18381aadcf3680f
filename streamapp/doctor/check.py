"""Checks side by side, each within ten seconds, none of which can raise; and their result as JSON and as a table.

In: named functions that look at one thing and return a `Finding`. Out: a `Check` each, in their order. The trap: a
check that hangs cannot be stopped, so each runs in a daemon thread that ends with the process.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamapp.errors import StreamappError

State = Literal["good", "warning", "bad"]

LIMIT_SECONDS = 10.0
"""For all checks together, since they run side by side; a healthy machine answers in two seconds."""

_SIGNS: dict[State, tuple[str, str]] = {"good": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}


class Finding(NamedTuple):
    """What a check saw, and how to mend it where it is not good."""

    state: State
    seen: str
    mend: str = ""


class Check(NamedTuple):
    """A finding with the name of its check."""

    name: str
    state: State
    seen: str
    mend: str


Look = Callable[[], Finding]


def run_checks(looks: Mapping[str, Look], limit_seconds: float = LIMIT_SECONDS) -> list[Check]:
    """Look at everything at once; what does not come back in time is bad. Never raises."""
    found: dict[str, Finding] = {}

    def look_at(name: str, look: Look) -> None:
        found[name] = _safely(look)

    threads = {
        name: threading.Thread(target=look_at, args=(name, look), name=f"check {name}", daemon=True)
        for name, look in looks.items()
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + limit_seconds
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Finding("bad", f"no result within {limit_seconds:.0f} s", "Is the machine overloaded, or its network slow?")
    return [Check(name, *found.get(name, late)) for name in looks]


def _safely(look: Look) -> Finding:
    try:
        return look()
    except StreamappError as error:
        return Finding("bad", error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding; the others are still wanted
        return Finding("bad", f"the check itself failed: {error!r}", "Please report this.")


def report(checks: list[Check]) -> dict[str, Any]:
    """The JSON of `doctor --json`; `good` unless something is bad."""
    return {"good": all(check.state != "bad" for check in checks), "checks": [check._asdict() for check in checks]}


def print_checks(checks: list[Check], console: Console) -> None:
    """A row per check, with what to do below what was seen; then the sum."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        sign, colour = _SIGNS[check.state]
        seen = Text(check.seen)
        if check.mend:
            seen.append(f"\n{check.mend}", style="dim" if check.state == "good" else colour)
        table.add_row(Text(sign, style=colour), Text(check.name, style="bold"), seen)
    console.print(table)
    console.print(_sum(checks))


def _sum(checks: list[Check]) -> Text:
    bad = sum(check.state == "bad" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if bad:
        return Text(f"\n{bad} of {len(checks)} checks found something to mend.", style="red")
    noted = f", {warnings} with something to know" if warnings else ""
    return Text(f"\nAll {len(checks)} checks passed{noted}.", style="green")
