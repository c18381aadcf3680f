"""What of a product is embedded, and the name its vector goes by in the caches.

In: a `Product`. Out: one line of text, and a 16-byte key of model revision and text. Both are pure.
The trap: changing `product_text` changes every key, so a whole catalogue is embedded anew.
"""

import hashlib
from functools import lru_cache

from streamapp.events import Product

TEXT_LIMIT = 2000
"""Characters kept. MiniLM reads 256 tokens, about 1,200 characters of English; more would only make keys long."""

REMEMBERED_TEXTS = 8192
"""A product's events repeat its text, which then costs 0.3 µs instead of 2.1. What is longer than TEXT_LIMIT is made
anew each time, so a hostile topic cannot fill more than some 35 MB (of ASCII) with it."""


def product_text(product: Product) -> str:
    """The text that stands for a product: name, description and category, on one line, at most TEXT_LIMIT characters.

    Runs of white space become one blank, and a part that is empty is left out, so that two shops' spellings of the
    same product share a vector.

    >>> product_text(Product("1", " Garden  hose ", "20 m, green.", "Garden"))
    'Garden hose. 20 m, green. Garden'
    """
    if len(product.name) + len(product.description) + len(product.category) > TEXT_LIMIT:
        return _join(product.name, product.description, product.category)
    return _remembered(product.name, product.description, product.category)


def content_key(revision: str, text: str) -> bytes:
    """The 16 bytes under which the vector of this text, made by this model revision, is kept."""
    content = f"{revision}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()


def _join(name: str, description: str, category: str) -> str:
    parts = (_line(name), _line(description), category and _line(category))
    return ". ".join(part for part in parts if part)[:TEXT_LIMIT].rstrip()


_remembered = lru_cache(REMEMBERED_TEXTS)(_join)


def _line(text: str) -> str:
    """The text on one line, without the full stop that the joint brings anyway."""
    # Cutting first keeps a megabyte of text from being split; twice the limit leaves room for white space to go.
    return " ".join(text[: 2 * TEXT_LIMIT].split()).rstrip(". ")
