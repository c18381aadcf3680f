"""Writes the corpus: `PYTHONPATH=tests python -m corpus.make` after a change of its lines, and look at the diff."""

import json

from corpus import CONTRACTS, RECORDS
from corpus.contracts import SETTINGS, lenient, mapped
from corpus.shapes import good, shapes, sizes_and_tombstones, structure
from corpus.values import prices, texts, times

PARTS = (good, texts, times, prices, structure, shapes, sizes_and_tombstones, lenient, mapped)


def records() -> str:
    """The whole file `records.jsonl`."""
    return "".join(json.dumps(line) + "\n" for part in PARTS for line in part())


def contracts() -> str:
    """The whole file `contracts.json`."""
    return json.dumps(SETTINGS, indent=2) + "\n"


if __name__ == "__main__":
    RECORDS.write_text(records(), encoding="utf-8")
    CONTRACTS.write_text(contracts(), encoding="utf-8")
