"""Opens what a process needs, from the settings; the one place where adapters are chosen."""

from __future__ import annotations

from hub import registry
from hub.http import HttpPool
from hub.policy.circuit import Circuit, MemoryCircuit
from hub.policy.limiter import Limiter, MemoryLimiter
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink
from hub.runtime import Ring, Runtime, no_ring
from hub.secrets import secret_box
from hub.settings import Settings
from hub.store import migrate
from hub.store.database import Database, default_url
from hub.telemetry import Observe, ignore


def open_store(settings: Settings) -> Database:
    """The store, brought up to date first where it is the embedded one.

    A store that an operator named is upgraded on purpose (``hub db upgrade``). Raises ``ServiceUnavailableError``.
    """
    if settings.database_url is not None:
        db = Database(settings.database_url.get_secret_value())
        migrate.require_current(db)
        return db
    home = settings.home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = Database(default_url(str(home)))
    migrate.upgrade(db)
    return db


def open_runtime(
    settings: Settings, *, redis_url: str | None, ring: Ring = no_ring, observe: Observe = ignore
) -> Runtime:
    """A runtime whose policies are shared through Redis, or kept in this process where there is none."""
    limiter: Limiter = MemoryLimiter()
    circuit: Circuit = MemoryCircuit()
    if redis_url is not None:
        link = RedisLink.to(redis_url)
        limiter, circuit = RedisLimiter(link), RedisCircuit(link)
    return Runtime(
        settings=settings,
        db=open_store(settings),
        registry=registry.load(),
        secrets=secret_box(settings),
        pool=HttpPool.of(settings),
        limiter=limiter,
        circuit=circuit,
        ring=ring,
        observe=observe,
    )
