"""`streamapp audit`: the ledger, proved."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, flag, settings_from


@example("streamapp audit --manifest manifest.jsonl")
def audit(
    manifest: Annotated[Path | None, typer.Option(help="Prove it against what a producer planted, too.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to audit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Count every record of the topic again and hold it against ledger, store and dead letters; 5 when it is off."""
    from streamapp.audit.run import run_audit, show_audit

    settings = settings_from(config, home, assignments, {"kafka.topic": flag("--topic", topic)})
    found = asyncio.run(run_audit(settings, manifest))
    print(json.dumps(found, indent=2)) if as_json else show_audit(found)
    if not found["balanced"]:
        raise typer.Exit(5)
