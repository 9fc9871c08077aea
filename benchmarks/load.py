"""A closed load over keep-alive connections: each sends its next request when it has read the answer to the last.

``ceiling`` is the fastest server that answers it at all, to show that the load is not what is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

#: Requests that are made up before, and then sent in turn.
KINDS = 512

_LENGTH = b"content-length: "


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of it: requests a second, and seconds that answers took, sorted."""

    rate: float
    latencies: Sequence[float]
    bytes_each: int

    def percentile(self, share: float) -> float:
        """In seconds."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def requests(path: str, bodies: Sequence[bytes]) -> list[bytes]:
    """As they go over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
    return [b"%b%d\r\n\r\n%b" % (head.encode(), len(body), body) for body in bodies]


def run(port: int, told: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Raises ``RuntimeError`` for an answer that is not 200."""
    return uvloop.run(_run(port, told, connections, seconds))


async def _run(port: int, told: Sequence[bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    shuffled = list(told)
    random.Random(7).shuffle(shuffled)
    turns = itertools.cycle(shuffled)
    ends = time.perf_counter() + seconds
    opened = [
        await loop.create_connection(lambda: _Caller(turns, ends), "127.0.0.1", port)
        for _ in range(connections)
    ]
    callers = [caller for _, caller in opened]
    began = time.perf_counter()
    for caller in callers:
        caller.ask()
    await asyncio.gather(*(caller.done for caller in callers))
    took = time.perf_counter() - began
    latencies = sorted(latency for caller in callers for latency in caller.latencies)
    return Load(
        rate=len(latencies) / took,
        latencies=latencies,
        bytes_each=sum(caller.received for caller in callers) // max(1, len(latencies)),
    )


def run_open(port: int, told: Sequence[bytes], *, rate: float, seconds: float) -> Load:
    """So many requests a second, whether earlier ones are answered or not: an answer's time counts from when its request
    was due, so that a server that stalls is not asked less. Raises ``RuntimeError`` for an answer that is not 200."""
    return uvloop.run(_run_open(port, told, rate, seconds))


async def _run_open(port: int, told: Sequence[bytes], rate: float, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    turns = itertools.cycle(told)
    idle: list[_Once] = []
    everyone: list[_Once] = []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        if not idle:
            _, made = await loop.create_connection(lambda: _Once(idle), "127.0.0.1", port)
            everyone.append(made)
            idle.append(made)
        idle.pop().ask_at(due, next(turns))
    while len(idle) < len(everyone):
        await asyncio.sleep(0.01)
        for one in everyone:
            if one.done.done():
                one.done.result()
    took = time.perf_counter() - began
    latencies = sorted(latency for one in everyone for latency in one.latencies)
    for one in everyone:
        one.close()
    return Load(rate=len(latencies) / took, latencies=latencies, bytes_each=0)


class _Caller(asyncio.Protocol):
    def __init__(self, turns: Iterator[bytes], ends: float) -> None:
        self._turns, self._ends = turns, ends
        self._missing = 0
        self._begun = 0.0
        self._pieces = b""
        self.received = 0
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(next(self._turns))

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._pieces + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._pieces = data
                return
            self._pieces = b""
            self._missing = self._length(data[:end].lower()) - (len(data) - end - 4)
        if self._missing == 0:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server hung up"))

    def _length(self, head: bytes) -> int:
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"the server said {head[:60]!r}")
        begins = head.index(_LENGTH) + len(_LENGTH)
        return int(head[begins:].partition(b"\r\n")[0])

    def _answered(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._begun)
        if now < self._ends:
            self.ask()
            return
        self.done.set_result(None)
        self._transport.close()


class _Once(_Caller):
    """Asks when it is told to, and is idle again once it is answered."""

    def __init__(self, idle: list[_Once]) -> None:
        super().__init__(iter(()), 0.0)
        self._idle = idle

    def ask_at(self, due: float, request: bytes) -> None:
        """``due`` is when it should have been asked."""
        self._begun = due
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()

    def _answered(self) -> None:
        self.latencies.append(time.perf_counter() - self._begun)
        self._idle.append(self)


class _Bare(asyncio.Protocol):
    """Answers anything with the same bytes, as soon as something comes."""

    def __init__(self, size: int) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        self._transport.write(self._answer)


async def _bare(size: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Bare(size), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import sys

    uvloop.run(_bare(int(sys.argv[1])))
