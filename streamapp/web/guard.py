"""Who may read: the token when one is set, the Host header against DNS rebinding, and headers that tie a page down.

Bound to this machine alone, a foreign web page could still make the visitor's browser ask us under a host name that
it controls; so on loopback only names of this machine are answered. Bound wider, the token is the door: as a bearer
token, or as the password of HTTP Basic (any user), which is what a browser can type in.
"""

import base64
import binascii
import hmac
import ipaddress

from aiohttp import web
from aiohttp.typedefs import Middleware

from streamapp.errors import ConfigurationError
from streamapp.settings import WebSettings
from streamapp.web.errors import error_response
from streamapp.web.keys import TRUSTED
from streamapp.web.negotiate import HttpHandler

OPEN_PATHS = ("/health/live", "/health/ready", "/static/")
"""Answered without a token: probes cannot hold one, and the page that asks for it needs its style."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
CHALLENGE = 'Basic realm="streamapp", charset="UTF-8", Bearer realm="streamapp"'


def is_loopback(host: str) -> bool:
    """Whether this address or name means this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_binding(settings: WebSettings) -> None:
    """Raise ConfigurationError when others could read without a token."""
    if not is_loopback(settings.host) and not settings.token.get_secret_value():
        raise ConfigurationError(
            f"web.host is {settings.host}, so other machines could read everything, and no web.token is set.",
            "Set STREAMAPP_WEB__TOKEN to a long random text, or leave web.host at 127.0.0.1.",
        )


def guard(settings: WebSettings) -> Middleware:
    """The middleware that turns strangers away."""
    token = settings.token.get_secret_value()
    local = is_loopback(settings.host)

    @web.middleware
    async def check(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        if local and not is_loopback(host_name(request.host)):
            return await error_response(
                request, 403, "This address is for this machine alone.", "Open it as http://localhost or 127.0.0.1."
            )
        request[TRUSTED] = not token or carries(request.headers.get("Authorization", ""), token)
        if not request[TRUSTED] and not request.path.startswith(OPEN_PATHS):
            response = await error_response(
                request, 401, "A token is needed.", "Send Authorization: Bearer …, or type it in as the password."
            )
            response.headers["WWW-Authenticate"] = CHALLENGE
            return response
        return await handler(request)

    return check


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tie every answer down; live numbers must not come from a cache."""
    response.headers.update(HEADERS)
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")


def carries(authorization: str, token: str) -> bool:
    """Whether an Authorization header brings the token, compared in constant time."""
    scheme, _, value = authorization.partition(" ")
    given = {"bearer": value.strip(), "basic": _password(value)}.get(scheme.lower(), "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def host_name(host: str) -> str:
    """A Host header without its port.

    >>> host_name("[::1]:8080"), host_name("localhost:8080")
    ('[::1]', 'localhost')
    """
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
