"""Any store behind a breaker: writes hold the line through an outage, reads say at once that there is one.

In and out: as `VectorStore`. A write returns when it is confirmed, however long that takes, or is cancelled; a read
raises StoreUnavailableError, without asking while the breaker is open. StoreRefusedError passes: the store answered.
The trap: a held write holds its batch in memory, so the caller bounds how many it has under way (back-pressure).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import tenacity

from streamapp.clock import Clock, monotonic
from streamapp.errors import StoreRefusedError, StoreUnavailableError
from streamapp.settings import StoreSettings
from streamapp.store.breaker import Breaker, BreakerView
from streamapp.store.retry import POLICIES, create_wait
from streamapp.store.store import Collection, Hit, Page, Points, StoredPoint, Vectors, VectorStore, Where

Result = TypeVar("Result")
Call = Callable[[], Awaitable[Result]]
Sleep = Callable[[float], Awaitable[None]]


class GuardedStore:
    """A store that is asked with care. `clock` counts seconds from any moment; `sleep` waits by it."""

    def __init__(
        self, store: VectorStore, settings: StoreSettings, clock: Clock = monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._store = store
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_open_seconds, clock)
        self._back_off = create_wait(POLICIES[settings.retry_policy])
        self._sleep = sleep
        self.retries = 0
        """How often a write was tried again, since the start."""
        self.writes_held = 0
        """How many writes are waiting for the store to come back, now."""

    def configure(self, settings: StoreSettings) -> None:
        """Take over new limits of the breaker and another retry policy, from the next call on."""
        self._breaker.configure(settings.breaker_failures, settings.breaker_open_seconds)
        self._back_off = create_wait(POLICIES[settings.retry_policy])

    @property
    def breaker(self) -> BreakerView:
        """The breaker's present state."""
        return self._breaker.view()

    async def open(self, collections: Sequence[Collection]) -> None:
        """Open the store; at the start an outage is an error to show, not one to wait through."""
        await self._store.open(collections)

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    async def upsert(self, collection: str, points: Points) -> None:
        """Write the points, waiting through outages."""
        await self._hold(lambda: self._store.upsert(collection, points))

    async def delete(self, collection: str, ids: Sequence[str] = (), where: Where | None = None) -> int:
        """Delete, waiting through outages; the count is that of the try which succeeded."""
        return await self._hold(lambda: self._store.delete(collection, ids, where))

    async def search(self, collection: str, vector: Vectors, limit: int, where: Where | None = None) -> list[Hit]:
        """Ask once."""
        return await self._ask(lambda: self._store.search(collection, vector, limit, where))

    async def retrieve(self, collection: str, ids: Sequence[str], with_vectors: bool = False) -> list[StoredPoint]:
        """Ask once."""
        return await self._ask(lambda: self._store.retrieve(collection, ids, with_vectors))

    async def scroll(
        self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Page:  # fmt: skip
        """Ask once."""
        return await self._ask(lambda: self._store.scroll(collection, after, limit, fields, where))

    async def count(self, collection: str, where: Where | None = None) -> int:
        """Ask once."""
        return await self._ask(lambda: self._store.count(collection, where))

    async def _ask(self, call: Call[Result]) -> Result:
        """One call, if the breaker allows it, and what it says of the store's health."""
        if not self._breaker.allow():
            view = self._breaker.view()
            raise StoreUnavailableError(
                f"The store is not asked since {view.failures} calls in a row failed: {view.last_error}",
                f"It is tried again within {self._breaker.wait_seconds():.0f} s.",
            )
        try:
            result = await call()
        except StoreUnavailableError as error:
            self._breaker.failed(error)
            raise
        except StoreRefusedError:
            self._breaker.succeeded()
            raise
        except BaseException:  # cancelled, or a fault of ours: says nothing about the store
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return result

    async def _hold(self, call: Call[Result]) -> Result:
        held = False

        def count_wait(state: tenacity.RetryCallState) -> None:
            nonlocal held
            self.retries += 1
            self.writes_held += not held
            held = True

        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(StoreUnavailableError),
            wait=self._wait,
            sleep=self._sleep,
            before_sleep=count_wait,
        )
        try:
            return await attempts(self._ask, call)
        finally:
            self.writes_held -= held

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """The policy's back-off, but never less than what the breaker asks for: sooner would be in vain."""
        return max(self._back_off(state), self._breaker.wait_seconds())
