"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hub.errors import HubError
from hub.runtime import Runtime
from hub.store import migrate

#: How long a look at store or broker may take, in seconds.
LOOK_SECONDS = 5.0
#: An answer holds so long, in seconds: however often it is asked, the store is not.
FRESH_SECONDS = 1.0

BrokerAnswers = Callable[[], Awaitable[bool]]


class Health:
    """Alive, ready, and counted."""

    def __init__(self, runtime: Runtime, registry: CollectorRegistry, broker_answers: BrokerAnswers) -> None:
        self._runtime = runtime
        self._registry = registry
        self._broker_answers = broker_answers
        self._lock = asyncio.Lock()
        self._looked = float("-inf")
        self._found: dict[str, Any] = {}

    async def alive(self, request: Request) -> Response:
        """The process runs and its event loop turns."""
        return PlainTextResponse("ok\n")

    async def ready(self, request: Request) -> Response:
        """200 while webhooks can be stored, 503 with what is wrong otherwise. A broker that is away costs only time."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._looked >= FRESH_SECONDS:
                self._found = await self._look()
                self._looked = asyncio.get_running_loop().time()
        return JSONResponse(self._found, status_code=200 if self._found["ready"] else 503)

    async def metrics(self, request: Request) -> Response:
        """The exposition of this process."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _look(self) -> dict[str, Any]:
        wrong, broker = await asyncio.gather(self._store(), self._broker())
        return {"ready": wrong is None, "store": wrong or "current", "broker": broker}

    async def _store(self) -> str | None:
        """What is wrong with the store, if anything."""
        db = self._runtime.db
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await db.run(migrate.require_current, db)
        except TimeoutError:
            return "the store does not answer; check HUB_DATABASE_URL"
        except HubError as error:
            return str(error)
        except SQLAlchemyError as error:
            return f"the store fails ({type(error).__name__}); the log of the database says how"
        return None

    async def _broker(self) -> str:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return "up" if await self._broker_answers() else "down"
        except TimeoutError:
            return "down"
