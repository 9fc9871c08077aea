"""Opens what a process needs, from the settings; the one place where adapters are chosen.

Those of Redis are loaded where there is one: its client takes longer to load than most commands take to run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from hub import registry
from hub.embedded import ensure_broker
from hub.errors import ConfigurationError, HubError, ServiceUnavailableError
from hub.http import HttpPool
from hub.policy.circuit import Circuit, MemoryCircuit
from hub.policy.limiter import Limiter, MemoryLimiter
from hub.runtime import Ring, Runtime
from hub.secrets import secret_box
from hub.settings import Settings
from hub.store import connections
from hub.store.opening import open_store
from hub.telemetry import Observe, ignore

#: Seconds that a broker may take to answer when a process starts.
PATIENCE = 5.0


def require_services(settings: Settings) -> str:
    """Look whether store, keys and broker are there, and bring the embedded ones up; gives the broker's URL.

    Raises ``ServiceUnavailableError`` or ``ConfigurationError`` naming the setting.
    """
    open_store(settings).close()
    secret_box(settings)
    url = ensure_broker(settings)
    _require_answer(url)
    return url


def open_runtime(
    settings: Settings, *, redis_url: str | None, ring: Ring | None = None, observe: Observe = ignore
) -> Runtime:
    """A runtime whose policies are shared through Redis, or kept in this process where there is none."""
    limiter: Limiter = MemoryLimiter()
    circuit: Circuit = MemoryCircuit()
    on_close: Sequence[Callable[[], Awaitable[None]]] = ()
    if redis_url is not None:
        from hub.policy.redis_circuit import RedisCircuit
        from hub.policy.redis_limiter import RedisLimiter
        from hub.policy.redis_link import RedisLink

        link = RedisLink.to(redis_url)
        limiter, circuit, on_close = RedisLimiter(link), RedisCircuit(link), [link.close]
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
        on_close=on_close,
    )


def preload(settings: Settings, name: str, *, redis_url: str | None) -> None:
    """Load what a runtime needs for a connection, so that processes forked from this one have it. Nothing is left open.

    Raises ``NotFoundError`` for a connection that there is not; a plugin that is missing is told of by whoever uses it.
    """
    if redis_url is not None:
        import hub.policy.redis_circuit
        import hub.policy.redis_limiter  # noqa: F401
    db = open_store(settings)
    try:
        stored = connections.get_connection(db, name)
    finally:
        db.close()
    plugins, destination = registry.load(), stored.config.get("destination")
    with contextlib.suppress(HubError):
        plugins.connector(stored.connector)
        if destination is not None:
            plugins.destination(destination["name"])


def _require_answer(url: str) -> None:
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as redis:
            redis.ping()
    except ValueError as error:
        raise ConfigurationError(
            "is no URL of a Redis; write redis://HOST:PORT/DB", field="HUB_REDIS_URL"
        ) from error
    except (RedisError, OSError) as error:
        raise ServiceUnavailableError(
            f"the broker cannot be reached ({type(error).__name__}); check HUB_REDIS_URL"
        ) from error
