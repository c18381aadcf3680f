"""The records that every contender gets, and what must have become of them afterwards.

In: how many records, of which how many are planted. Out: the records, the distinct texts in them, and `Expected`.
The trap: a contender with plainer checks than ours lets some planted records pass; they are told by their kind.
"""

from collections.abc import Collection, Sequence
from random import Random
from typing import NamedTuple

from streamapp.embedding.text import product_text
from streamapp.events import Product
from streamapp.sources.flaws import good_event
from streamapp.sources.record import DuplicateNote, EventNote, InvalidNote, Record
from streamapp.sources.shares import Shares
from streamapp.sources.shop import Shop, open_shop

SHARES = Shares(duplicates=0.05, invalid=0.01)
SEED = 1
_SPOILT = Product(**good_event(0, Random(0))["product"])
"""Flaws are planted into events of this product, which a contender with plainer checks embeds."""


class Expected(NamedTuple):
    """What a store and a dead-letter topic must hold after a run."""

    points: int
    products: int
    letters: int


class Load(NamedTuple):
    """A topic's worth of records."""

    records: list[Record]
    texts: list[str]
    """Every distinct product text in the valid events."""

    def first(self, count: int) -> "Load":
        """The same stream, ended earlier."""
        return Load(self.records[:count], self.texts)

    def expected(self, let_through: Collection[str] = ()) -> Expected:
        """What must become of it, by a contender that takes flaws of the kinds `let_through` for events."""
        notes = [record.note for record in self.records]
        events = {note.event_id: note.product_id for note in notes if isinstance(note, EventNote)}
        again = sum(isinstance(note, DuplicateNote) and note.event_id not in events for note in notes)
        assert not again, "a duplicate of nothing"
        invalid = [note for note in notes if isinstance(note, InvalidNote)]
        passed = sum(note.kind in let_through for note in invalid)
        products = set(events.values()) | ({_SPOILT.id} if passed else set())
        return Expected(len(events) + passed, len(products), len(invalid) - passed)


def make_load(count: int, now: float) -> Load:
    """A shop's records, ending at about `now` (epoch seconds): the same for the same `count` but for their times."""
    shop = open_shop(seed=SEED, now=now, count=count, shares=SHARES)
    records = list(shop.records(count))
    return Load(records, _texts(records, shop))


def _texts(records: Sequence[Record], shop: Shop) -> list[str]:
    versions = {(note.product_id, note.version) for record in records if isinstance(note := record.note, EventNote)}
    return sorted({product_text(_SPOILT), *(product_text(shop.describe(*version)) for version in versions)})
