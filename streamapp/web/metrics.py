"""`/metrics`: Prometheus's own format, whoever asks."""

import asyncio

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from streamapp.web.keys import REGISTRY


async def metrics(request: web.Request) -> web.Response:
    """Every metric of this worker; collecting may read tables, so it runs in a thread."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = await asyncio.to_thread(encode, request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": content_type})
