"""`streamapp doctor`: is everything ready, and if not, how to mend it."""

import json
from typing import Annotated

import typer
from rich.console import Console

from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, settings_from


@example("streamapp doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Check Java, ports, disk, Kafka, topics, model and store, and say how to mend each; 1 when something is bad."""
    from streamapp.doctor.check import print_checks, report
    from streamapp.doctor.examine import examine

    checks = examine(lambda: settings_from(config, home, assignments))
    found = report(checks)
    print(json.dumps(found, indent=2)) if as_json else print_checks(checks, Console())
    raise typer.Exit(0 if found["good"] else 1)
