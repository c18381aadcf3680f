"""Letters counted and listed, each record once. Pure.

In: letters in reading order, None for a record of the topic that is no dead letter. Out: what `dlq stats` and
`dlq list` say. Values are not kept, so a long topic fits in memory.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

from streamapp.deadletters.choose import Filter
from streamapp.deadletters.letter import Letter, identity
from streamapp.deadletters.text import iso, visible


class Summary:
    """Add every letter, then ask."""

    def __init__(self, wanted: Filter, put_aside: Collection[bytes] = ()) -> None:
        """`put_aside` are the identities of quarantined letters."""
        self.foreign = 0
        """Records of the topic that are no dead letters of streamapp."""
        self.others = 0
        """Letters that the filter does not mean."""
        self._wanted = wanted
        self._put_aside = put_aside
        self._lines: dict[bytes, dict[str, Any]] = {}

    def add(self, letter: Letter | None) -> None:
        """Count a letter; another one of the same record makes one more copy of the first."""
        if letter is None:
            self.foreign += 1
        elif not self._wanted.matches(letter):
            self.others += 1
        elif (known := self._lines.get(key := identity(letter))) is not None:
            known["copies"] += 1
        else:
            self._lines[key] = line(letter) | {"copies": 1, "quarantined": key in self._put_aside}

    def lines(self) -> list[dict[str, Any]]:
        """A line per record, in reading order."""
        return list(self._lines.values())

    def stats(self) -> dict[str, Any]:
        """How many, of what reason, from which partitions, since when."""
        lines = self.lines()
        times = sorted(one["timestamp"] for one in lines)
        return {
            "letters": len(lines),
            "doubled": sum(one["copies"] - 1 for one in lines),
            "quarantined": sum(one["quarantined"] for one in lines),
            "replayed_before": sum(one["replays"] > 0 for one in lines),
            "foreign": self.foreign,
            "first": times[0] if times else None,
            "last": times[-1] if times else None,
            "reasons": dict(Counter(one["reason"] for one in lines).most_common()),
            "partitions": _by_partition(lines),
        }


def line(letter: Letter) -> dict[str, Any]:
    """A letter without its content."""
    dead = letter.dead
    return {
        "offset": dead.offset,
        "partition": letter.partition,
        "reason": dead.reason,
        "detail": dead.detail,
        "origin": dead.origin._asdict(),
        "key": None if dead.key is None else visible(dead.key),
        "timestamp": iso(dead.timestamp_ms),
        "bytes": len(dead.value or b""),
        "replays": letter.replays,
    }


def _by_partition(lines: list[dict[str, Any]]) -> dict[str, int]:
    counts = Counter((one["origin"]["topic"], one["origin"]["partition"]) for one in lines)
    return {f"{topic}/{partition}": count for (topic, partition), count in sorted(counts.items())}
