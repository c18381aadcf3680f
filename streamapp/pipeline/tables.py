"""The live tables: what they are, their working entries between checkpoints, and their rows for readers.

A table is a Faust table (its changelog, its recovery, its RocksDB per partition) whose entries are folded in memory
and written at the partition's checkpoint, once each however often they changed. Never read it for a partition that
is not assigned: Faust would open an empty database there.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import groupby, islice
from typing import Any, Generic, TypeVar

import msgspec

from streamapp.pipeline import entries
from streamapp.pipeline.tablestore import PartitionStore
from streamapp.pipeline.views import Row

E = TypeVar("E", bound=entries.Entry)
Change = tuple[bytes, bytes | None]


class LiveTable(Generic[E]):
    """One table: `entry` to change, `changes` and `settle` for the checkpoint, the rest for readers."""

    def __init__(
        self, faust_table: Any, kind: type[E], merge_entries: Callable[[Iterable[E]], dict[str, Any]], limit: int = 0
    ) -> None:
        self.name: str = faust_table.name
        self.help: str = faust_table.help
        self.limit = limit
        """Keys kept per partition, the greatest ones; 0 keeps all."""
        self._table = faust_table
        self._kind = kind
        self._merge = merge_entries
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._working: dict[int, dict[str, E | None]] = {}

    @property
    def changelog(self) -> str:
        """The changelog topic's name."""
        return str(self._table.changelog_topic_name)

    @property
    def store(self) -> PartitionStore:
        """The RocksDB behind it."""
        store: PartitionStore = self._table.data
        return store

    # -- for the pipeline ----------------------------------------------------------------------------------------------

    def entry(self, partition: int, key: str) -> E:
        """The entry to fold into; what is done to it becomes true at the partition's next checkpoint."""
        working = self._working.setdefault(partition, {})
        found = working.get(key)
        if found is None:
            stored = None if key in working else self.store.read(partition, key.encode())
            found = working[key] = self._kind() if stored is None else self._decode(stored)
        return found

    def forget(self, partition: int, key: str) -> None:
        """Delete the entry at the next checkpoint."""
        self._working.setdefault(partition, {})[key] = None

    def changes(self, partition: int) -> list[Change]:
        """What the next checkpoint has to write."""
        working = self._working.get(partition, {})
        changed: list[Change] = [
            (key.encode(), None if entry is None else self._encode(entry)) for key, entry in working.items()
        ]
        return changed + self._surplus(partition, working.keys())

    def _surplus(self, partition: int, fresh: Iterable[str]) -> list[Change]:
        if not self.limit:
            return []
        stored = [key for key, _ in self.store.scan(partition)]
        keys = sorted({*stored, *(key.encode() for key in fresh)})
        return [(key, None) for key in keys[: max(0, len(keys) - self.limit)]]

    def settle(self, partition: int) -> None:
        """Everything that changed has been written."""
        self._working.pop(partition, None)

    # -- for readers: what the last checkpoints made true --------------------------------------------------------------

    def partitions(self) -> Sequence[int]:
        """The partitions this worker holds."""
        return self.store.open_partitions()

    def size(self) -> int:
        """Distinct keys over all partitions."""
        return sum(1 for _ in groupby(self._scan(), key=_first))

    def page(self, offset: int, limit: int, search: str = "") -> Sequence[Row]:
        """Rows in key order; `search` is looked for in the key and in texts at the top of the value."""
        wanted = search.casefold()
        rows = (row for row in self._rows() if not wanted or _mentions(row, wanted))
        return list(islice(rows, offset, offset + limit))

    def get(self, key: str) -> Row | None:
        """One row, or None."""
        stored = [self.store.read(partition, key.encode()) for partition in self.partitions()]
        known = [self._decode(value) for value in stored if value is not None]
        return Row(key, self._merge(known)) if known else None

    def entries(self, partition: int) -> Iterable[tuple[str, E]]:
        """The stored entries of one partition."""
        return ((key.decode(), self._decode(value)) for key, value in self.store.scan(partition))

    def _scan(self) -> Iterable[tuple[bytes, bytes]]:
        return merge(*(self.store.scan(partition) for partition in self.partitions()), key=_first)

    def _rows(self) -> Iterable[Row]:
        for key, group in groupby(self._scan(), key=_first):
            yield Row(key.decode(), self._merge(self._decode(value) for _, value in group))


def _first(item: tuple[bytes, bytes]) -> bytes:
    return item[0]


def _mentions(row: Row, wanted: str) -> bool:
    texts = (value for value in row.value.values() if isinstance(value, str))
    return wanted in row.key.casefold() or any(wanted in text.casefold() for text in texts)


class Tables:
    """Every live table by its role, and the raw one with the seen segments."""

    def __init__(self, declare: Callable[[str, str], Any]) -> None:
        """`declare(name, help)` makes the Faust table."""
        self.products = LiveTable(
            declare("products", "Per product: what it is, how often it was viewed, put in a cart and bought, revenue."),
            entries.ProductEntry,
            entries.merge_products,
        )
        self.users = LiveTable(
            declare("users", "Per user: counts, revenue and the latest events, from which the taste is computed."),
            entries.UserEntry,
            entries.merge_users,
        )
        self.minutes = LiveTable(
            declare(
                "minutes", "Per minute of event time (UTC): events by type and revenue. The latest 1,440 are kept."
            ),
            entries.MinuteEntry,
            entries.merge_counts,
            limit=1440,
        )
        self.dedup = LiveTable(
            declare("dedup", "Per partition: how many event ids were new, and how many came again."),
            entries.DedupEntry,
            entries.merge_dedup,
        )
        self.ledger = LiveTable(
            declare("ledger", "Per partition: what became of every record, tied to offsets."),
            entries.LedgerEntry,
            entries.merge_ledger,
        )
        self.seen = declare("seen", "Which event ids each checkpoint made true; behind the dedup.")
        # The ledger stands last: a checkpoint writes it last.
        self.live: tuple[LiveTable[Any], ...] = (self.products, self.users, self.minutes, self.dedup, self.ledger)

    @property
    def segments(self) -> PartitionStore:
        """The RocksDB behind `seen`."""
        store: PartitionStore = self.seen.data
        return store

    def settle(self, partition: int) -> None:
        """Drop the working entries of a partition: written, or no longer ours."""
        for table in self.live:
            table.settle(partition)


def declare_tables(app: Any, *, partitions: int) -> Tables:
    """Declare the tables on a Faust app, each with as many partitions as the source topic."""

    def declare(name: str, text: str) -> Any:
        return app.Table(name, key_type=bytes, value_type=bytes, partitions=partitions, help=text)

    return Tables(declare)


TABLE_NAMES = ("products", "users", "minutes", "dedup", "ledger", "seen")
"""Names of all tables; their changelog topics are made before the worker starts."""
