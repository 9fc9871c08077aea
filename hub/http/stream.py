"""An answer that is read piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import aiohttp

from hub.errors import HubError
from hub.http.transport import FAILURES, as_httpx


class StreamedAnswer:
    """Satisfies ``hub.connector.Streamed``. ``broken`` says which error it is when the rest does not come."""

    def __init__(
        self, response: aiohttp.ClientResponse, broken: Callable[[Exception], Awaitable[HubError]]
    ) -> None:
        self._response = response
        self._broken = broken

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the answer, found whatever the case of their names."""
        return self._response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed, in pieces as they come. Raises what ``request`` would if it ends before its end."""
        pieces = self._response.content.iter_any()
        while True:
            try:
                piece = await anext(pieces, None)
            except FAILURES as raised:
                raise await self._broken(as_httpx(raised)) from None
            if piece is None:
                return
            if piece:
                yield piece
