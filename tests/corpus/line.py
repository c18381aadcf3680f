"""One line of the corpus, and the good event that most lines spoil. Imports nothing of streamapp."""

import base64
import json
import re
from typing import Any

ID = "8d0d5d36-3f6c-4b41-9b7e-4f8f3fba7d0a"
KEY = b"user-00042"
TIME = "2025-06-01T12:00:00Z"
SECONDS = 1_748_779_200.0

Entry = dict[str, Any]

_RUN = re.compile(rb"(.{1,6}?)\1{99,}", re.DOTALL)


class Raw(str):
    """Text that stands in the JSON as it is."""


def write(value: object) -> str:
    """JSON, compact, but for `Raw`; unlike json.dumps it can write what is not JSON."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{write(name)}:{write(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def event(**changes: object) -> dict[str, Any]:
    """A good event; `product_name=…` changes a field of the product, a value of None removes the field."""
    made: dict[str, Any] = {
        "event_id": ID,
        "timestamp": TIME,
        "user_id": "user-00042",
        "event_type": "page_view",
        "product": {
            "id": "P-10001",
            "name": "Sonora Air Wireless Headphones",
            "description": "Wireless headphones with clear sound.",
            "category": "Headphones",
            "price": 89.9,
        },
        "session_id": "s-1",
    }
    for name, value in changes.items():
        place, field = (made["product"], name[8:]) if name.startswith("product_") else (made, name)
        if value is None:
            del place[field]
        else:
            place[field] = value
    return made


def entry(
    name: str, expect: str, value: bytes | None, *, key: bytes | None = KEY, contract: str = "strict", out: Any = None
) -> Entry:
    """One line of the corpus; `out` are fields that an event must come out with."""
    made: Entry = {"name": name, "contract": contract, "key": _text(key), "value": _text(value), "expect": expect}
    return made | ({"event": out} if out else {})


def _text(data: bytes | None) -> Any:
    """Base64; a list of [base64, times] where a few bytes are repeated a hundred times and more."""
    if data is None:
        return None
    parts, end = [], 0
    for run in _RUN.finditer(data):
        unit = run[1]
        parts += [[_base64(data[end : run.start()]), 1], [_base64(unit), len(run[0]) // len(unit)]]
        end = run.end()
    return [*parts, [_base64(data[end:]), 1]] if parts else _base64(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def fields(
    name: str, expect: str, *, contract: str = "strict", out: dict[str, Any] | None = None, **change: Any
) -> Entry:
    """A line whose record is a good event with these changes."""
    return entry(name, expect, write(event(**change)).encode(), contract=contract, out=out)
