"""Requests that the account sends: in the background, so many at once, over connections that are kept while it is busy."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp

#: What is done with the shared connections.
Job = Callable[[aiohttp.ClientSession], Awaitable[None]]
JSON_HEADERS: Mapping[str, str] = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a request was answered, or under ``error`` the name of what went wrong: ``timeout`` or an exception's."""

    status: int | None
    body: bytes
    seconds: float
    error: str | None = None


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], within: float
) -> Reply:
    """Send it and wait for the whole answer, at most ``within`` seconds."""
    begun = time.monotonic()
    limit = aiohttp.ClientTimeout(total=within)
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=limit, allow_redirects=False
        ) as answer:
            text = await answer.read()
            return Reply(status=answer.status, body=text, seconds=time.monotonic() - begun)
    except TimeoutError:
        return _failed("timeout", begun)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _failed(type(error).__name__, begun)


class Outbox:
    """Works off what is put in; the connections are closed when nothing is left."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: deque[Job] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._working = self.in_flight = self.most_at_once = 0

    @property
    def pending(self) -> int:
        """What waits or is on its way."""
        return len(self._waiting) + self.in_flight

    def put(self, job: Job) -> None:
        """Do it as soon as there is room."""
        self._waiting.append(job)
        if self._working < self._at_once:
            self._working += 1
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def idle(self) -> None:
        """Until nothing waits or is on its way."""
        while self._workers:
            await asyncio.wait(self._workers)

    def close(self) -> None:
        """Forget what waits and stop what is on its way."""
        self._waiting.clear()
        for worker in self._workers:
            worker.cancel()

    async def _work(self) -> None:
        if self._session is None:
            self._session = session_for(self._at_once)
        session = self._session
        try:
            while self._waiting:
                await self._do(self._waiting.popleft(), session)
        finally:
            self._working -= 1
            if not self._working:
                self._session = None
                await session.close()

    async def _do(self, job: Job, session: aiohttp.ClientSession) -> None:
        self.in_flight += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)
        try:
            await job(session)
        finally:
            self.in_flight -= 1


def session_for(at_once: int) -> aiohttp.ClientSession:
    """A client without cookies that opens as many connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=at_once), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


def _failed(name: str, begun: float) -> Reply:
    return Reply(status=None, body=b"", seconds=time.monotonic() - begun, error=name)
