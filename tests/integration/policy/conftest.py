"""Limiter and circuit, in memory and in Redis alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub.policy.circuit import Circuit, MemoryCircuit
from hub.policy.limiter import Limiter, MemoryLimiter
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink
from tests.integration.policy.turned import Turned


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    link = RedisLink.to(redis_url)
    yield link
    await link.close()


@pytest.fixture(params=("memory", "redis"))
def limiter(request: pytest.FixtureRequest, clock: Turned, link: RedisLink) -> Limiter:
    return MemoryLimiter(clock) if request.param == "memory" else RedisLimiter(link, clock=clock)


@pytest.fixture(params=("memory", "redis"))
def circuit(request: pytest.FixtureRequest, clock: Turned, link: RedisLink) -> Circuit:
    return MemoryCircuit(clock) if request.param == "memory" else RedisCircuit(link, clock=clock)
