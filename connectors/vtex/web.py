"""What endpoints of a VTEX connection have in common: paths with a secret in them, bounded bodies, answers as JSON."""

from __future__ import annotations

import asyncio
import hmac
import zlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from hub import codec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

SECRET_HEADER: Final = b"x-hub-secret"
JSON_TYPE: Final = (b"content-type", b"application/json; charset=utf-8")
#: A body has this long to arrive, in seconds.
BODY_SECONDS: Final = 10.0


class RefusedError(Exception):
    """The request is answered with ``status`` and this text."""

    def __init__(self, status: int, text: str, headers: Headers = ()) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers


def segments(scope: Scope) -> list[str]:
    """Of the path behind the connection's own; those that are empty are left out, so that slashes at its end do not count."""
    rest = scope["path"][len(scope.get("root_path", "")) :]
    return [one for one in rest.split("/") if one]


def behind_secret(scope: Scope, parts: Sequence[str], secret: str | None) -> Sequence[str]:
    """The segments behind the secret, which stands first in the path or in a header. Raises ``RefusedError`` with 401."""
    if secret is None:
        return parts
    wanted = secret.encode()
    given = parts[0] if parts else ""
    if hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted):
        return parts[1:]
    if hmac.compare_digest(header(scope, SECRET_HEADER), wanted):
        return parts
    raise RefusedError(
        401, "the secret is missing or wrong: it stands first in the path behind the connection's name"
    )


def header(scope: Scope, name: bytes) -> bytes:
    """The first of this name, empty where there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


async def received(receive: Receive, most: int) -> bytes:
    """The body as it comes, for as long as it takes. Raises ``RefusedError``, and ``ConnectionResetError`` without sender."""
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("nobody waits for an answer")
        chunks += message.get("body", b"")
        if len(chunks) > most:
            raise _too_large(most)
        if not message.get("more_body"):
            return bytes(chunks)


async def body_of(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body, decompressed where it says that it is. Raises ``RefusedError``, ``ConnectionResetError`` without sender."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            content = await received(receive, most)
    except TimeoutError:
        raise RefusedError(408, "the body did not arrive in time") from None
    if header(scope, b"content-encoding").strip().lower() != b"gzip":
        return content
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(content, most + 1)
    except zlib.error:
        raise RefusedError(400, "the body says that it is gzip and is not") from None
    if len(unpacked) > most or unpacker.unconsumed_tail:
        raise _too_large(most)
    if not unpacker.eof:
        raise RefusedError(400, "the body is cut short")
    return unpacked


async def respond(send: Send, status: int, body: bytes, headers: Headers = (), *, head: bool = False) -> None:
    """A whole answer; ``head``: all of it but the body."""
    told = [*headers, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def refuse(send: Send, refused: RefusedError, *, head: bool = False) -> None:
    """An error as VTEX writes its own (VTEX facts, 1)."""
    error = {"code": str(refused.status), "message": str(refused), "exception": None}
    headers = [JSON_TYPE, *refused.headers]
    if refused.status == 503:
        headers.append((b"retry-after", b"5"))
    await respond(send, refused.status, codec.dumps({"error": error}), headers, head=head)


def _too_large(most: int) -> RefusedError:
    return RefusedError(413, f"the body has more than {most} bytes")
