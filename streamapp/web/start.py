"""`/`: where one begins: what is going on, a question box, and the way to everything else."""

from typing import Any

import msgspec
from aiohttp import web

import streamapp
from streamapp.web.health import HealthReport, report
from streamapp.web.keys import STARTED, WORKER
from streamapp.web.negotiate import Answer
from streamapp.web.status import cards, is_empty


class StartAnswer(msgspec.Struct, frozen=True):
    """What this is, how it is, and its paths."""

    name: str
    version: str
    health: HealthReport
    status: dict[str, Any]
    tables: list[str]
    docs: str = "/docs"


async def start(request: web.Request) -> Answer:
    """`/`: the start page."""
    worker = request.app[WORKER]
    status = worker.status()
    found = StartAnswer(
        "streamapp",
        streamapp.__version__,
        report(worker.health(), request.app[STARTED]),
        status,
        sorted(worker.tables),
    )
    more = {"cards": cards(status), "empty": is_empty(status), "tables": worker.tables}
    return Answer(found, "start.html", "Start", more)
