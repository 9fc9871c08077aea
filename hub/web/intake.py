"""How every webhook comes in: its body is read within limits, somebody answers it, and the metrics hear of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import parse_qsl

from hub.connector import WebhookRequest
from hub.web.body import Bodies, BodyError, GoneError
from hub.web.metrics import NOBODY, WebMetrics
from hub.web.reply import Receive, Reply, Scope, Send

#: Gets the name that stands first in the path and the request; gives the answer, and the connector for the metrics.
Answer = Callable[[str, WebhookRequest], Awaitable[tuple[Reply, str]]]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """One a process: its bodies share their room."""

    bodies: Bodies
    metrics: WebMetrics

    async def take(self, scope: Scope, receive: Receive, send: Send, *, prefix: str, answer: Answer) -> None:
        """Read and answer; nobody is answered who has hung up."""
        began = perf_counter()
        name, _, path = scope["path"][len(prefix) :].partition("/")
        try:
            body = await self.bodies.read(scope, receive)
        except GoneError:
            return
        except BodyError as error:
            await error.reply.send(send)
            self.metrics.webhook(NOBODY, "unread", perf_counter() - began)
            return
        try:
            reply, connector = await answer(name, _request(scope, path, body))
        finally:
            self.bodies.release(len(body))
        await reply.send(send)
        self.metrics.webhook(connector, reply.result, perf_counter() - began)


def _request(scope: Scope, path: str, body: bytes) -> WebhookRequest:
    """What a plugin sees of a request."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = scope["query_string"]
    return WebhookRequest(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
        headers=headers,
        body=body,
    )
