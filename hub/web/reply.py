"""Small answers, straight to ASGI: no framework on a path that has to be fast."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from hub import codec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]

#: On every answer of the hub's own; a connector's endpoints say themselves what their answers need.
SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
]
_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A whole answer. ``result`` is its name in the metrics; ``close`` ends the connection after it."""

    status: int
    body: bytes = b""
    headers: Headers
    result: str = ""
    close: bool = False

    async def send(self, send: Send) -> None:
        """Send it."""
        headers = [*SECURITY_HEADERS, *self.headers, (b"content-length", b"%d" % len(self.body))]
        if self.close:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def refusal(
    status: int, text: str, *, result: str = "", retry_after: int | None = None, close: bool = False
) -> Reply:
    """An error as small JSON; ``retry_after`` in seconds."""
    body = codec.dumps({"error": HTTPStatus(status).phrase, "detail": text})
    headers: Headers = [_JSON]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    return Reply(status=status, body=body, headers=headers, result=result, close=close)


def raw_headers(headers: Mapping[str, str]) -> Headers:
    """Headers that a plugin chose, without those that the hub sets. Raises ``ValueError`` for one that is none."""
    return [
        (_clean(name).lower(), _clean(value))
        for name, value in headers.items()
        if name.lower() not in ("content-length", "connection", "transfer-encoding")
    ]


def _clean(text: str) -> bytes:
    if any(character in text for character in "\r\n\0"):
        raise ValueError("a header of the connector's answer has a line break in it")
    return text.encode("latin-1")
