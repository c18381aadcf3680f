"""Plain JSON values as text that people read.

In: a value and the name it stands under. Out: text. The name decides what a number means: `_seconds` is a
duration, `timestamp` or `since` a moment, `_bytes` a size, `_ratio` a share.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

MOMENTS = ("timestamp", "since", "version", "time", "minute", "first_seen", "last_seen", "updated", "started")
EARLIEST, LATEST = 5e8, 4.2e9
"""Numbers under a moment's name are read as seconds since the epoch only between 1985 and 2103."""
SUFFIXES = ("_seconds", "_bytes", "_ratio")
"""Units that a group may carry for all that stands in it."""
IDENTIFIERS = ("offset", "partition", "id", "year")
"""Numbers that name something are not counted in thousands."""
NOTHING = "—"
UNITS = ("B", "kB", "MB", "GB", "TB")


def shown(value: Any, name: str = "") -> str:
    """One plain value as text.

    >>> shown(12345), shown(0.0123, "p95_seconds"), shown(None), shown(0.25, "hit_ratio")
    ('12,345', '12.3 ms', '—', '25.0 %')
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, name.lower())
    return str(value)


def _number(value: float, name: str) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return NOTHING
    if is_moment(value, name):
        return moment(value)
    if name.endswith(IDENTIFIERS):
        return str(value)
    if name.endswith("seconds") or name == "uptime":
        return duration(value)
    if name.endswith("bytes"):
        return size(value)
    if name.endswith(("ratio", "share")):
        return f"{value:.1%}".replace("%", " %")
    if name == "price" or name.endswith(("revenue", "spent", "amount")):
        return f"{value:,.2f}"
    return plain(value)


def plain(value: float) -> str:
    """A number with thousands marked, and no more decimals than help."""
    if isinstance(value, int):
        return f"{value:,}"
    if value.is_integer():
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:,.4g}"


def is_moment(value: Any, name: str) -> bool:
    """Whether this number under this name is a time (seconds since the epoch)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return EARLIEST < value < LATEST and (name in MOMENTS or name.endswith(("_at", "_timestamp", "_time")))


def moment(seconds: float) -> str:
    """A time, UTC, to the second.

    >>> moment(0)
    '1970-01-01 00:00:00 UTC'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(seconds: float) -> str:
    """A time for machines."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def duration(seconds: float) -> str:
    """How long something takes.

    >>> duration(0.85), duration(5), duration(75), duration(90000)
    ('850 ms', '5 s', '1 min 15 s', '1 d 1 h')
    """
    if abs(seconds) < 1:
        return f"{seconds * 1000:.3g} ms"
    if abs(seconds) < 60:
        return f"{seconds:.3g} s"
    whole = int(seconds)
    parts = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    filled = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(filled[:2])


def size(count: float) -> str:
    """Bytes in the unit that reads well.

    >>> size(1536)
    '1.5 kB'
    """
    for unit in UNITS:
        if abs(count) < 1000 or unit == UNITS[-1]:
            break
        count /= 1024
    return f"{count:.3g} {unit}"


def label(name: str) -> str:
    """A field's name as words; a unit goes, since the value shows it.

    >>> label("latency_seconds"), label("model_seconds"), label("events_per_second")
    ('latency', 'model time', 'events per second')
    """
    if name.endswith("_seconds"):
        name = name.removesuffix("_seconds") + ("" if name in ("latency_seconds", "uptime_seconds") else "_time")
    return name.removesuffix("_bytes").replace("_", " ")


def scoped(name: str, parent: str) -> str:
    """The name with the unit of what it stands in, unless it has its own.

    >>> scoped("p95", "latency_seconds"), scoped("records", "lag")
    ('p95_seconds', 'records')
    """
    suffix = next((suffix for suffix in SUFFIXES if parent.endswith(suffix)), "")
    return name if name.endswith(SUFFIXES) else name + suffix


def live(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value below, as (dotted path, text): what a live page writes into its `data-live` places.

    >>> dict(live({"lag": 1200, "latency_seconds": {"p95": 0.5}}))
    {'lag': '1,200', 'latency_seconds.p95': '500 ms'}
    """
    if isinstance(value, Mapping):
        pairs = [(str(key), below) for key, below in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(index), below) for index, below in enumerate(value)]
    else:
        yield path, shown(value, name)
        return
    for key, below in pairs:
        yield from live(below, f"{path}.{key}" if path else key, scoped(key, name))


def brief(value: Any, name: str = "") -> str:
    """A value in one table cell: nested ones say only how many they hold."""
    if isinstance(value, Mapping | list | tuple):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    return shown(value, name)


def entry_path(table: str, key: str) -> str:
    """The path of a table entry, whatever its key; slashes and spaces are encoded.

    Browsers swallow a last segment of dots, so those keys (and the empty one) lead to a search for them.
    """
    if key.strip("."):
        return f"/tables/{quote(table, safe='')}/{quote(key, safe='')}"
    return f"/tables/{quote(table, safe='')}?search={quote(key, safe='')}"


def event_path(event_id: str) -> str:
    """The path of an event."""
    return f"/events/{quote(event_id, safe='')}" if event_id.strip(".") else "/events"
