"""`hub web`: one process that takes webhooks, serves connectors' endpoints and answers whether it is well."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Literal, NoReturn
from urllib.parse import urlencode

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hub import event_loop, log
from hub.boot import open_runtime
from hub.embedded import ensure_broker
from hub.errors import ConfigurationError
from hub.fleet import actors
from hub.fleet.broker import make_broker
from hub.metrics import Metrics
from hub.settings import Settings
from hub.web.app import WebApp, make_app
from hub.web.metrics import WebMetrics
from hub.web.ringer import Ringer

#: Connections that may wait to be accepted.
BACKLOG = 2048
#: An idle connection is kept so long, in seconds: longer than a proxy's or platform's pool keeps it.
KEEP_ALIVE_SECONDS = 75
#: How long the broker may take for an answer, in seconds. A bell is not worth more.
BROKER_SECONDS = 2.0

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    Raises ``ServiceUnavailableError`` and ``ConfigurationError`` where it cannot begin.
    """
    log.set_up(settings, process="web")
    return event_loop.run(_serve(settings))


def make_server(app: WebApp, settings: Settings) -> uvicorn.Server:
    """The server as the hub runs it: it ends when ``should_exit`` is set, and leaves signals alone."""
    return _Server(
        uvicorn.Config(
            app,
            loop="none",
            http=_protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout.total_seconds()),
        )
    )


async def _serve(settings: Settings) -> int:
    with _listening(settings) as listener:
        url = _impatient(await asyncio.to_thread(ensure_broker, settings))
        async with _opened(settings, url) as app:
            await _until_stopped(app, listener, settings)
    return 0


@contextlib.asynccontextmanager
async def _opened(settings: Settings, redis_url: str) -> AsyncIterator[WebApp]:
    """The application with all that it stands on; closed from the request inwards."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    broker, redis = make_broker(redis_url), Redis.from_url(redis_url)
    ringer = Ringer(actors.declare(broker, _no_runtime).ring)
    runtime = open_runtime(settings, redis_url=redis_url, ring=ringer.ring, observe=Metrics(registry).observe)
    runtime.pool.warm_up()
    app = make_app(runtime, registry=registry, metrics=WebMetrics(registry), broker_answers=_ping(redis))
    try:
        yield app
    finally:
        await app.close()
        await ringer.close()
        await runtime.close()
        await redis.aclose()
        broker.close()


async def _until_stopped(app: WebApp, listener: socket.socket, settings: Settings) -> None:
    server = make_server(app, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    host, port = listener.getsockname()[:2]
    _log.info("the web process listens", host=host, port=port, public_url=settings.web_url)
    await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: they would end the process by the signal, before anything is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    try:
        from hub.web.protocol import WebProtocol  # noqa: PLC0415 - httptools is not everywhere
    except ImportError:  # Windows has no httptools
        return "auto"
    return WebProtocol


def _listening(settings: Settings) -> socket.socket:
    """The socket, opened first: a port that is taken is said before anything is started."""
    host, port = settings.web_host, settings.web_port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}): choose another with HUB_WEB_HOST and "
            "HUB_WEB_PORT",
            field="HUB_WEB_PORT",
        ) from error
    # Accepted connections inherit it; without it, an answer in two parts can take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _impatient(url: str) -> str:
    """The broker's URL, with time limits on it."""
    limits = urlencode({"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS})
    return f"{url}{'&' if '?' in url else '?'}{limits}"


def _ping(redis: Redis) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            return bool(await redis.ping())
        except (RedisError, OSError):
            return False

    return answers


def _no_runtime() -> NoReturn:
    raise RuntimeError("the web process only sends messages")
