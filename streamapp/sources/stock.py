"""What the shop sells at each moment: products whose text and price change now and then.

A product is a list of versions, each with the moment from which it holds. Which version an event carries depends on
the event's own time alone, so two versions never meet at one timestamp, and the newest version of a product is that
of its newest event, whatever the order of arrival.
"""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

import msgspec

from streamapp.events import Product
from streamapp.sources.catalogue import read_words, vary_price

_BEGINNING = -(2**62)
"""Microseconds: the first version has always held."""


class WireProduct(msgspec.Struct, frozen=True):
    """The product as it stands in an event; the price keeps its two decimals on the wire."""

    id: str
    name: str
    description: str
    category: str
    price: msgspec.Raw


class Version(NamedTuple):
    """One state of a product; `encoded` is its JSON, made once for many events."""

    number: int
    since_us: int
    product: Product
    encoded: msgspec.Raw


class Listing:
    """One product through time."""

    __slots__ = ("current", "past")

    def __init__(self, product: Product) -> None:
        self.current = _version(0, _BEGINNING, product)
        self.past: list[Version] = []

    @property
    def product_id(self) -> str:
        """The product's id, the same in all versions."""
        return self.current.product.id

    def at(self, moment_us: int) -> Version:
        """The version that held at this moment (microseconds since the epoch)."""
        if moment_us >= self.current.since_us:
            return self.current
        return next(version for version in reversed(self.past) if moment_us >= version.since_us)

    def change(self, moment_us: int, product: Product) -> None:
        """Let `product` hold from this moment on; a second change at the same moment is left out."""
        if moment_us > self.current.since_us:
            self.past.append(self.current)
            self.current = _version(self.current.number + 1, moment_us, product)

    def version(self, number: int) -> Product:
        """The product as it was in the version of this number."""
        return self.current.product if number == self.current.number else self.past[number].product


class Stock:
    """All listings, and which of them people look at: popularity follows Zipf's law."""

    def __init__(self, products: Sequence[Product], rng: Random) -> None:
        self.listings = [Listing(product) for product in products]
        rng.shuffle(self.listings)
        self._by_id = {listing.product_id: listing for listing in self.listings}
        # The constant flattens the head: without it the first product alone would draw a ninth of all views.
        self._weights = list(accumulate(1 / (rank + 10) for rank in range(len(self.listings))))
        self._by_category: dict[str, list[Listing]] = {}
        for listing in self.listings:
            self._by_category.setdefault(listing.current.product.category, []).append(listing)
        self._drawn: list[Listing] = []

    def draw(self, rng: Random) -> Listing:
        """A product, the popular ones more often."""
        if not self._drawn:
            self._drawn = rng.choices(self.listings, cum_weights=self._weights, k=1024)
        return self._drawn.pop()

    def draw_similar(self, listing: Listing, rng: Random) -> Listing:
        """A product of the same category, the popular ones more often."""
        shelf = self._by_category[listing.current.product.category]
        return shelf[int(len(shelf) * rng.random() ** 2)]

    def describe(self, product_id: str, version: int) -> Product:
        """The product as it was in that version."""
        return self._by_id[product_id].version(version)


def revise(product: Product, rng: Random, *, texts: bool) -> Product:
    """A newer state: mostly another price; with `texts`, one time in three another name or description."""
    price = vary_price(product.price or 1.0, 0.2, rng)
    if not texts or rng.random() < 0.65:
        return msgspec.structs.replace(product, price=price)
    if rng.random() < 0.3:
        edition = rng.randint(2, 99)
        return msgspec.structs.replace(product, name=f"{product.name.split(' Mk ')[0]} Mk {edition}", price=price)
    news = rng.choice(read_words().news)
    body = product.description
    for sentence in read_words().news:
        body = body.replace(f" {sentence}", "")
    return msgspec.structs.replace(product, description=f"{body} {news}", price=price)


def _version(number: int, since_us: int, product: Product) -> Version:
    price = msgspec.Raw(f"{product.price or 0.0:.2f}".encode())
    wire = WireProduct(product.id, product.name, product.description, product.category, price)
    return Version(number, since_us, product, msgspec.Raw(msgspec.json.encode(wire)))
