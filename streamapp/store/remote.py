"""The points of a running worker, read over its web: it alone holds the engine's files."""

from collections.abc import Sequence

import aiohttp
import msgspec

from streamapp.errors import StoreUnavailableError
from streamapp.store.store import Page, StoredPoint


class PointPage(msgspec.Struct, frozen=True):
    """What `/points/{collection}` answers."""

    points: list[StoredPoint]
    next: str | None


class RemotePoints:
    """Scrolls through the points of the worker at `url`."""

    def __init__(self, url: str, token: str, timeout_seconds: float) -> None:
        self._url = url
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def scroll(self, collection: str, after: str | None, limit: int, fields: Sequence[str] | None = None) -> Page:
        """As `VectorStore.scroll`. Raises StoreUnavailableError when the worker does not answer."""
        query = {"limit": str(limit), "after": after or "", "fields": ",".join(fields or ())}
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=self._timeout) as session,
                session.get(f"{self._url}/points/{collection}", params=query) as response,
            ):
                body = await response.read()
                if response.status != 200:
                    raise StoreUnavailableError(
                        f"The worker at {self._url} answered {response.status}: {body[:200].decode(errors='replace')}",
                        "See its log, and /health/store.",
                    )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailableError(
                f"The worker at {self._url} does not answer: {error}.", "Is it stopping? Try again."
            ) from error
        page = msgspec.json.decode(body, type=PointPage)
        return Page(page.points, page.next)
