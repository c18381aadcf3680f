"""`/status`, and the same numbers as they change, pushed to whoever looks.

The status is whatever the worker says of itself; `HEADLINES` names the few numbers that open the start page, and one
that the worker does not (yet) tell is left out. `/status/stream` sends texts ready to show, so that the page's
script only puts them in place.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from streamapp.web.format import live
from streamapp.web.keys import STOPPING, WORKER
from streamapp.web.negotiate import Answer

PUSH_SECONDS = 1.0
"""As often as a partition's work becomes true (worker.checkpoint_seconds)."""


class Headline(NamedTuple):
    """A number that opens the start page: its label, its place in the status, and what it means."""

    label: str
    path: str
    help: str


HEADLINES = (
    Headline("Events/s", "events_per_second", "handled just now"),
    Headline("Lag", "lag", "events waiting in Kafka"),
    Headline("In flight", "in_flight", "read, and not yet final"),
    Headline("Latency, p95", "latency_seconds.p95", "from Kafka to searchable"),
    Headline("Embedded", "ledger.embedded", "events that became points"),
    Headline("Duplicates", "ledger.duplicate", "recognised, not stored again"),
    Headline("Rejected", "ledger.rejected", "dead letters"),
    Headline("Cache hits", "embedding.hit_ratio", "texts that needed no model"),
)


class Card(NamedTuple):
    """A headline with its present value as text."""

    headline: Headline
    text: str


async def status(request: web.Request) -> Answer:
    """`/status`: all numbers."""
    return Answer(request.app[WORKER].status(), "status.html", "Status")


async def stream(request: web.Request) -> web.StreamResponse:
    """`/status/stream`: a server-sent event about once a second, until either side goes."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    stopping = request.app[STOPPING]
    while not stopping.is_set():
        try:
            await response.write(b"data: " + msgspec.json.encode(update(request.app[WORKER].status())) + b"\n\n")
        except ConnectionError:
            break  # the page was closed
        try:
            await asyncio.wait_for(stopping.wait(), PUSH_SECONDS)
        except TimeoutError:
            continue
    return response


def update(status: Mapping[str, Any]) -> dict[str, Any]:
    """What a live page needs: every number as text by its path, and whether anything has happened at all."""
    return {"empty": is_empty(status), "texts": dict(live(status))}


def is_empty(status: Mapping[str, Any]) -> bool:
    """Whether no event was consumed yet.

    >>> is_empty({"ledger": {"consumed": 0}}), is_empty({"ledger": {"consumed": 3}})
    (True, False)
    """
    return not at(status, "ledger.consumed")


def at(status: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = status
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def cards(status: Mapping[str, Any]) -> list[Card]:
    """The headlines that the worker tells."""
    texts = dict(live(status))
    return [Card(headline, texts[headline.path]) for headline in HEADLINES if headline.path in texts]
