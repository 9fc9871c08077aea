"""What a plugin is handed as ``http``: every call of one side of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
import yarl

from hub import codec
from hub.connector import Bucket
from hub.errors import HubError, NotNowError, RejectedError, RetryableError
from hub.http.call import HttpCall, Observe, Side
from hub.http.pace import Pace
from hub.http.redact import Redactor
from hub.http.redirects import MOST_REDIRECTS, is_redirect, next_hop
from hub.policy.classify import error_of, error_of_exception
from hub.policy.lessons import lesson_of

if TYPE_CHECKING:
    import aiohttp

    from hub.http.stream import StreamedAnswer
    from hub.http.transport import Answer, Transport

_JSON = {"Content-Type": "application/json"}


class ConnectionHttp:
    """Satisfies ``hub.connector.Http``: bounded, paced, broken by the circuit, classified, observed and redacted.

    Made by ``HttpPool.for_connection``.
    """

    def __init__(
        self,
        transport: Callable[[], Transport],
        pace: Pace,
        *,
        side: Side,
        default_bucket: Bucket,
        concurrency: int,
        redact: Redactor,
        observe: Observe,
    ) -> None:
        self.redact = redact
        self._transport = transport
        self._pace = pace
        self._side = side
        self._bucket = default_bucket
        self._slots = asyncio.Semaphore(concurrency)
        self._observe = observe

    def slice(self, requests: int) -> Slice:
        """``async with http.slice(n):`` around some ``n`` requests lets them share what is asked of the fleet."""
        return Slice(self._pace, requests)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        bucket: Bucket | None = None,
        accept: Collection[int] = (),
    ) -> httpx.Response:
        """Send one request and return its answer, as ``hub.connector.Http`` says; ``params`` come after those in ``url``.

        Raises ``ConfigurationError`` as well, where the host is private and may not be reached.
        """
        if json is not None:
            content, headers = codec.dumps(json), {**_JSON, **(headers or {})}
        call = _Call(
            method=method.upper(),
            url=_parse(method, url, params),
            headers=headers or {},
            content=content,
            bucket=bucket or self._bucket,
            accept=accept,
        )
        self._pace.enter()
        try:
            async with self._slots:
                return await self._paced(call)
        finally:
            await self._pace.leave()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        bucket: Bucket | None = None,
        accept: Collection[int] = (),
    ) -> AsyncIterator[StreamedAnswer]:
        """Send one request and have its answer piece by piece, as ``hub.connector.Http`` says. Raises as ``request``."""
        call = _Call(
            method=method.upper(),
            url=_parse(method, url, None),
            headers=headers or {},
            content=None,
            bucket=bucket or self._bucket,
            accept=accept,
            streamed=True,
        )
        self._pace.enter()
        try:
            async with self._slots:
                await self._paced(call)
                async with self._observed(call) as streamed:
                    yield streamed
        finally:
            if call.opened is not None:
                call.opened.close()
            await self._pace.leave()

    @asynccontextmanager
    async def _observed(self, call: _Call) -> AsyncIterator[StreamedAnswer]:
        """What was opened, told of at its end: only then is it known how long it took and whether it broke."""
        from hub.http.stream import StreamedAnswer  # noqa: PLC0415 - whoever comes here has loaded aiohttp

        assert call.opened is not None  # noqa: S101 - for mypy; an answer that is no error was opened
        begin, failures = perf_counter(), list[HubError]()

        async def broken(raised: Exception) -> HubError:
            failures.append(await self._failure(call, raised))
            return failures[-1]

        try:
            yield StreamedAnswer(call.opened, broken)
        finally:
            if not (failures or call.counted):
                await self._pace.answered(worked=True)
            self._tell(
                call,
                error=failures[0] if failures else None,
                status=call.opened.status,
                waited=call.waited,
                duration=call.answered_in + perf_counter() - begin,
            )

    async def _paced(self, call: _Call) -> Answer:
        try:
            call.waited = waited = await self._pace.admit(call.bucket)
        except NotNowError as error:
            self._tell(call, error=error)
            raise
        begin = perf_counter()
        try:
            answer = await self._follow(call)
        except (httpx.RequestError, httpx.InvalidURL) as raised:
            failure = await self._failure(call, raised)
            self._tell(call, error=failure, waited=waited, duration=perf_counter() - begin)
            raise failure from raised
        except BaseException as raised:
            self._pace.not_made()
            self._tell(call, error=raised, waited=waited, duration=perf_counter() - begin)
            raise
        finally:
            self._pace.returned(call.bucket)
        return await self._judged(call, answer, waited, perf_counter() - begin)

    async def _follow(self, call: _Call) -> Answer:
        url, headers = call.url, call.headers
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._exchanged(call, url, headers)
            if answer.status_code in call.accept or not is_redirect(call.method, answer):
                return answer
            target = self._target(call)
            url, headers = next_hop(answer, url, headers, target=target, is_secret=self.redact.finds)
        raise httpx.TooManyRedirects("")

    async def _exchanged(self, call: _Call, url: yarl.URL, headers: Mapping[str, str]) -> Answer:
        if not call.streamed:
            return await self._transport().exchange(call.method, url, headers, call.content)
        answer, call.opened = await self._transport().begin(call.method, url, headers, wanted=call.wants)
        return answer

    async def _judged(self, call: _Call, answer: Answer, waited: float, duration: float) -> Answer:
        """The answer, or the error that it stands for, after everybody has learned from it."""
        answer.elapsed = timedelta(seconds=duration)
        call.answered_in = duration
        status, accepted = answer.status_code, call.wants(answer.status_code)
        if (
            status >= 400
            or "X-RateLimit-Remaining" in answer.received
            or "RateLimit-Remaining" in answer.received
        ):
            lesson = lesson_of(status, answer.received, _now())
            if lesson is not None:
                await self._pace.learn(call.bucket, lesson, duration)
        # Whether a streamed answer worked is known at its end; but a whole fleet may wait for a probe.
        call.counted = not (call.streamed and accepted) or self._pace.is_probing
        if call.counted:
            await self._pace.answered(worked=accepted or status < 500)
        error = (
            None if accepted else error_of(answer, target=self._target(call), now=_now(), clean=self.redact)
        )
        if error is not None or not call.streamed:
            self._tell(call, error=error, status=status, waited=waited, duration=duration)
        if error is not None:
            raise error
        return answer

    async def _failure(self, call: _Call, raised: Exception) -> HubError:
        """What the lack of an answer, or of the rest of one, stands for, after the circuit has learned from it."""
        error = error_of_exception(raised, target=self._target(call), reason=self.redact(str(raised)))
        if isinstance(error, RetryableError):
            await self._pace.failed()
        else:
            self._pace.not_made()
        return error

    def _target(self, call: _Call) -> str:
        """What an error calls a request: no query, no credentials, and no secret in the path."""
        return self.redact(f"{call.method} {call.url.host_port_subcomponent}{call.url.path}")

    def _tell(
        self,
        call: _Call,
        *,
        error: BaseException | None,
        status: int | None = None,
        waited: float = 0.0,
        duration: float = 0.0,
    ) -> None:
        self._observe(
            HttpCall(
                side=self._side,
                host=call.url.raw_host or "",
                method=call.method,
                status=status,
                duration_seconds=duration,
                waited_seconds=waited,
                error=type(error).__name__ if error is not None else None,
            )
        )


class Slice:
    """Some requests that belong together; see ``ConnectionHttp.slice``."""

    def __init__(self, pace: Pace, requests: int) -> None:
        self._pace = pace
        self._requests = requests

    async def __aenter__(self) -> None:
        self._pace.enter(self._requests)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pace.leave(self._requests)


@dataclass(kw_only=True, slots=True)
class _Call:
    """One request as it was asked for. Not frozen: that would cost a microsecond each."""

    method: str
    url: yarl.URL
    headers: Mapping[str, str]
    content: bytes | None
    bucket: Bucket
    accept: Collection[int]
    #: The body of a good answer is left to be read piece by piece: ``opened``.
    streamed: bool = False
    opened: aiohttp.ClientResponse | None = None
    counted: bool = False
    waited: float = 0.0
    answered_in: float = 0.0

    def wants(self, status: int) -> bool:
        """Whether an answer with this status comes back."""
        return 200 <= status < 300 or status in self.accept


def _parse(method: str, url: str, params: Mapping[str, str | int] | None) -> yarl.URL:
    try:
        parsed = yarl.URL(url)
        return parsed.extend_query(params) if params else parsed
    except ValueError:
        raise RejectedError(f"{method}: this is no valid URL") from None


def _now() -> datetime:
    return datetime.now(UTC)
