"""An httpx transport on aiohttp, as `httpx-aiohttp` has one, with limits and the guard, and a shorter way to call it.

The short way, ``exchange``, is what the hub itself uses; docs/decisions/0006-http-transport.md says what it saves.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from types import MappingProxyType

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from httpx_aiohttp import AiohttpTransport

from hub.http.guard import check_parsed
from hub.http.resolver import GuardedResolver
from hub.policy.classify import AnswerTooLargeError

#: To open a connection, name look-up and TLS included. The total deadline counts as well.
CONNECT_TIMEOUT = timedelta(seconds=10)
#: An idle connection is kept this long.
KEEPALIVE = timedelta(seconds=15)
#: How long the address of a name is taken for granted.
DNS_TTL = timedelta(seconds=10)

#: What each exception that can come out of aiohttp is in httpx, most derived first.
EXCEPTIONS: Mapping[type[BaseException], type[Exception]] = MappingProxyType(
    {
        aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
        aiohttp.ServerTimeoutError: httpx.ReadTimeout,
        aiohttp.ClientConnectorError: httpx.ConnectError,
        aiohttp.ServerFingerprintMismatch: httpx.ConnectError,
        aiohttp.ServerDisconnectedError: httpx.ReadError,
        aiohttp.ClientConnectionResetError: httpx.WriteError,
        aiohttp.ClientConnectionError: httpx.NetworkError,
        aiohttp.ClientPayloadError: httpx.ReadError,
        aiohttp.UploadAbortedError: httpx.WriteError,
        aiohttp.TooManyRedirects: httpx.TooManyRedirects,
        aiohttp.ClientHttpProxyError: httpx.ProxyError,
        aiohttp.ClientProxyConnectionError: httpx.ProxyError,
        aiohttp.ClientResponseError: httpx.RemoteProtocolError,
        aiohttp.NonHttpUrlClientError: httpx.UnsupportedProtocol,
        aiohttp.InvalidURL: httpx.InvalidURL,
        aiohttp.ClientError: httpx.TransportError,
        ContentEncodingError: httpx.DecodingError,
        HttpProcessingError: httpx.RemoteProtocolError,
        TimeoutError: httpx.TimeoutException,
        OSError: httpx.NetworkError,
        # A line break in a header, credentials in the URL beside those in a header, ...
        ValueError: httpx.LocalProtocolError,
    }
)


#: What aiohttp raises, as far as it is turned into what httpx raises.
FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


#: In the place of the stream of an answer that was read.
_READ = httpx.ByteStream(b"")


class Answer(httpx.Response):
    """A response read in full. Its request is made up when somebody asks, without headers: they hold credentials.

    ``received`` are the headers as aiohttp parsed them, much quicker to look into than ``headers``.
    """

    def __init__(
        self,
        *,
        method: str,
        url: yarl.URL,
        status: int,
        received: Mapping[str, str],
        raw_headers: list[tuple[bytes, bytes]],
        content: bytes,
    ) -> None:
        super().__init__(status, headers=raw_headers, stream=_READ)
        # What httpx does with content that it is handed is to read it as a stream, at the cost of half a request.
        self._content, self.is_closed, self.is_stream_consumed = content, True, True
        self.received = received
        self._method = method
        self._yarl = url

    @property
    def request(self) -> httpx.Request:
        """The method and the URL, for ``raise_for_status`` and the like."""
        if self._request is None:
            self._request = httpx.Request(self._method, str(self._yarl))
        return self._request

    @request.setter
    def request(self, value: httpx.Request) -> None:
        self._request = value

    def raise_for_status(self) -> httpx.Response:
        """As httpx does."""
        self.request = self.request
        return super().raise_for_status()


class Transport(AiohttpTransport):
    """The pooled connections of a process, opened on the loop of the first call.

    ``timeout`` is that of a whole call. No cookie is kept, since one pool serves all tenants, and neither proxies nor
    credentials are taken from the environment.
    """

    def __init__(
        self,
        *,
        timeout: timedelta,
        max_connections: int,
        max_response_bytes: int,
        allow_private_hosts: bool,
        user_agent: str,
        resolver: AbstractResolver | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        super().__init__(verify=_trusting() if verify is True else verify, trust_env=False)
        self._timeout = timeout
        self._max_connections = max_connections
        self._max_response_bytes = max_response_bytes
        self._allow_private_hosts = allow_private_hosts
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self,
        method: str,
        url: yarl.URL,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a request and read its answer. Redirects are not followed.

        Raises what httpx raises, with a text that holds nothing of the request, or ``ConfigurationError`` where the
        host is private and the pool guards against that.
        """
        session = self._session_for(url)
        try:
            async with session.request(
                method, url, headers=headers, data=content or None, allow_redirects=False
            ) as response:
                return _answer(method, url, response, *await self._read(response))
        except FAILURES as error:
            raise as_httpx(error) from None

    async def begin(
        self, method: str, url: yarl.URL, headers: Mapping[str, str], *, wanted: Callable[[int], bool]
    ) -> tuple[Answer, aiohttp.ClientResponse | None]:
        """Send a request; where its status is ``wanted``, the body is still to come, for the caller to read and close.

        The timeout is then that of each wait for the other side, not of the whole. Raises as ``exchange`` does.
        """
        session = self._session_for(url)
        try:
            response = await session.request(
                method, url, headers=headers, allow_redirects=False, timeout=self._each_wait
            )
            if wanted(response.status):
                return _answer(method, url, response, b"", list(response.raw_headers)), response
            async with asyncio.timeout(self._timeout.total_seconds()), response:
                return _answer(method, url, response, *await self._read(response)), None
        except FAILURES as error:
            raise as_httpx(error) from None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """What makes it a transport for any ``httpx.AsyncClient``."""
        content = await request.aread()
        return await self.exchange(request.method, yarl.URL(str(request.url)), request.headers, content)

    async def aclose(self) -> None:
        """Close all connections. The next call opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _session_for(self, url: yarl.URL) -> aiohttp.ClientSession:
        if not self._allow_private_hosts:
            check_parsed(url, allow_private_hosts=False)
        return self._session or self._open()

    def _open(self) -> aiohttp.ClientSession:
        resolver: AbstractResolver = self._resolver or aiohttp.ThreadedResolver()
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            ssl=self.ssl_context,
            resolver=resolver if self._allow_private_hosts else GuardedResolver(resolver),
            ttl_dns_cache=int(DNS_TTL.total_seconds()),
            keepalive_timeout=KEEPALIVE.total_seconds(),
        )
        total = self._timeout.total_seconds()
        opened = min(total, CONNECT_TIMEOUT.total_seconds())
        self._each_wait = aiohttp.ClientTimeout(connect=total, sock_connect=opened, sock_read=total)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=total, connect=total, sock_connect=opened, sock_read=total),
            trust_env=False,
        )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """The body, decompressed and no larger than allowed, and the headers that go with it."""
        length, raw_headers = response.content_length, list(response.raw_headers)
        encoded = "Content-Encoding" in response.headers
        if length is not None and length <= self._max_response_bytes and not encoded:
            return await response.read(), raw_headers
        if encoded:
            gone = (b"content-encoding", b"content-length")
            raw_headers = [(name, value) for name, value in raw_headers if name.lower() not in gone]
        return await self._read_within(response), raw_headers

    async def _read_within(self, response: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_response_bytes:
                response.close()
                raise AnswerTooLargeError(f"more than {self._max_response_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


@cache
def _trusting() -> ssl.SSLContext:
    """To read all authorities takes a while, and they are the same for all pools of a process."""
    return httpx.create_ssl_context(trust_env=False)


def _answer(
    method: str,
    url: yarl.URL,
    response: aiohttp.ClientResponse,
    content: bytes,
    raw_headers: list[tuple[bytes, bytes]],
) -> Answer:
    return Answer(
        method=method,
        url=url,
        status=response.status,
        received=response.headers,
        raw_headers=raw_headers,
        content=content,
    )


def as_httpx(error: Exception) -> Exception:
    """The exception of httpx for one of aiohttp; its text is what the system said, which names nothing of the request."""
    if isinstance(error.__cause__, ContentEncodingError):
        error = error.__cause__
    kind = next(EXCEPTIONS[base] for base in type(error).__mro__ if base in EXCEPTIONS)
    return kind(_reason(error))


def _reason(error: BaseException) -> str:
    system = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if (number := getattr(system, "errno", None) or 0) > 0:
        return os.strerror(number)
    return str(getattr(system, "verify_message", None) or getattr(system, "strerror", None) or "")
