"""Security headers for what Starlette answers."""

from __future__ import annotations

from hub.web.reply import SECURITY_HEADERS, App, Message, Receive, Scope, Send


class SecurityHeaders:
    """Adds the headers that every answer of the hub's own carries."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add them to its answer."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, add)
