"""What every path does, for people (`/docs`) and programs (`/openapi.json`), from one table.

The shapes of answers come from the very structs the handlers return, so they cannot drift. A test holds this table
against `routes.ROUTES` in both directions.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from aiohttp import web

import streamapp
from streamapp.pipeline.views import Health
from streamapp.search.recommend import Recommendation
from streamapp.search.search import MAX_LIMIT, ProductHit
from streamapp.store.remote import PointPage
from streamapp.web.errors import ErrorAnswer
from streamapp.web.health import HealthReport
from streamapp.web.negotiate import Answer, json_response
from streamapp.web.points import DEFAULT_POINTS, MAX_POINTS
from streamapp.web.start import StartAnswer
from streamapp.web.tables import DEFAULT_ROWS, MAX_ROWS, TableInfo, TablePage, TableRow

JSON = "application/json"


class Parameter(NamedTuple):
    """One parameter of a path."""

    name: str
    description: str
    kind: Literal["string", "integer"] = "string"
    where: Literal["query", "path"] = "query"
    required: bool = False
    repeated: bool = False


class Operation(NamedTuple):
    """What GET on a path does; `answer` is the type of its JSON, `media` what it sends beside pages."""

    summary: str
    answer: Any = dict[str, Any]
    parameters: tuple[Parameter, ...] = ()
    failures: Mapping[int, str] = {}
    media: str = JSON
    page: bool = True
    example: str = ""


def _path(name: str, description: str) -> Parameter:
    return Parameter(name, description, where="path", required=True)


LIMIT = Parameter("limit", f"how many hits, 1 to {MAX_LIMIT}", "integer")
FORMAT = Parameter("format", "json or html, when the Accept header should not decide")
BAD = "a parameter is not as it must be"
AWAY = "the store does not answer now; try again later"
DOWN = "it does not hold now; the answer says why and since when"

OPERATIONS: Mapping[str, Operation] = {
    "/": Operation("What is going on, and the way to everything else", StartAnswer),
    "/status": Operation("Rates, lag, ledger, caches and latency"),
    "/status/stream": Operation(
        "The status as server-sent events, about one a second", str, media="text/event-stream", page=False
    ),
    "/tables/": Operation("The live tables with help text, size and partitions", list[TableInfo]),
    "/tables/{name}": Operation(
        "A page of a table's rows, in key order",
        TablePage,
        (
            _path("name", "the table"),
            Parameter("page", "which page, from 1", "integer"),
            Parameter("limit", f"rows per page, 1 to {MAX_ROWS}; {DEFAULT_ROWS} unless told", "integer"),
            Parameter("search", "only rows whose key or names contain this"),
        ),
        {400: BAD, 404: "no such table"},
        example="/tables/products?search=shoe",
    ),
    "/tables/{name}/{key}": Operation(
        "One entry of a table",
        TableRow,
        (_path("name", "the table"), _path("key", "the key, percent-encoded (a slash as %2F)")),
        {404: "no such table or entry"},
    ),
    "/search": Operation(
        "Products nearest in meaning to a question, best first",
        list[ProductHit],
        (
            Parameter("q", "the question, in plain words", required=True),
            LIMIT,
            Parameter("category", "only products of exactly this category"),
        ),
        {400: BAD, 503: AWAY},
        example="/search?q=wireless+headphones&limit=5",
    ),
    "/recommend": Operation(
        "What else? By one of: a product, a user, or examples; each hit says why",
        list[Recommendation],
        (
            Parameter("product", "products nearest to this one (product id)"),
            Parameter("user", "what fits this user's recent events, without what they bought (user id)"),
            Parameter("positive", "like these (product ids)", repeated=True),
            Parameter("negative", "and unlike these (product ids)", repeated=True),
            LIMIT,
        ),
        {400: BAD, 404: "no such product or user", 503: AWAY},
    ),
    "/events": Operation(
        "The way to an event by its id: redirects to its own path",
        ErrorAnswer,
        (Parameter("id", "the event id", required=True),),
        {303: "to /events/{event_id}", 400: BAD},
    ),
    "/events/{event_id}": Operation(
        "Everything known of one event: origin, verdict, batch, model revision, point",
        parameters=(_path("event_id", "the event id, percent-encoded"),),
        failures={404: "never seen", 503: AWAY},
    ),
    "/points/{collection}": Operation(
        "Stored points in id order, page by page",
        PointPage,
        (
            _path("collection", "the collection"),
            Parameter("after", "the id to go on after: `next` of the page before"),
            Parameter("limit", f"points per page, 1 to {MAX_POINTS}; {DEFAULT_POINTS} unless told", "integer"),
            Parameter("fields", "payload fields; all unless told", repeated=True),
        ),
        {400: BAD, 404: "no such collection", 503: AWAY},
        page=False,
    ),
    "/health": Operation("Every component's state, why and since when", HealthReport, failures={503: DOWN}),
    "/health/live": Operation("Whether the worker turns, whatever else is down", Health, failures={503: DOWN}),
    "/health/ready": Operation("Whether every component does its part", HealthReport, failures={503: DOWN}),
    "/health/{component}": Operation(
        "One component: kafka, store, model, worker, system",
        Health,
        (_path("component", "its name"),),
        {404: "no such component", 503: DOWN},
    ),
    "/metrics": Operation("Metrics for Prometheus", str, media="text/plain", page=False),
    "/docs": Operation("This: every path, as a page"),
    "/openapi.json": Operation("This: every path, as an OpenAPI 3.1 document", page=False),
}


async def docs(_: web.Request) -> Answer:
    """`/docs`: every path."""
    return Answer(document(), "docs.html", "Docs", {"operations": OPERATIONS})


async def specification(_: web.Request) -> web.Response:
    """`/openapi.json`: every path, for programs."""
    return json_response(document())


def document(operations: Mapping[str, Operation] = OPERATIONS) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations."""
    types = [ErrorAnswer, *(operation.answer for operation in operations.values())]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "streamapp",
            "version": streamapp.__version__,
            "description": "A shop's event stream turned into live meaning. Each path is a page for browsers and "
            "JSON for programs.",
        },
        "paths": {
            path: {"get": _operation(path, operation, schema, schemas[0])}
            for (path, operation), schema in zip(operations.items(), schemas[1:], strict=True)
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(path: str, operation: Operation, schema: Any, error: Any) -> dict[str, Any]:
    content = {operation.media: {"schema": schema}}
    if operation.page:
        content["text/html"] = {"schema": {"type": "string"}}
    parameters = (*operation.parameters, FORMAT) if operation.page else operation.parameters
    failed = {"content": {JSON: {"schema": error}}}
    return {
        "operationId": path.strip("/").replace("/", "_").replace("{", "").replace("}", "").replace(".", "_") or "start",
        "summary": operation.summary,
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": {
            "200": {"description": "The answer.", "content": content},
            **{str(status): {"description": why, **_failed(status, content, failed)}
               for status, why in sorted(operation.failures.items())},
        },
    }  # fmt: skip


def _failed(status: int, content: Any, failed: Mapping[str, Any]) -> Mapping[str, Any]:
    if status < 400:
        return {}
    return failed


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind}
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.required,
        "schema": {"type": "array", "items": schema} if parameter.repeated else schema,
    }
