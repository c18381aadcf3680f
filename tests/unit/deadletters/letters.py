"""Dead letters as the worker makes them and Kafka hands them back."""

from typing import Any

from aiokafka.structs import ConsumerRecord

from streamapp.deadletters.letter import Letter, read_letter
from streamapp.events import Reason
from streamapp.kafka.sender import Outgoing
from streamapp.pipeline.deadletter import dead_letter
from streamapp.pipeline.decode import Rejected


def record(
    offset: int = 0, key: bytes | None = b"user-1", value: bytes | None = b"{", headers: Any = (), *,
    topic: str = "shop", partition: int = 0, timestamp: int = 1_700_000_000_000,
) -> Any:  # fmt: skip
    return ConsumerRecord(
        topic, partition, offset, timestamp, 0, key, value, None, len(key or b""), len(value or b""), tuple(headers)
    )


def stored(sent: Outgoing, offset: int, topic: str, partition: int = 0) -> Any:
    """What Kafka gives back of a record that was sent."""
    timestamp = 1_700_000_500_000 if sent.timestamp_ms is None else sent.timestamp_ms
    return record(offset, sent.key, sent.value, sent.headers, topic=topic, partition=partition, timestamp=timestamp)


def rejection(of: Any, at: int = 0, reason: Reason = Reason.NOT_JSON, detail: str = "at byte 0") -> Letter:
    """The letter at offset `at` that a record becomes."""
    letter = read_letter(stored(dead_letter(of, Rejected(reason, detail)), at, "shop-dlq"))
    assert letter is not None
    return letter
