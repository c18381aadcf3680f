"""Health, for people and for probes: 200 while it holds, 503 when it does not, and always why and since when.

`live` asks only whether the worker itself turns, so an outage of Kafka or the store never has it restarted. `ready`
asks whether every component does its part.
"""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from streamapp.pipeline.views import Health, State, WorkerView
from streamapp.web.errors import NotFoundError
from streamapp.web.keys import STARTED, TRUSTED, WORKER
from streamapp.web.negotiate import Answer

OTHER_NAMES = {"qdrant": "store", "embedding": "model"}
"""Names people try, and the component they mean."""


class HealthReport(msgspec.Struct, frozen=True):
    """The worst state of all, and every component's own."""

    state: State
    reason: str
    since: float
    components: dict[str, Health]


async def health(request: web.Request) -> Answer:
    """`/health`: every component."""
    return _answer(report(request.app[WORKER].health(), request.app[STARTED]), "Health")


async def live(request: web.Request) -> Answer:
    """`/health/live`: whether the worker turns."""
    return _answer(liveness(request.app[WORKER], request.app[STARTED]), "Live")


async def ready(request: web.Request) -> Answer:
    """`/health/ready`: whether every component does its part; without a token, only that."""
    found = report(request.app[WORKER].health(), request.app[STARTED])
    if not request[TRUSTED]:
        found = HealthReport(found.state, "", found.since, {})
    return _answer(found, "Ready")


async def component(request: web.Request) -> Answer:
    """`/health/NAME`: one component."""
    components = request.app[WORKER].health()
    asked = request.match_info["component"]
    name = asked if asked in components else OTHER_NAMES.get(asked, asked)
    if name not in components:
        known = ", ".join(sorted(components)) or "none yet"
        raise NotFoundError(f"There is no component “{asked[:100]}”.", f"Components: {known}.")
    return _answer(components[name], f"Health of {name}")


def report(components: Mapping[str, Health], started: float) -> HealthReport:
    """All components in one: as bad as the worst, since the worst is.

    >>> report({"kafka": Health("down", "no broker answers", 5.0), "store": Health("up", "", 1.0)}, 0.0).reason
    'kafka: no broker answers'
    """
    for state in ("down", "degraded"):
        bad = {name: one for name, one in components.items() if one.state == state}
        if bad:
            reason = "; ".join(f"{name}: {one.reason}" for name, one in bad.items())
            return HealthReport(state, reason, min(one.since for one in bad.values()), dict(components))
    since = max((one.since for one in components.values()), default=started)
    return HealthReport("up", "Every component does its part.", since, dict(components))


def liveness(worker: WorkerView, started: float) -> Health:
    """Whether the worker turns, as a state; since when is the worker component's own word."""
    own = worker.health().get("worker")
    since = own.since if own else started
    if worker.alive():
        return Health("up", "The event loop and every agent turn.", since)
    return Health("down", own.reason if own else "An agent stands still.", since)


def _answer(found: HealthReport | Health, title: str) -> Answer:
    components = found.components if isinstance(found, HealthReport) else {}
    status = 503 if found.state == "down" else 200
    return Answer(found, "health.html", title, {"components": components}, status)
