"""Every path and who answers it: one line per page.

A new page is a file with its handler, a line here, and an entry in `openapi.OPERATIONS`. `nav` puts it in the menu.
"""

from typing import NamedTuple

from streamapp.web import events, health, metrics, openapi, points, search, start, status, tables
from streamapp.web.negotiate import Handler


class Route(NamedTuple):
    """A path as OpenAPI writes it; `rest` names a last part that may hold slashes."""

    path: str
    handler: Handler
    nav: str = ""
    rest: str = ""

    @property
    def pattern(self) -> str:
        """The path as aiohttp writes it."""
        return self.path.replace(f"{{{self.rest}}}", f"{{{self.rest}:.+}}") if self.rest else self.path


ROUTES = (
    Route("/", start.start, nav="Start"),
    Route("/search", search.search, nav="Search"),
    Route("/recommend", search.recommend, nav="Recommend"),
    Route("/tables/", tables.tables, nav="Tables"),
    Route("/tables/{name}", tables.table),
    Route("/tables/{name}/{key}", tables.entry, rest="key"),
    Route("/events", events.find_event, nav="Events"),
    Route("/events/{event_id}", events.event, rest="event_id"),
    Route("/points/{collection}", points.points),
    Route("/status", status.status, nav="Status"),
    Route("/status/stream", status.stream),
    Route("/health", health.health, nav="Health"),
    Route("/health/live", health.live),
    Route("/health/ready", health.ready),
    Route("/health/{component}", health.component),
    Route("/metrics", metrics.metrics),
    Route("/docs", openapi.docs, nav="Docs"),
    Route("/openapi.json", openapi.specification),
)
