"""What a running worker shows of itself: live tables, status, health, and all that is known of one event.

The web reads these and nothing else of the pipeline, so that a page cannot disturb an event on its way.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from streamapp.store.store import Page


class Row(NamedTuple):
    """One table entry: its key as text, and its value as plain JSON types."""

    key: str
    value: dict[str, Any]


class TableView(Protocol):
    """One live table, read-only. Entries kept per partition are summed to one row per key."""

    name: str
    help: str

    def partitions(self) -> Sequence[int]:
        """The partitions that this worker holds."""

    def size(self) -> int:
        """How many keys there are, counted once however many partitions know them."""

    def page(self, offset: int, limit: int, search: str = "") -> Sequence[Row]:
        """Rows in key order whose key or names contain `search`, from `offset` on."""

    def get(self, key: str) -> Row | None:
        """One row, or None."""


State = Literal["up", "down", "degraded"]


class Health(msgspec.Struct, frozen=True):
    """One component's state, why, and since when (seconds since the epoch)."""

    state: State
    reason: str
    since: float


class WorkerView(Protocol):
    """A running worker, read-only."""

    tables: Mapping[str, TableView]
    collections: Sequence[str]
    """The store's collections that `points` reads."""

    def alive(self) -> bool:
        """Whether the event loop and every agent turn. An outage elsewhere does not make this False."""

    def health(self) -> Mapping[str, Health]:
        """By component: kafka, store, model, worker, system."""

    def status(self) -> dict[str, Any]:
        """Rates, lag, ledger, caches and latency; the JSON of `/status` and of `streamapp status --json`."""

    async def points(self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None) -> Page:
        """Stored points in id order, after an id, with the named payload fields (None: all)."""

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        """Everything known of one event: origin, verdict, batch, model revision, point. None if never seen."""
