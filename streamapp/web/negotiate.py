"""One answer, two shapes: a page for browsers, JSON for programs, on the same path.

A handler returns an `Answer` and need not know who asks. `?format=json` or `?format=html` decides; else the Accept
header; and `*/*` (curl, most libraries) means JSON.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from streamapp.web.keys import TEMPLATES

MAX_TEXT = 4096
"""Characters of an Accept header that are looked at; browsers send about a hundred."""


class Answer(NamedTuple):
    """What a handler found: `data` is the JSON, `template` shows it, `more` is for the page alone."""

    data: Any
    template: str
    title: str
    more: Mapping[str, Any] = {}
    status: int = 200


Handler = Callable[[web.Request], Awaitable[Answer | web.StreamResponse]]
HttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def both_ways(handler: Handler) -> HttpHandler:
    """A handler for aiohttp that gives the answer in the shape that was asked for."""

    async def answer(request: web.Request) -> web.StreamResponse:
        found = await handler(request)
        return await shape(request, found) if isinstance(found, Answer) else found

    return answer


async def shape(request: web.Request, answer: Answer) -> web.Response:
    """The answer as a page or as JSON."""
    if not wants_page(request):
        return json_response(answer.data, answer.status)
    template = request.app[TEMPLATES].get_template(answer.template)
    # In a thread: a page of 200 rows takes tens of milliseconds, which the event loop must not wait for.
    text = await asyncio.to_thread(template.render, page_context(request, answer))
    return web.Response(
        text=text, status=answer.status, content_type="text/html", charset="utf-8", headers={"Vary": "Accept"}
    )


def page_context(request: web.Request, answer: Answer) -> dict[str, Any]:
    """What every template may use."""
    return {
        "data": answer.data,
        "title": answer.title,
        "path": request.path,
        "query": request.query.get("q", ""),
        "json_url": str(request.rel_url.update_query(format="json")),
        **answer.more,
    }


def json_response(data: Any, status: int = 200) -> web.Response:
    """JSON without surprises: NaN becomes null, structs become objects."""
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json", headers={"Vary": "Accept"}
    )


def wants_page(request: web.Request) -> bool:
    """Whether a page is wanted rather than JSON."""
    wanted = request.query.get("format")
    if wanted in ("json", "html"):
        return wanted == "html"
    return prefers_html(request.headers.get("Accept", ""))


def prefers_html(accept: str) -> bool:
    """Whether an Accept header wants HTML more than JSON.

    >>> prefers_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    True
    >>> prefers_html("*/*")
    False
    """
    wishes = dict(map(_wish, accept[:MAX_TEXT].lower().split(",")))
    return _quality(wishes, "text", "html") > _quality(wishes, "application", "json")


def _quality(wishes: Mapping[str, float], kind: str, subkind: str) -> float:
    return wishes.get(f"{kind}/{subkind}", wishes.get(f"{kind}/*", wishes.get("*/*", 0.0)))


def _wish(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media, _number(value)
    return media, 1.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
