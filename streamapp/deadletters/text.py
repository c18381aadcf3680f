"""Letters as text and JSON that are safe to look at. Pure.

A dead letter may hold anything, terminal commands included: whatever does not print is shown as an escape. That is
for eyes; `export` and `show --raw` give the exact bytes.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from streamapp.deadletters.letter import Letter

KEY_CHARS, DETAIL_CHARS = 60, 120
"""How much of a key and a detail a line shows."""

LISTED = 20
"""Reasons and partitions that are listed for people; a topic may have a thousand partitions."""


def visible(data: bytes | str | None, keep: str = "", limit: int | None = None) -> str:
    r"""Bytes as text in which nothing is invisible, but for the characters to `keep`.

    >>> visible(b"caf\xc3\xa9 \x1b[2J \xff"), visible(None), visible("abcdef", limit=4)
    ('café \\x1b[2J \\xff', '(null)', 'abc…')
    """
    if data is None:
        return "(null)"
    text = data.decode("utf-8", "backslashreplace") if isinstance(data, bytes) else data
    shown = text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(one if one.isprintable() or one in keep else _escaped(one) for one in shown)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def iso(timestamp_ms: int) -> str:
    """Kafka's milliseconds as ISO 8601, UTC; empty where there is no such time."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""


def one_line(line: Mapping[str, Any]) -> str:
    """A letter of `Summary.lines` on one line: offset, reason, origin, detail, key, and what else is to be known."""
    origin = line["origin"]
    where = f"{visible(origin['topic'])}/{origin['partition']}@{origin['offset']}"
    notes = [
        f"doubled, {line['copies']} copies" if line["copies"] > 1 else "",
        f"replays: {line['replays']}" if line["replays"] else "",
        "quarantined" if line["quarantined"] else "",
    ]
    key = "(null)" if line["key"] is None else visible(line["key"], limit=KEY_CHARS)
    detail = visible(line["detail"], limit=DETAIL_CHARS)
    noted = ", ".join(filter(None, notes))
    return f"{line['offset']:>8}  {visible(line['reason']):<22}  {where}  {detail}  key={key}" + (
        f"  ({noted})" if noted else ""
    )


def stats_text(topic: str, stats: Mapping[str, Any]) -> Iterator[str]:
    """`dlq stats` for people, line by line."""
    yield f"{stats['letters']:,} dead letters in {topic}, of records from {stats['first']} to {stats['last']}."
    for name, what in (
        ("doubled", "came a second time and count once"),
        ("replayed_before", "had been replayed and were rejected again"),
        ("quarantined", "are in quarantine"),
        ("foreign", "other records in the topic are no dead letters"),
    ):
        if stats[name]:
            yield f"{stats[name]:,} {what}."
    for title, counts in (("reason", stats["reasons"]), ("partition", stats["partitions"])):
        yield f"\n{'letters':>8}  {title}"
        yield from (f"{count:>8,}  {visible(name)}" for name, count in list(counts.items())[:LISTED])
        if len(counts) > LISTED:
            yield f"       …  and {len(counts) - LISTED:,} more; all with --json"


def letter_text(letter: Letter) -> Iterator[str]:
    """`dlq show` for people, line by line."""
    dead, origin = letter.dead, letter.dead.origin
    yield f"offset    {dead.offset} (partition {letter.partition})"
    yield f"reason    {visible(dead.reason)}: {visible(dead.detail)}"
    yield f"origin    {visible(origin.topic)}, partition {origin.partition}, offset {origin.offset}"
    yield f"time      {iso(dead.timestamp_ms)}"
    yield f"replays   {letter.replays}"
    for name, value in letter.headers:
        yield f"header    {visible(name)} = {visible(value)}"
    yield f"key       {visible(dead.key)}"
    yield f"value     {'(null)' if dead.value is None else f'{len(dead.value):,} bytes'}"
    if dead.value is not None:
        yield ""
        yield visible(dead.value, keep="\n\t")


def export_line(letter: Letter) -> dict[str, Any]:
    """Everything of a letter, exactly; bytes in base64, null for null."""
    dead = letter.dead
    return {
        "offset": dead.offset,
        "partition": letter.partition,
        "reason": dead.reason,
        "detail": dead.detail,
        "origin": dead.origin._asdict(),
        "timestamp_ms": dead.timestamp_ms,
        "replays": letter.replays,
        "headers": [[name, _base64(value)] for name, value in letter.headers],
        "key": _base64(dead.key),
        "value": _base64(dead.value),
    }


def export_json(letter: Letter) -> str:
    """`export_line` as one line of JSON."""
    return json.dumps(export_line(letter))


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")
