"""Query parameters, read strictly: what cannot be meant is refused with a sentence, never guessed."""

import re

from aiohttp import web

from streamapp.web.errors import BadRequestError

MAX_NUMBER_DIGITS = 9
MAX_TEXT_CHARS = 1000


def whole(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number between low and high. Raises BadRequestError."""
    text = request.query.get(name)
    if text is None or not text.strip():
        return default
    if not re.fullmatch(rf"-?[0-9]{{1,{MAX_NUMBER_DIGITS}}}", text.strip()):
        raise BadRequestError(f"{name} is “{text[:40]}”; it must be a whole number.", f"Try {name}={default}.")
    value = int(text)
    if not low <= value <= high:
        raise BadRequestError(f"{name} is {value}; it must be {low} to {high}.", f"Try {name}={default}.")
    return value


def text(request: web.Request, name: str) -> str:
    """A text without the space around it; empty when it is not there. Raises BadRequestError when too long."""
    value = request.query.get(name, "").strip()
    if len(value) > MAX_TEXT_CHARS:
        raise BadRequestError(f"{name} has {len(value):,} characters.", f"Use at most {MAX_TEXT_CHARS:,}.")
    return value


def texts(request: web.Request, name: str) -> list[str]:
    """Every value of a repeated parameter; commas separate too, as a form with one field needs."""
    values = (piece.strip() for value in request.query.getall(name, []) for piece in value.split(","))
    return [value for value in values if value]
