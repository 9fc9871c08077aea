"""What the tests of the destinations share: items, ports, and a server that remembers what it was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn

from hub import codec
from hub.connector import Bucket, Ports
from hub.http import HttpPool
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.records import Item
from hub.testing.asgi import Receive, Scope, Send, read_body, respond


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return codec.loads(self.content)


class Recorder:
    """An API whose answers a test decides; ``calls`` are what it was sent, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        self.calls: list[Call] = []
        self.always(200, {})

    def always(self, status: int, body: Any) -> None:
        """The same answer to each call; a test may also set ``answer`` to a function of the call."""
        self.answer: Callable[[Call], tuple[int, Any]] = lambda _call: (status, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        call = Call(
            method=scope["method"],
            target=scope["raw_path"].decode() + (f"?{query}" if query else ""),
            headers={name.decode(): value.decode() for name, value in scope["headers"]},
            content=await read_body(receive),
        )
        self.calls.append(call)
        status, body = self.answer(call)
        if status == 204:
            body = b""
        await respond(send, status, body if isinstance(body, bytes) else codec.dumps(body))


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """One server for all tests of this process, on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    recorder = Recorder(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(recorder, lifespan="off", log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield recorder
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def api(recorder: Recorder) -> Recorder:
    """The recording server, as if it were new."""
    recorder.reset()
    return recorder


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(kw_only=True)
class MemoryLog:
    """Remembers what was logged."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **facts: Any) -> None:
        self.events.append((event, facts))

    warning = info


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    """As the core hands them over, with its own way out and a limiter and circuits that are new."""
    pool = HttpPool(allow_private_hosts=True, timeout=timedelta(seconds=5))
    http = pool.for_connection(
        side="destination",
        tenant="acme",
        circuit_key="erp",
        default_bucket=Bucket(key="erp"),
        limiter=MemoryLimiter(),
        circuit=MemoryCircuit(),
    )
    yield Ports(
        http=http,
        ids=None,  # type: ignore[arg-type]
        documents=None,  # type: ignore[arg-type]
        clock=SystemClock(),
        log=MemoryLog(),
        connection="prices",
        tenant="acme",
    )
    await pool.close()


@pytest.fixture
def item() -> Callable[..., Item]:
    """Makes a record on its way out, as the core hands it over."""

    def make(number: int = 1, body: Any = None, **more: Any) -> Item:
        facts = {
            "stream": "price",
            "key": f"pr-{number}",
            "payload": {},
            "body": {"sku": f"sku-{number}"} if body is None else body,
            "idempotency_key": f"key-{number}",
        }
        return Item(id=number, **(facts | more))

    return make
