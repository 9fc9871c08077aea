"""Which error an answer, or the lack of one, stands for. The one place where a status code becomes a fate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from hub import codec
from hub.errors import HubError, ReauthorizationError, RejectedError, RetryableError, ThrottledError
from hub.policy.retry import parse_retry_after

#: The wait after a 429 that names none.
DEFAULT_THROTTLE = timedelta(seconds=1)
#: Characters of an answer that go into an error.
LONGEST_DETAIL = 500
#: Bytes of an answer that are looked at for it.
MOST_READ = 64 * 1024
#: Characters at the end of a part that may be a piece of a secret, which nobody would recognise.
LONGEST_SECRET = 4096
#: Where a JSON answer says what went wrong, in the order of preference, whatever their case.
DETAIL_NAMES = ("detail", "errors", "error_description", "error", "message", "title")


class AnswerTooLargeError(httpx.RequestError):
    """An answer is over the limit; the rest of it was not read."""


#: Single codes first, then the hundreds; what is in neither is no HTTP status, and RFC 9110 (15) takes it for a 5xx.
FATES: Mapping[int, str] = {
    401: "reauthorize",
    403: "reauthorize",
    408: "retry",
    425: "retry",
    429: "throttle",
}
HUNDREDS: Mapping[int, str] = {
    1: "retry",  # an interim answer, and then none
    2: "ok",
    3: "redirect",
    4: "reject",
    5: "retry",
}

#: What each transport exception of httpx means, most derived first; the text follows "POST host/path: ".
TRANSPORT: Mapping[type[Exception], tuple[type[RetryableError | RejectedError], str]] = {
    httpx.ConnectTimeout: (RetryableError, "no connection in time"),
    httpx.ReadTimeout: (RetryableError, "no answer in time"),
    httpx.WriteTimeout: (RetryableError, "the request could not be sent in time"),
    httpx.PoolTimeout: (RetryableError, "no free connection in time (HUB_MAX_CONNECTIONS)"),
    httpx.TimeoutException: (RetryableError, "not finished in time (HUB_HTTP_TIMEOUT)"),
    httpx.ConnectError: (RetryableError, "no connection"),
    httpx.ReadError: (RetryableError, "the connection broke while the answer was read"),
    httpx.WriteError: (RetryableError, "the connection broke while the request was sent"),
    httpx.CloseError: (RetryableError, "the connection broke while it was closed"),
    httpx.NetworkError: (RetryableError, "the connection broke"),
    httpx.ProxyError: (RetryableError, "the proxy failed"),
    # The same request would be malformed again; a damaged answer may have been damaged on its way.
    httpx.UnsupportedProtocol: (RejectedError, "only http and https URLs can be called"),
    httpx.LocalProtocolError: (RejectedError, "this is no valid HTTP request"),
    httpx.InvalidURL: (RejectedError, "this is no valid URL"),
    httpx.RemoteProtocolError: (RetryableError, "the answer is no valid HTTP"),
    httpx.ProtocolError: (RetryableError, "the answer is no valid HTTP"),
    httpx.DecodingError: (RetryableError, "the answer's content encoding is damaged"),
    httpx.TooManyRedirects: (RejectedError, "too many redirects"),
    # It would be as large the next time.
    AnswerTooLargeError: (RejectedError, "the answer is too large (HUB_MAX_RESPONSE_BYTES)"),
    httpx.TransportError: (RetryableError, "the connection failed"),
    httpx.RequestError: (RetryableError, "the request failed"),
    httpx.HTTPError: (RetryableError, "the request failed"),
    httpx.StreamError: (RetryableError, "the answer could not be read"),
    httpx.CookieConflict: (RetryableError, "the answer could not be read"),
}

_TAG = re.compile(r"<(script|style).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def fate_of(status: int) -> str:
    """One of ``ok``, ``redirect``, ``reauthorize``, ``retry``, ``throttle``, ``reject``, for every number."""
    return FATES.get(status) or HUNDREDS.get(status // 100, "retry")


def error_of(
    answer: httpx.Response, *, target: str, now: datetime, clean: Callable[[str], str] = str
) -> HubError | None:
    """The error that an answer stands for; None for a 2xx.

    ``target`` ("POST host/path") begins the text. ``clean`` takes secrets out of what the other side wrote.
    """
    if (fate := fate_of(answer.status_code)) == "ok":
        return None
    said = f"{target}: HTTP {answer.status_code}"
    wait = parse_retry_after(answer.headers.get("retry-after"), now)
    if fate == "redirect":
        return _unfollowed(answer, said, clean)
    return _error(fate, answer.status_code, said, details_of(answer, clean), wait)


def error_of_exception(error: Exception, *, target: str, reason: str = "") -> RetryableError | RejectedError:
    """The error that a transport exception of httpx stands for; ``reason`` is what the system said, without secrets."""
    kind, text = next(TRANSPORT[base] for base in type(error).__mro__ if base in TRANSPORT)
    return kind(f"{target}: {text}" + (f" ({reason})" if reason else ""))


def details_of(answer: httpx.Response, clean: Callable[[str], str] = str) -> list[str]:
    """What an answer says went wrong, one text for each error in it, at most ``LONGEST_DETAIL`` characters in all.

    Reads ``{"detail": …}`` as FastAPI writes it, ``{"error": …}``, ``{"errors": …}``, ``{"message": …}`` and text.
    """
    details: list[str] = []
    room = LONGEST_DETAIL
    for text in _texts(answer.content, clean):
        line = clean(_SPACE.sub(" ", text).strip())
        if line and room > 0:
            details.append(line if len(line) <= room else line[: room - 1] + "…")
            room -= len(details[-1])
    return details


def _error(fate: str, status: int, said: str, details: list[str], wait: timedelta | None) -> HubError:
    text = f"{said}: {'; '.join(details)}" if details else said
    if fate == "reauthorize":
        what = (
            "the credential was refused; set one that is valid with `hub connection set`"
            if status == 401
            else "the credential lacks a permission; grant it over there, or set another with `hub connection set`"
        )
        return ReauthorizationError(f"{text} ({what})", response_code=status)
    if fate == "throttle":
        return ThrottledError(text, wait=wait or DEFAULT_THROTTLE, response_code=status)
    if fate == "retry":
        return RetryableError(text, retry_after=wait, response_code=status)
    first, *others = details or [""]
    return RejectedError(f"{said}: {first}" if first else said, *others, response_code=status)


def _unfollowed(answer: httpx.Response, said: str, clean: Callable[[str], str]) -> RejectedError:
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        host = None
    place = clean(host) if host else "another address"
    return RejectedError(
        f"{said}: it points to {place} and was not followed; if that is right, set it as the URL",
        response_code=answer.status_code,
    )


def _texts(body: bytes, clean: Callable[[str], str]) -> Iterator[str]:
    if len(body) <= MOST_READ:
        with suppress(codec.DecodeError, RecursionError):
            yield from map(clean, list(_errors(codec.loads(body))))
            return
    text = clean(body[:MOST_READ].decode("utf-8", "replace"))
    if len(body) > MOST_READ:
        text = text[:-LONGEST_SECRET]
    yield _TAG.sub(" ", text) if text.lstrip().startswith("<") else text


def _errors(body: Any) -> Iterator[str]:
    """The errors in a JSON body, whichever of the usual shapes it has; all of it where it has none of them."""
    names = {str(name).lower(): name for name in body} if isinstance(body, dict) else {}
    found = next((body[names[name]] for name in DETAIL_NAMES if name in names and body[names[name]]), body)
    return _each(found, depth=3)


def _each(found: Any, *, depth: int) -> Iterator[str]:
    """One text for each error: ``{"loc": …, "msg": …}``, ``{"message": …}``, a text, or any of these by its field."""
    match found:
        case None | "" | []:
            pass
        case str():
            yield found
        case {"msg": str(text), "loc": list(place)}:
            yield f"{'.'.join(map(str, place))}: {text}"
        case {"message": str(text)} | {"Message": str(text)} | {"msg": str(text)}:
            yield text
        case list() if depth:
            for one in found:
                yield from _each(one, depth=depth - 1)
        case dict() if depth:
            for name, one in found.items():
                yield from (f"{name}: {text}" for text in _each(one, depth=depth - 1))
        case _:
            yield codec.dumps(found).decode()
