"""Local servers that behave like a platform: found by entry point, told what to do under ``/_simulator``.

A simulator is published in the entry-point group ``hub.simulators`` as a ``Simulator``. Every one of them answers

    GET    /_simulator/summary   counters, small whatever the number of records
    GET    /_simulator/state     all it knows, every record included
    GET    /_simulator/faults    the sets of faults in force and how often each kind happened
    PUT    /_simulator/faults    replace them: one set or a list of sets (see ``Faults``)
    DELETE /_simulator/faults    none from now on
    PUT    /_simulator/watch     count requests whose "METHOD /path" contains the text under "match", from now on
    GET    /_simulator/watch     how many there were, are in flight, and were at once or in a second at most
    POST   /_simulator/reset     back to the start, faults included
    POST   /_simulator/COMMAND   what this simulator can be told besides, with a JSON object as arguments
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_origin

import uvicorn
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub import codec
from hub.errors import ConfigurationError
from hub.records import JSON
from hub.testing.asgi import App, Receive, Scope, Send, read_body, respond_json
from hub.testing.faults import ABORT, FaultInjection, Faults
from hub.testing.watch import Watch

#: Where a simulator is told what to do; never touched by its faults.
CONTROL_PATH = "/_simulator/"

#: How long a stopping server waits for requests in flight, in seconds.
GRACE_SECONDS = 1

#: Idle connections are kept this long, in seconds: longer than any client's pool does, so that none is cut in use.
KEEP_ALIVE_SECONDS = 120

#: Connections that may wait to be accepted: more than any benchmark opens at once.
BACKLOG = 2048

#: Seed of the dice of every simulator's faults, so that a run can be repeated.
FAULT_SEED = 7

#: Takes a JSON object and gives one, at once or when it is awaited.
Command = Callable[[JSON], JSON | Awaitable[JSON]]

_FAULT_SETS: TypeAdapter[list[Faults]] = TypeAdapter(list[Faults])
_ARGUMENTS: TypeAdapter[JSON] = TypeAdapter(JSON)


class Simulated(Protocol):
    """The platform itself: an ASGI application with something to look at and something to tell."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the platform does."""
        ...

    def summary(self) -> JSON:
        """Counters; cheap."""
        ...

    def state(self) -> JSON:
        """Everything, every record included."""
        ...

    def reset(self) -> None:
        """Back to what the options made."""
        ...

    def commands(self) -> Mapping[str, Command]:
        """What it can be told. A command raises ``ValidationError`` or ``ValueError`` for bad arguments."""
        ...


