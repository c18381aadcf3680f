"""The verdict corpus: good, odd and bad records, each with the verdict that every reader of the topic must give.

`records.jsonl`, one record a line: `name`; `contract`, a name in `contracts.json`, which holds settings of the section
`events`; `key` and `value` (base64; null for none; a list of [base64, times] where bytes repeat); `expect`: event,
tombstone, or a reason; and for some events `event`, fields that must come out. The expectations are written by hand
and nothing of streamapp is imported, so that the corpus can judge it.
"""

import base64
import json
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records.jsonl"
CONTRACTS = Path(__file__).parent / "contracts.json"


def read_contracts() -> dict[str, dict[str, Any]]:
    """For each contract's name the section `events` of the settings."""
    found: dict[str, dict[str, Any]] = json.loads(CONTRACTS.read_text(encoding="utf-8"))
    return found


def read_corpus() -> list[dict[str, Any]]:
    """The lines of `records.jsonl`, with `key` and `value` as bytes or None."""
    lines = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    return [line | {"key": _bytes(line["key"]), "value": _bytes(line["value"])} for line in lines]


def _bytes(text: Any) -> bytes | None:
    if isinstance(text, list):
        return b"".join(base64.b64decode(part) * times for part, times in text)
    return None if text is None else base64.b64decode(text)
