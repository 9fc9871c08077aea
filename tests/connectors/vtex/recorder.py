"""Stands before a server and keeps every request and answer as they went over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from hub.testing.asgi import App, Message, Receive, Scope, Send, read_body


@dataclass
class Recorder:
    """``exchanges`` are the answers, each with its request."""

    exchanges: list[httpx.Response] = field(default_factory=list)

    def before(self, app: App) -> App:
        """The application with this before it."""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            body = await read_body(receive)
            told: list[Message] = []

            async def keep(message: Message) -> None:
                told.append(message)
                await send(message)

            await app(scope, _once(body), keep)
            self.exchanges.append(_exchange(scope, body, told))

        return recorded

    @property
    def requests(self) -> list[httpx.Request]:
        """In the order of their answers."""
        return [one.request for one in self.exchanges]


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _exchange(scope: Scope, body: bytes, told: list[Message]) -> httpx.Response:
    query = scope["query_string"].decode()
    host = next(value.decode() for name, value in scope["headers"] if name == b"host")
    url = f"http://{host}{scope['raw_path'].decode()}{f'?{query}' if query else ''}"
    request = httpx.Request(scope["method"], url, headers=scope["headers"], content=body)
    start, *rest = told
    content = b"".join(one.get("body", b"") for one in rest)
    return httpx.Response(start["status"], headers=start["headers"], content=content, request=request)