class SimulatorApp:
    """A simulated platform behind its faults, with the control path beside it."""

    def __init__(self, platform: Simulated, faults: Faults) -> None:
        self.platform = platform
        self._start = faults
        self.faults = FaultInjection(platform, [faults], seed=FAULT_SEED)
        self.watch = Watch(self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Faults and platform, or the control path."""
        if scope["type"] != "http":
            return
        if not scope["path"].startswith(CONTROL_PATH):
            await self.watch(scope, receive, send)
            return
        body = await read_body(receive)
        try:
            answer = self._control(scope["method"], scope["path"].removeprefix(CONTROL_PATH), body)
            if isinstance(answer, Awaitable):
                answer = await answer
        except LookupError as error:
            await respond_json(send, 404, {"detail": str(error.args[0])})
        except ValidationError as error:
            await respond_json(send, 422, {"detail": error.errors(include_url=False, include_context=False)})
        except ValueError as error:
            await respond_json(send, 422, {"detail": str(error)})
        else:
            await respond_json(send, 200, answer)

    def reset(self) -> None:
        """Back to the start: the platform's records and the faults it began with."""
        self.platform.reset()
        self.faults.reset([self._start])
        self.watch.begin(None)

    def _control(self, method: str, name: str, body: bytes) -> JSON | Awaitable[JSON]:
        match method, name:
            case "GET", "summary":
                return self.platform.summary() | {"injected": dict(self.faults.injected)}
            case "GET", "state":
                return self.platform.state()
            case "GET" | "PUT" | "DELETE", "faults":
                return self._control_faults(method, body)
            case "GET" | "PUT", "watch":
                return self._control_watch(method, body)
            case "POST", "reset":
                self.reset()
                return {}
            case "POST", _:
                return self._command(name)(_ARGUMENTS.validate_json(body or b"{}"))
        raise LookupError(f"{method} {CONTROL_PATH}{name} is no control path of a simulator")

    def _control_faults(self, method: str, body: bytes) -> JSON:
        if method != "GET":
            told = codec.loads(body) if method == "PUT" else []
            self.faults.set(_FAULT_SETS.validate_python(told if isinstance(told, list) else [told]))
        in_force = [one.model_dump(exclude_defaults=True) for one in self.faults.faults]
        return {"faults": in_force, "injected": dict(self.faults.injected)}

    def _control_watch(self, method: str, body: bytes) -> JSON:
        if method == "PUT":
            self.watch.begin(_Watched.model_validate_json(body).match)
        return self.watch.seen()

    def _command(self, name: str) -> Command:
        commands = self.platform.commands()
        if name not in commands:
            known = ", ".join(["reset", *sorted(commands)])
            raise LookupError(f"unknown command {name!r}: this simulator knows {known}")
        return commands[name]


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """What stands behind an entry point of ``hub.simulators``.

    ``Options`` (pydantic) are the fields of ``Faults`` and its own; ``build`` makes the platform from them.
    """

    name: str
    title: str
    Options: type[Faults]
    build: Callable[[Any], Simulated]

    def app(self, **options: Any) -> SimulatorApp:
        """The ASGI application. Raises ``ConfigurationError`` naming the option that is wrong."""
        return self._app(self._validated(options))

    def serve(self, host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:
        """Serve until SIGINT or SIGTERM; prints one line with the address once it answers."""
        serve(self.app(**options), host=host, port=port, title=f"{self.name} simulator")

    @contextlib.asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Running]:
        """The simulator on a free port of 127.0.0.1, on the caller's event loop."""
        app = self.app(**options)
        async with running(app) as url:
            yield Running(url=url, app=app)

    def main(self, arguments: Sequence[str] | None = None, *, program: str | None = None) -> None:
        """Run from a command line: ``--host``, ``--port`` and one flag for each option."""
        parser = argparse.ArgumentParser(prog=program or self.name, description=self.title)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=0)
        add_option_flags(parser, self.Options)
        given = vars(parser.parse_args(arguments))
        self.serve(given.pop("host"), given.pop("port"), **given)

    def _validated(self, options: Mapping[str, Any]) -> Faults:
        try:
            return self.Options.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(first["msg"], field=where) from error

    def _app(self, options: Faults) -> SimulatorApp:
        faults = Faults.model_validate(options.model_dump(include=set(Faults.model_fields)))
        return SimulatorApp(self.build(options), faults)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A simulator that answers at ``url``."""

    url: str
    app: SimulatorApp

    @property
    def platform(self) -> Any:
        """The simulated platform, for tests in the same process."""
        return self.app.platform


def add_option_flags(parser: argparse.ArgumentParser, options: type[BaseModel]) -> None:
    """One ``--flag`` for each field, repeatable for lists; what is given ends up in the namespace as text."""
    for name, info in options.model_fields.items():
        action = "append" if get_origin(info.annotation) is list else "store"
        flag, text = f"--{name.replace('_', '-')}", info.description
        parser.add_argument(flag, action=action, default=argparse.SUPPRESS, help=text)


def serve(app: App, *, host: str, port: int, title: str) -> None:
    """Serve until SIGINT or SIGTERM. Prints ``TITLE ready at http://HOST:PORT`` once it answers; port 0 is a free one.

    Raises ``ConfigurationError`` when the address cannot be bound.
    """
    listener = _bind(host, port)
    server = _Server(_config(app), on_ready=lambda: _say(f"{title} ready at {_url(listener)}"))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


@contextlib.asynccontextmanager
async def running(app: App) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1, on this event loop, and yield the URL; stopped on the way out."""
    listener = _bind("127.0.0.1", 0)
    ready = asyncio.Event()
    server = _Server(_config(app), on_ready=ready.set, signals=False)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await ready.wait()
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        await task


class _Watched(BaseModel):
    """What is watched; None for nothing."""

    model_config = ConfigDict(extra="forbid")

    match: str | None


class _Server(uvicorn.Server):
    """uvicorn that says when it answers, and leaves the signals alone where it is a guest in a test."""

    def __init__(
        self, config: uvicorn.Config, *, on_ready: Callable[[], object], signals: bool = True
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._signals = signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals() if self._signals else contextlib.nullcontext():
            yield


class _Protocol(HttpToolsProtocol):
    """Hands the application what cuts its connection, which no ASGI message can."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


def _config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigurationError(
            f"{port} is no port; choose one of 1 to 65535, or 0 for a free one", field="port"
        )
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); choose another one", field="port"
        ) from error
    # Accepted connections inherit it. asyncio would not set it on them, and each answer would take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
