"""Fault injection as ASGI middleware: what every simulator can be told to do wrong, at start or while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.testing.asgi import App, Receive, Scope, Send, read_body, respond, respond_json

#: Name of the ASGI extension whose ``abort`` cuts the connection; the runner hands it in.
ABORT = "hub.testing.abort"

#: What "garbage" answers: a status of 200 and a body that no parser accepts.
GARBAGE = b'<html>{"items": [\x00'

Kind = Literal["stall", "throttle", "error", "garbage", "drop", "lose"]
Share = Annotated[float, Field(ge=0, le=1)]

#: The order in which a request is tried against the shares; the first that hits is its fault.
_KINDS: tuple[Kind, ...] = ("stall", "throttle", "error", "garbage", "drop", "lose")


class Faults(BaseModel):
    """What goes wrong, for which requests and for how long. Shares are of the matching requests, 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    latency_ms: float = Field(0, ge=0, description="Every answer is this late, in milliseconds.")
    throttle: Share = Field(0, description="Share of requests answered 429.")
    retry_after: float | None = Field(
        1, ge=0, description="Retry-After of a 429, in seconds; none leaves it out."
    )
    error: Share = Field(0, description="Share of requests answered with error_status.")
    error_status: int = Field(503, ge=400, le=599, description="The status of those.")
    garbage: Share = Field(0, description="Share of requests answered 200 with a body that is not JSON.")
    drop: Share = Field(0, description="Share of connections cut before the request is handled.")
    lose: Share = Field(
        0, description="Share of connections cut after the request is handled: the answer is lost."
    )
    stall: Share = Field(
        0, description="Share of requests that hang for stall_seconds before they are handled."
    )
    stall_seconds: float = Field(
        30, ge=0, description="How long a stalled request hangs, unless these faults are replaced before."
    )
    match: str = Field(
        "", description="Only requests whose 'METHOD /path' contains this text; empty for all."
    )
    seconds: float | None = Field(None, gt=0, description="The faults end after this time; none for never.")
    requests: int | None = Field(None, ge=1, description="The faults end after so many matching requests.")


class FaultInjection:
    """ASGI middleware that applies the first set of faults that matches a request.

    ``injected`` counts the faults that happened, by kind. The dice are seeded: equal requests, equal faults.
    """

    def __init__(
        self,
        app: App,
        faults: Iterable[Faults] = (),
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._clock = clock
        self._random = Random(seed)
        self.injected: Counter[Kind] = Counter()
        self._active: list[_Active] = []
        self.set(faults)

    @property
    def faults(self) -> list[Faults]:
        """The sets that are in force."""
        return [active.faults for active in self._active if not active.over(self._clock())]

    def set(self, faults: Iterable[Faults]) -> None:
        """Replace all sets; their time and number of requests count from now. What is stalled goes on."""
        for active in self._active:
            active.replaced.set()
        now = self._clock()
        self._active = [_Active(one, now) for one in faults if _does_harm(one)]

    def reset(self, faults: Iterable[Faults]) -> None:
        """As at the start: nothing is counted, and what is stalled is cut instead of handled."""
        for active in self._active:
            active.forgotten = True
        self.set(faults)
        self.injected.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or do it harm."""
        active = self._active_for(scope) if self._active and scope["type"] == "http" else None
        if active is None:
            await self._app(scope, receive, send)
            return
        if active.faults.latency_ms:
            await asyncio.sleep(active.faults.latency_ms / 1000)
        kind = self._draw(active.faults)
        if kind is None:
            await self._app(scope, receive, send)
            return
        self.injected[kind] += 1
        await self._inject(kind, active, scope, receive, send)

    def _active_for(self, scope: Scope) -> _Active | None:
        now, subject = self._clock(), f"{scope['method']} {scope['path']}"
        return next((active for active in self._active if active.takes(subject, now)), None)

    def _draw(self, faults: Faults) -> Kind | None:
        for kind in _KINDS:
            share = getattr(faults, kind)
            if share and self._random.random() < share:
                return kind
        return None

    async def _inject(self, kind: Kind, active: _Active, scope: Scope, receive: Receive, send: Send) -> None:
        faults = active.faults
        match kind:
            case "stall":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(active.replaced.wait(), faults.stall_seconds)
                await (_cut(scope, receive) if active.forgotten else self._app(scope, receive, send))
            case "throttle":
                await read_body(receive)
                await respond_json(send, 429, {"detail": "Too many requests"}, _retry_after(faults))
            case "error":
                await read_body(receive)
                await respond_json(send, faults.error_status, {"detail": "simulated failure"})
            case "garbage":
                await read_body(receive)
                await respond(send, 200, GARBAGE)
            case "drop":
                await read_body(receive)
                await _cut(scope, receive)
            case "lose":
                await self._app(scope, receive, _into_the_void)
                await _cut(scope, receive)


class _Active:
    """A set of faults with what is left of its time and its requests, and the end of what it stalls."""

    def __init__(self, faults: Faults, now: float) -> None:
        self.faults = faults
        self.replaced = asyncio.Event()
        self.forgotten = False
        self._ends = now + faults.seconds if faults.seconds is not None else None
        self._left = faults.requests

    def over(self, now: float) -> bool:
        return self._left == 0 or (self._ends is not None and now >= self._ends)

    def takes(self, subject: str, now: float) -> bool:
        if self.over(now) or self.faults.match not in subject:
            return False
        if self._left is not None:
            self._left -= 1
        return True


def _does_harm(faults: Faults) -> bool:
    return faults.latency_ms > 0 or any(getattr(faults, kind) for kind in _KINDS)


def _retry_after(faults: Faults) -> list[tuple[bytes, bytes]]:
    if faults.retry_after is None:
        return []
    return [(b"retry-after", f"{faults.retry_after:g}".encode())]


async def _into_the_void(message: object) -> None:
    """Takes the place of ``send`` where the answer must get lost."""


async def _cut(scope: Scope, receive: Receive) -> None:
    """Reset the connection, and wait until the server has noticed, so that it does not answer for us."""
    abort = scope.get("extensions", {}).get(ABORT, {}).get("abort")
    if abort is None:
        raise RuntimeError(
            "only a server of hub.testing.simulator can cut connections: run the app through it"
        )
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass
