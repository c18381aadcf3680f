"""The web of a running worker: the application, and a server that binds its port and says where.

In: what the worker shows of itself, and the two answerers. Out: pages and JSON on the paths of `routes.ROUTES`.
It runs in the worker's own event loop, so whatever may take long runs in a thread.
"""

import asyncio
import errno
import socket
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from streamapp.clock import Clock, wall
from streamapp.errors import ConfigurationError, PortInUseError
from streamapp.kafka.ports import holder
from streamapp.pipeline.views import WorkerView
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search
from streamapp.settings import WebSettings
from streamapp.web import keys
from streamapp.web.errors import answer_errors
from streamapp.web.guard import add_headers, check_binding, guard
from streamapp.web.negotiate import both_ways
from streamapp.web.pages import create_templates
from streamapp.web.routes import ROUTES

STATIC = Path(__file__).parent / "static"
SHUTDOWN_SECONDS = 3.0
"""How long requests in flight may take to end; live streams end at once."""


def create_web(
    worker: WorkerView,
    search: Search,
    recommend: Recommend,
    settings: WebSettings,
    metrics_registry: CollectorRegistry,
    clock: Clock = wall,
) -> web.Application:
    """The application, ready for `WebServer`. Raises ConfigurationError when it would be open to others."""
    check_binding(settings)
    add_slash = web.normalize_path_middleware(append_slash=True, merge_slashes=False)
    drop_slash = web.normalize_path_middleware(append_slash=False, remove_slash=True, merge_slashes=False)
    app = web.Application(middlewares=[guard(settings), answer_errors, add_slash, drop_slash])
    app[keys.WORKER] = worker
    app[keys.SEARCH] = search
    app[keys.RECOMMEND] = recommend
    app[keys.REGISTRY] = metrics_registry
    app[keys.TEMPLATES] = create_templates(ROUTES)
    app[keys.STARTED] = clock()
    app[keys.STOPPING] = asyncio.Event()
    for route in ROUTES:
        app.router.add_get(route.pattern, both_ways(route.handler))
    app.router.add_static("/static/", STATIC)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_streams)
    return app


class WebServer:
    """Serves an application on the address of the settings."""

    def __init__(self, app: web.Application, settings: WebSettings) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._settings = settings
        self.port = 0

    @property
    def url(self) -> str:
        """Where a browser finds it; an address that means "everywhere" is shown as localhost."""
        host = self._settings.host
        shown = "localhost" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
        return f"http://{shown}:{self.port}"

    async def start(self) -> str:
        """Bind and serve; returns the url. Port 0 takes a free one, told by `port`.

        Raises PortInUseError with the holder's name, ConfigurationError for any other refusal.
        """
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self._settings.host or None, self._settings.port)
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise _refused(self._settings, error) from error
        self.port = self._runner.addresses[0][1]
        return self.url

    async def stop(self) -> None:
        """End live streams, let requests in flight finish, let the port go. Calling it twice is harmless."""
        await self._runner.cleanup()


def _refused(settings: WebSettings, error: OSError) -> ConfigurationError:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return PortInUseError(
            f"The web cannot listen on {where}: {holder(settings.port)} already does.",
            f"End it, or choose another port: STREAMAPP_WEB__PORT={another(settings.port)} (0 takes any free one).",
        )
    why = error.strerror or str(error)
    return ConfigurationError(
        f"The web cannot listen on {where}: {why}.", "Set STREAMAPP_WEB__HOST and STREAMAPP_WEB__PORT."
    )


def another(port: int) -> int:
    """A higher port that is free on this machine now, or 0."""
    for candidate in range(port + 1, min(port + 100, 65536)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)):
                return candidate
    return 0


async def _end_streams(app: web.Application) -> None:
    app[keys.STOPPING].set()
