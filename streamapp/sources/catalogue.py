"""The catalogue of the synthetic shop: about 3,000 products over some 1,100 texts, the same for the same seed.

In: `words/shop.json` (kinds of products, brands, sentences). Out: `events.Product`s. Sizes and packs of one model
share name, description and category, as in real shops, which is what makes a vector cache worth having.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from random import Random
from typing import NamedTuple

import msgspec

from streamapp.events import Product


class Kind(msgspec.Struct, frozen=True):
    """One kind of product: the words and ranges that its models are made from."""

    category: str
    nouns: list[str]
    texts: int
    """How many models, each with a text of its own."""
    variants: tuple[int, int]
    """Fewest and most products per model."""
    price: tuple[float, float]
    openings: list[str]
    features: list[str]


class Words(msgspec.Struct, frozen=True):
    """Everything that the synthetic shop can say."""

    brands: list[str]
    series: list[str]
    news: list[str]
    """Sentences that a shop adds to a description later."""
    kinds: list[Kind]


class Model(NamedTuple):
    """A text that several products share."""

    name: str
    description: str
    category: str
    price: float


@cache
def read_words() -> Words:
    """The words that ship with the package."""
    text = files("streamapp.sources").joinpath("words/shop.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), Words)


def synthetic_catalogue(seed: int) -> list[Product]:
    """The whole catalogue; equal seeds give equal catalogues."""
    rng = Random(f"catalogue {seed}")  # noqa: S311 - a generator of test data, not of secrets
    words = read_words()
    return [
        Product(f"P-{number:05d}", name, description, category, price)
        for number, (name, description, category, price) in enumerate(_products(words, rng), start=10_001)
    ]


def _products(words: Words, rng: Random) -> Iterator[Model]:
    names: set[str] = set()
    for kind in words.kinds:
        for number in range(kind.texts):
            model = _model(kind, kind.nouns[number % len(kind.nouns)], words, names, rng)
            for _ in range(rng.randint(*kind.variants)):
                yield model._replace(price=vary_price(model.price, 0.05, rng))


def _model(kind: Kind, noun: str, words: Words, names: set[str], rng: Random) -> Model:
    name = ""
    while not name or name in names:
        name = f"{rng.choice(words.brands)} {rng.choice(words.series)} {noun}"
    names.add(name)
    sentences = [rng.choice(kind.openings), *rng.sample(kind.features, rng.randint(2, 3))]
    low, high = kind.price
    # Cheap models are the many, dear ones the few.
    price = round(low * (high / low) ** (rng.random() ** 1.3), 2)
    return Model(name, " ".join(sentences), kind.category, price)


def vary_price(price: float, share: float, rng: Random) -> float:
    """The price, up to `share` lower or higher, with two decimals and at least 0.01."""
    return max(0.01, round(price * rng.uniform(1 - share, 1 + share), 2))
