"""`streamapp explain`: everything known of one event."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from streamapp.errors import StreamappError
from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, settings_from


@example("streamapp explain 8d0d5d36-3f6c-4b41-9b7e-4f8f3fba7d0a")
def explain(
    event_id: Annotated[str, typer.Argument(help="The event's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Where an event came from, what became of it, with which model, and the point it is now."""
    from streamapp.explain import explain_event

    found = asyncio.run(explain_event(settings_from(config, home, assignments), event_id))
    if found is None:
        raise StreamappError(
            f"No event {event_id} was seen.",
            "If its producer sent it, look for it among the dead letters: `streamapp dlq list --grep ID`.",
        )
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        Console().print_json(data=found)
