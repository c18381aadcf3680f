"""`/points/{collection}`: stored points in id order, page by page; what an audit reads beside a running worker."""

from aiohttp import web

from streamapp.store.remote import PointPage
from streamapp.web.errors import NotFoundError
from streamapp.web.keys import WORKER
from streamapp.web.negotiate import json_response
from streamapp.web.parameters import text, texts, whole

DEFAULT_POINTS = 100
MAX_POINTS = 2000


async def points(request: web.Request) -> web.Response:
    """Points after the id `after`, with all payload fields or those in `fields`."""
    worker, collection = request.app[WORKER], request.match_info["collection"]
    if collection not in worker.collections:
        raise NotFoundError(f"There is no collection {collection}.", f"There are {', '.join(worker.collections)}.")
    limit = whole(request, "limit", DEFAULT_POINTS, 1, MAX_POINTS)
    page = await worker.points(collection, text(request, "after") or None, limit, texts(request, "fields") or None)
    return json_response(PointPage(page.points, page.next))
