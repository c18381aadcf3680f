"""What is, gathered before it is compared: Kafka's offsets, the ledger, the dead letters, the points."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from streamapp.pipeline.deadletter import DeadLetter
from streamapp.pipeline.entries import LedgerEntry


class Offsets(NamedTuple):
    """Kafka's own numbers for the topic, by partition."""

    begin: Mapping[int, int]
    end: Mapping[int, int]
    committed: Mapping[int, int]

    @property
    def lag(self) -> int:
        """Records that are not committed."""
        return sum(end - self.committed.get(partition, self.begin[partition]) for partition, end in self.end.items())


class Facts(NamedTuple):
    """Everything an audit holds against the recount."""

    topic: str
    offsets: Offsets
    ledger: Mapping[int, LedgerEntry]
    letters: list[DeadLetter]
    foreign_letters: int
    """Records in the dead-letter topic that are not ours."""
    points: Mapping[str, Mapping[str, Any]]
    """Payloads of all event points, by point id."""
    products: Mapping[str, Mapping[str, Any]]
    """Payloads of all product points, by product id."""
    in_flight: int = 0
    """Records that a running worker has read and not checkpointed."""
