"""Visits to the shop: who comes, and what they do one step after another.

A visit is a stack of steps (event type, product), first step on top: people look at things, mostly of one category,
put some of them into the cart, and about half of the carts are paid for.
"""

from random import Random
from typing import NamedTuple

from streamapp.sources.stock import Listing, Stock

Step = tuple[str, Listing]


class Zone(NamedTuple):
    """How a device writes its time: a UTC offset and its suffix, or as epoch seconds (suffix empty)."""

    offset_us: int
    suffix: str
    whole_seconds: bool = False


_HOUR_US = 3_600_000_000
ZONES = (
    *[Zone(0, "Z")] * 12,
    *[Zone(0, "+00:00")] * 3,
    Zone(_HOUR_US, "+01:00"),
    Zone(-5 * _HOUR_US, "-05:00"),
    Zone(11 * _HOUR_US // 2, "+05:30"),
    Zone(0, ""),
    Zone(0, "", whole_seconds=True),
)
"""Drawn from evenly: one device in ten writes epoch seconds."""

_CART_SHARE = 0.22
_PURCHASE_SHARE = 0.5
_SIMILAR_SHARE = 0.6
_LOOK_ON_SHARE = 0.72
_MOST_VIEWS = 12
_MEAN_DELAY_US = 80_000


class Visit(NamedTuple):
    """One session of one user."""

    user_id: str
    key: bytes
    session_id: str
    zone: Zone
    delay_us: int
    """How long this device's events travel before they reach the topic."""
    steps: list[Step]


def start_visit(stock: Stock, users: int, rng: Random) -> Visit:
    """A new visit by one of `users` people, some of whom come far more often than others."""
    user_id = f"user-{int(users * rng.random() ** 2):05d}"
    delay_us = int(rng.expovariate(1 / _MEAN_DELAY_US))
    zone = ZONES[int(len(ZONES) * rng.random())]
    return Visit(user_id, user_id.encode(), f"s-{rng.getrandbits(64):016x}", zone, delay_us, plan_steps(stock, rng))


def plan_steps(stock: Stock, rng: Random) -> list[Step]:
    """The steps of one visit, the first one last in the list: pop them."""
    random = rng.random
    steps: list[Step] = []
    cart: list[Listing] = []
    listing = stock.draw(rng)
    while True:
        steps.append(("page_view", listing))
        if random() < _CART_SHARE:
            steps.append(("add_to_cart", listing))
            cart.append(listing)
        if len(steps) >= _MOST_VIEWS or random() > _LOOK_ON_SHARE:
            break
        listing = stock.draw_similar(listing, rng) if random() < _SIMILAR_SHARE else stock.draw(rng)
    if cart and random() < _PURCHASE_SHARE:
        steps.extend(("purchase", bought) for bought in dict.fromkeys(cart))
    steps.reverse()
    return steps
