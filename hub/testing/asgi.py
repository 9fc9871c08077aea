"""The few lines of ASGI that the simulators share: raw, because a simulator must outrun what it measures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from hub import codec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON_HEADER = (b"content-type", b"application/json")


async def read_body(receive: Receive) -> bytes:
    """The whole body of the request; raises ``ConnectionResetError`` when the client went away before its end."""
    message = await receive()
    if not message.get("more_body"):
        return _body_of(message)
    chunks = [_body_of(message)]
    while message.get("more_body"):
        message = await receive()
        chunks.append(_body_of(message))
    return b"".join(chunks)


async def respond(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer in full. ``body`` is JSON unless ``headers`` name another content type."""
    extra = list(headers)
    if all(name != b"content-type" for name, _ in extra):
        extra.append(JSON_HEADER)
    extra.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": extra})
    await send({"type": "http.response.body", "body": body})


async def respond_json(
    send: Send, status: int, value: Any, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer ``value`` as JSON."""
    await respond(send, status, codec.dumps(value), headers)


def header(scope: Scope, name: bytes) -> str | None:
    """A request header by its lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def _body_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ConnectionResetError("the client went away before the end of its request")
    body: bytes = message.get("body", b"")
    return body
