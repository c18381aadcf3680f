"""`/events/ID`: everything known of one event, from its place in Kafka to its point."""

from typing import Any

from aiohttp import web

from streamapp.web.errors import BadRequestError, NotFoundError
from streamapp.web.format import event_path
from streamapp.web.keys import WORKER
from streamapp.web.negotiate import Answer, wants_page
from streamapp.web.parameters import text

MAX_ID_CHARS = 1024


async def find_event(request: web.Request) -> Answer:
    """`/events?id=`: the form for an event id, and the way from the form to the event's own path."""
    event_id = text(request, "id")
    if event_id.strip("."):
        raise web.HTTPSeeOther(event_path(event_id))
    if wants_page(request) and not event_id:
        return Answer(None, "find_event.html", "Events")
    raise BadRequestError("The parameter id is missing.", "Ask like /events?id=EVENT_ID or /events/EVENT_ID.")


async def event(request: web.Request) -> Answer:
    """`/events/ID`: what became of this event."""
    event_id = request.match_info["event_id"]
    if len(event_id) > MAX_ID_CHARS:
        raise BadRequestError(f"The event id has {len(event_id):,} characters.", f"Ids have at most {MAX_ID_CHARS:,}.")
    known: dict[str, Any] | None = await request.app[WORKER].explain(event_id)
    if known is None:
        raise NotFoundError(
            f"No event “{event_id[:100]}” was seen.",
            "Check the id. An event just sent takes a moment; one that was refused stands among the dead letters.",
        )
    return Answer(known, "event.html", "Event", {"event_id": event_id})
