"""All lanes of this worker: made when a partition's first batch comes, ended before the partition goes.

The trap is the rebalance: an event that was fetched before it may reach the agent after it. Whatever belongs to an
older generation is dropped here; Kafka delivers it again, to whoever owns the partition now.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from streamapp.logs import get_logger
from streamapp.pipeline.lane import Lane, Steps

log = get_logger(__name__)

RELEASE_SECONDS = 20.0
"""How long a lane may take to finish its batch and checkpoint when its partition goes; Kafka waits 60 s by default."""


class Lanes:
    """Gives each partition its lane."""

    def __init__(
        self, steps: Steps, prepare: Callable[[], Awaitable[None]], drop: Callable[[int], None],
        generation: Callable[[], int],
    ) -> None:  # fmt: skip
        """`prepare` is awaited once per generation before the first batch, `drop` called for each lane that ended."""
        self._steps = steps
        self._prepare = prepare
        self._drop = drop
        self._generation = generation
        self._prepared: int | None = None
        self._accepting = True
        self._lock = asyncio.Lock()
        self._lanes: dict[int, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    @property
    def in_flight(self) -> int:
        """Records that were read and are not checkpointed yet."""
        return sum(lane.in_flight for lane in self._lanes.values())

    def stuck(self) -> Mapping[int, str]:
        """What the steps that are being tried again said, by partition."""
        return {lane.partition: lane.stuck for lane in self._lanes.values() if lane.stuck}

    def alive(self) -> bool:
        """Whether every lane runs."""
        return all(lane.alive for lane in self._lanes.values())

    def configure(self, checkpoint_seconds: float) -> None:
        """Take over a new interval between checkpoints, for lanes to come and those that run."""
        self._steps = self._steps._replace(checkpoint_seconds=checkpoint_seconds)
        for lane in self._lanes.values():
            lane.configure(self._steps)

    async def put(self, event: Any) -> None:
        """Hand an event to its partition's lane; waits while that lane is full."""
        message = event.message
        async with self._lock:
            if not self._current(message):
                return
            if self._prepared != self._generation():
                await self._prepare()
                self._prepared = self._generation()
            lane = self._lanes.get(message.partition)
            if lane is None:
                lane = self._lanes[message.partition] = Lane(message.partition, self._steps)
        await lane.put(event)

    def _current(self, message: Any) -> bool:
        generation = self._generation()
        return bool(message.generation_id == generation and self._accepting)

    def accept(self) -> None:
        """Partitions have been assigned anew: batches are welcome again."""
        self._accepting = True

    async def release(self, timeout_seconds: float = RELEASE_SECONDS) -> None:
        """End all lanes, each at a checkpoint if it gets there in time; nothing is accepted until `accept`.

        Kafka's eager rebalancing takes every partition away, and so does this.
        """
        self._accepting = False
        async with self._lock:
            lanes, self._lanes = list(self._lanes.values()), {}
            await asyncio.gather(*(lane.stop(timeout_seconds) for lane in lanes))
            for lane in lanes:
                self._drop(lane.partition)
            self._prepared = None
