"""The synthetic shop: an endless, seeded stream of records with planted flaws.

In: products, a seed, a start time, shares. Out: `Record`s, each with the note of what it is. The same arguments give
the same bytes. The trap: `records()` may be walked once per shop, since memory of what was sent is part of it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count as count_up
from itertools import repeat
from pathlib import Path
from random import Random

import msgspec

from streamapp.events import Product
from streamapp.sources.catalogue import synthetic_catalogue
from streamapp.sources.catalogue_file import read_catalogue
from streamapp.sources.flaws import FlawMaker
from streamapp.sources.memory import Memory
from streamapp.sources.record import EventNote, Record
from streamapp.sources.shares import Shares
from streamapp.sources.stock import Stock, revise
from streamapp.sources.visits import Visit, Zone, start_visit

_EPOCH = datetime(1970, 1, 1)
"""Naive: the zone's suffix is written by hand, which is several times as fast."""
_SECOND_US = 1_000_000
_CHANGE_SHARE = 0.0005
"""Of all events: how often some product changes. 100 changes in 200,000 events."""
_FAST_STEP_SECONDS = 0.0005
"""Shop time per event without a rate: 200,000 events are 100 s, long enough for visits to look like visits."""
_STEP_GAP_SECONDS = 15.0
"""Between two steps of a visit, on average, as far as the number of open visits allows."""
_FEWEST_VISITS, _MOST_VISITS = 64, 20_000
_LATE_SECONDS = (5.0, 6 * 3600.0)
"""Log-uniform: four late events in ten are more than ten minutes late."""


class WireEvent(msgspec.Struct, frozen=True, gc=False):
    """A shop event as it stands in the topic."""

    event_id: str
    timestamp: str | float
    user_id: str
    event_type: str
    product: msgspec.Raw
    session_id: str


class Shop:
    """A shop in which people look around, one event every `step_seconds` of its own time, from `start` on."""

    def __init__(
        self,
        products: Sequence[Product],
        *,
        seed: int,
        start: float,
        step_seconds: float = 0.001,
        shares: Shares | None = None,
        users: int = 20_000,
        change_texts: bool = True,
    ) -> None:
        self._rng = Random(f"shop {seed}")  # noqa: S311 - test data, not secrets
        self._stock = Stock(products, self._rng)
        self._shares = shares or Shares()
        self._users = users
        self._change_texts = change_texts
        self._start_us = round(start * _SECOND_US)
        self._step_us = step_seconds * _SECOND_US
        self._flaws = FlawMaker(self._rng)
        self._memory = Memory(self._rng)
        self._ids = _uuids(self._rng)
        open_visits = min(_MOST_VISITS, max(_FEWEST_VISITS, int(_STEP_GAP_SECONDS / step_seconds)))
        self._visits = [start_visit(self._stock, users, self._rng) for _ in range(open_visits)]

    def describe(self, product_id: str, version: int) -> Product:
        """The product as it was in that version; what the manifest asks for."""
        return self._stock.describe(product_id, version)

    def records(self, count: int | None = None) -> Iterator[Record]:
        """The stream: `count` records of all sorts together, or without end."""
        random = self._rng.random
        duplicates = self._shares.duplicates
        invalid = duplicates + self._shares.invalid
        planted = invalid + self._shares.tombstones
        for number in count_up() if count is None else range(count):
            now_us = self._start_us + int(number * self._step_us)
            draw = random()
            if draw < planted and (draw >= duplicates or self._memory):
                if draw < duplicates:
                    yield self._memory.duplicate()
                    continue
                if draw < invalid:
                    yield self._flaws.make(now_us)
                    continue
                tombstone = self._memory.tombstone()
                if tombstone is not None:
                    yield tombstone
                    continue
            yield self._event(now_us)

    def _event(self, now_us: int) -> Record:
        random = self._rng.random
        if random() < _CHANGE_SHARE:
            self._change(now_us)
        visit = self._next_visit()
        event_type, listing = visit.steps.pop()
        late = random() < self._shares.late
        moment_us = now_us - (self._lateness_us() if late else visit.delay_us)
        if visit.zone.whole_seconds:
            moment_us -= moment_us % _SECOND_US
        version = listing.at(moment_us)
        event_id = next(self._ids)
        value = _encode(
            WireEvent(
                event_id,
                write_time(moment_us, visit.zone),
                visit.user_id,
                event_type,
                version.encoded,
                visit.session_id,
            )
        )
        note = EventNote(event_id, version.product.id, version.number, moment_us / _SECOND_US, late)
        record = Record(visit.key, value, note)
        self._memory.add(record)
        return record

    def _next_visit(self) -> Visit:
        place = int(len(self._visits) * self._rng.random())
        visit = self._visits[place]
        if not visit.steps:
            visit = self._visits[place] = start_visit(self._stock, self._users, self._rng)
        return visit

    def _lateness_us(self) -> int:
        least, most = _LATE_SECONDS
        return int(least * (most / least) ** self._rng.random() * _SECOND_US)

    def _change(self, now_us: int) -> None:
        listing = self._stock.draw(self._rng)
        listing.change(now_us, revise(listing.current.product, self._rng, texts=self._change_texts))


CATALOGUE_SEED = 1
"""The shop itself is always the same: another seed brings other visits, not other products under the same ids."""


def open_shop(
    *,
    seed: int,
    now: float,
    count: int | None = None,
    rate: float | None = None,
    shares: Shares | None = None,
    catalogue: Path | None = None,
) -> Shop:
    """The shop as a producer wants it: its own products or those of a file, its time fitted to the wall clock.

    With a rate the shop's time runs at that rate from `now` (epoch seconds) on; a stream as fast as it goes ends at
    about `now`, so that nothing lies in the future. Products of a file keep their texts; only prices change.
    Raises ConfigurationError as `read_catalogue` does.
    """
    products = read_catalogue(catalogue, seed=seed) if catalogue else synthetic_catalogue(CATALOGUE_SEED)
    step_seconds = 1 / rate if rate else _FAST_STEP_SECONDS
    start = now if rate or count is None else now - count * step_seconds
    return Shop(
        products,
        seed=seed,
        start=start,
        step_seconds=step_seconds,
        shares=shares,
        change_texts=catalogue is None,
    )


_encode = msgspec.json.Encoder().encode


def write_time(moment_us: int, zone: Zone) -> str | float:
    """A moment (microseconds since the epoch) as a device of this zone writes it."""
    if not zone.suffix:
        return moment_us // _SECOND_US if zone.whole_seconds else moment_us / _SECOND_US
    return (_EPOCH + timedelta(microseconds=moment_us + zone.offset_us)).isoformat() + zone.suffix


def _uuids(rng: Random) -> Iterator[str]:
    """Random UUIDs (version 4), made in blocks: 0.5 µs each, a seventh of what `uuid.UUID` costs."""
    for _ in repeat(None):
        block = rng.randbytes(16 * 1024).hex()
        for at in range(0, len(block), 32):
            h = block[at : at + 32]
            variant = "89ab"[int(h[16], 16) & 3]
            yield f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{variant}{h[17:20]}-{h[20:]}"
