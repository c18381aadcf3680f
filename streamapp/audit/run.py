"""An audit from settings to result, with progress on stderr."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from streamapp.audit.compare import compare
from streamapp.audit.gather import gather
from streamapp.audit.planted import compare_planted
from streamapp.audit.report import print_report, report
from streamapp.kafka.clients import check_broker
from streamapp.local import ask_worker, open_points
from streamapp.running import running_worker
from streamapp.settings import Settings
from streamapp.sources.manifest import Manifest


async def run_audit(settings: Settings, manifest: Path | None = None) -> dict[str, Any]:
    """The audit's JSON; see `report`. Raises UnreachableError and ConfigurationError, never for an imbalance."""
    planted = Manifest.read(manifest) if manifest else None
    await check_broker(settings.kafka)
    worker = running_worker(settings.home)
    in_flight = (await ask_worker(worker, settings, "/status", {}))["in_flight"] if worker else 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Counting {settings.kafka.topic} again", total=None)
        async with open_points(settings) as points:
            recount, facts = await gather(
                settings, points, in_flight, lambda done, total: bar.update(task, completed=done, total=total)
            )
    problems = compare(recount, facts)
    if planted is not None:
        problems += compare_planted(planted, facts)
    return report(facts, problems)


def show_audit(found: dict[str, Any]) -> None:
    """The result for people, on stdout."""
    print_report(found, Console())


def write_audit(found: dict[str, Any], path: Path) -> None:
    """Keep the result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
