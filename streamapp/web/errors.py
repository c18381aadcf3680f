"""Every failure as an answer: a sentence that says what is wrong, a hint that says what to do.

In: whatever a handler raises. Out: JSON `{"error", "hint"}` or a page with the same words, and the right status.
What nobody foresaw is logged with its trace and shown without it.
"""

from http import HTTPStatus

import msgspec
from aiohttp import web

from streamapp.errors import StreamappError, UnreachableError
from streamapp.logs import get_logger
from streamapp.search.recommend import UnknownItemError
from streamapp.search.search import BadQuestionError
from streamapp.web.negotiate import Answer, HttpHandler, shape

log = get_logger(__name__)


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Why there is no other answer, and what to do."""

    error: str
    hint: str


class BadRequestError(StreamappError):
    """A request that cannot be served as it is (HTTP 400)."""


class NotFoundError(StreamappError):
    """Nothing is there under this path (HTTP 404)."""


STATUSES: tuple[tuple[type[StreamappError], int], ...] = (
    (BadRequestError, 400),
    (BadQuestionError, 400),
    (NotFoundError, 404),
    (UnknownItemError, 404),
    (UnreachableError, 503),
)
RETRY_AFTER_SECONDS = "5"
"""About as long as a restarted worker or store needs to be back."""

HTTP_ERRORS = {
    404: ("There is no page here.", "The start page / lists the pages, /docs every path with its parameters."),
    405: ("This path only answers GET.", "See /docs for what each path does."),
}


@web.middleware
async def answer_errors(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
    """Turn whatever is raised into an answer."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = await error_response(request, error.status, *HTTP_ERRORS.get(error.status, (error.reason, "")))
        if allow := error.headers.get("Allow"):
            response.headers["Allow"] = allow
        return response
    except StreamappError as error:
        response = await error_response(request, status_of(error), error.message, error.hint)
        if response.status == 503:
            response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response
    except Exception:  # the last door: one broken page must neither end the worker nor show its insides
        resource = request.match_info.route.resource
        log.exception("a page failed", path=resource.canonical if resource else "")
        return await error_response(request, 500, "This page failed.", "The worker's log says why; the worker goes on.")


def status_of(error: StreamappError) -> int:
    """The HTTP status that fits an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


async def error_response(request: web.Request, status: int, error: str, hint: str) -> web.Response:
    """The error as a page or as JSON."""
    title = HTTPStatus(status).phrase
    return await shape(request, Answer(ErrorAnswer(error, hint), "error.html", title, {"status": status}, status))
