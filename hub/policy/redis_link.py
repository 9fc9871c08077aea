"""How the policies reach Redis: one script a call, with little patience, and without it when it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

#: Seconds that a call may take. A Redis that hangs is as good as none.
PATIENCE = 1.0
#: Seconds for which nobody asks again after a failure.
RESPITE = 1.0

T = TypeVar("T")


class RedisLink:
    """One Redis as the policies of a process see it: there, or away for a while.

    The first failure and the return are logged, nothing in between, and nothing is ever raised.
    """

    def __init__(
        self, redis: Redis, *, clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE
    ) -> None:
        self.redis = redis
        self._clock = clock
        self._patience = patience
        self._away = False
        self._ask_again = 0.0
        self._log = structlog.get_logger("hub.policy")

    @classmethod
    def to(cls, url: str, *, patience: float = PATIENCE) -> Self:
        """A client of its own for ``url``: it tries once more at once, since a restart cuts pooled connections off."""
        redis = Redis.from_url(url, retry=Retry(NoBackoff(), 1), socket_connect_timeout=patience)
        return cls(redis, patience=patience)

    async def close(self) -> None:
        """Let the connections go. A later call opens new ones."""
        await self.redis.aclose()

    async def ask(self, call: Callable[[], Awaitable[T]], otherwise: Callable[[], Awaitable[T]]) -> T:
        """What ``call`` gets out of Redis, or else ``otherwise``."""
        now = self._clock()
        if now < self._ask_again:
            return await otherwise()
        if self._away:  # one asks for all
            self._ask_again = now + RESPITE
        try:
            async with asyncio.timeout(self._patience):
                answer = await call()
        except (RedisError, OSError) as error:
            self._lost(error)
            return await otherwise()
        self._found()
        return answer

    def script(self, text: str) -> AsyncScript:
        """A Lua script, sent by its hash and in full where Redis has forgotten it."""
        return self.redis.register_script(text)

    def _lost(self, error: Exception) -> None:
        self._ask_again = self._clock() + RESPITE
        if not self._away:
            self._away = True
            self._log.warning(
                "policies_without_redis",
                error=type(error).__name__,
                hint="limits and circuits are kept by each process alone until Redis (HUB_REDIS_URL) is back",
            )

    def _found(self) -> None:
        if self._away:
            self._away, self._ask_again = False, 0.0
            self._log.info("policies_with_redis_again")
