"""What is known of one event: from the running worker, or from the points and the index when none runs."""

from typing import Any

from streamapp import clock
from streamapp.errors import StreamappError
from streamapp.events import event_point_id, identity
from streamapp.local import ask_worker, open_store
from streamapp.pipeline.inside import described
from streamapp.pipeline.seen import SeenIndex
from streamapp.running import running_worker
from streamapp.settings import Settings


async def explain_event(settings: Settings, event_id: str) -> dict[str, Any] | None:
    """Origin, verdict, checkpoint, model, point and session of an event; None when it was never seen."""
    if worker := running_worker(settings.home):
        return await _ask(worker, settings, event_id)
    async with open_store(settings) as store:
        points = await store.retrieve(settings.store.events_collection, [event_point_id(event_id)])
    index = SeenIndex(settings.worker_folder / "seen", settings.dedup.ttl_seconds, clock.wall)
    try:
        (seen,) = index.lookup([identity(event_id)])
    finally:
        index.close()
    return described(event_id, settings.kafka.topic, seen, points, None)


async def _ask(worker: Any, settings: Settings, event_id: str) -> dict[str, Any] | None:
    from urllib.parse import quote

    try:
        answer: dict[str, Any] = await ask_worker(worker, settings, f"/events/{quote(event_id, safe='')}", {})
    except StreamappError as error:
        if type(error) is StreamappError:  # the worker's 404: never seen
            return None
        raise
    return answer
