"""Asking the Admin API: one POST with the token, and every answer turned into data or the right error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import httpx

from connectors.shopify.documents import document
from connectors.shopify.throttle import LEAST_WAIT, Throttle, wait_of
from hub import codec
from hub.connector import Bucket, Http, Log
from hub.errors import (
    BadPageError,
    ConnectionFailedError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from hub.excerpt import excerpt
from hub.records import JSON

TOKEN_HEADER: Final = "X-Shopify-Access-Token"  # noqa: S105  # its name
VERSION_HEADER: Final = "x-shopify-api-version"

#: What a document calls the bulk operations that it looks at along with what it is for.
OPERATIONS: Final = "operations"
#: Shops that nobody can read until somebody acts (facts, "Rate limits and errors").
CLOSED: Final[Mapping[int, str]] = {
    402: "the shop is frozen until its owner pays what is due; resume the connection then",
    423: "the shop is locked; ask Shopify's support, and resume the connection then",
}
#: How long to leave a shop alone that took our request for an attack.
SECURITY_PAUSE: Final = timedelta(minutes=5)


class AccessDeniedError(RejectedError):
    """The app may not see this. ``required`` is what the platform says is needed."""

    def __init__(self, message: str, *, required: str | None, path: Sequence[Any]) -> None:
        super().__init__(message, response_code=200)
        self.required = required
        self.path = path


class TooExpensiveError(RejectedError):
    """A single query may not cost so much: ask for less at a time."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``denied`` names the fields that the app may not see and that are null therefore, by their path."""

    data: JSON
    denied: Sequence[Sequence[str]] = ()


class TokenSource(Protocol):
    """Where access tokens come from: ``connectors.shopify.tokens.Tokens``."""

    async def fresh_token(self) -> str:
        """One that is good for a while."""
        ...

    async def token_after(self, refused: str) -> str:
        """Another one than the one that was refused."""
        ...


class ShopifyClient:
    """One app in one shop. Every call raises what ``Http.request`` does, and what ``ask`` says."""

    def __init__(
        self,
        http: Http,
        log: Log,
        *,
        origin: str,
        version: str,
        bucket: Bucket,
        tokens: TokenSource,
    ) -> None:
        self._http, self._log = http, log
        self._url = f"{origin}/admin/api/{version}/graphql.json"
        self._version = version
        self._bucket = bucket
        self._tokens = tokens
        self._throttle = Throttle()
        self._warned: set[str] = set()

    async def ask(self, name: str, **variables: Any) -> Answer:
        """Run the document ``name``.

        Raises ``ThrottledError`` with the wait until there are points enough, ``TooExpensiveError``,
        ``AccessDeniedError`` where nothing was found for want of a scope, ``ReauthorizationError`` for 401 and 403,
        ``ConnectionFailedError`` for a shop that is closed or not there, ``RetryableError`` for everything that may pass.
        """
        await self._throttle.wait(name)
        body = await self._post({"query": document(name).text, "variables": variables})
        extensions = body.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        self._throttle.note(name, extensions.get("cost"))
        self._warn_of_search(name, extensions.get("search"))
        data, errors = body.get("data"), body.get("errors")
        if not errors:
            return Answer(data=_data(name, data))
        return self._partial(name, data, errors, extensions)

    async def _post(self, query: JSON) -> JSON:
        token = await self._tokens.fresh_token()
        try:
            answer = await self._send(query, token)
        except ReauthorizationError as error:
            if error.response_code != 401:
                raise
            answer = await self._send(query, await self._tokens.token_after(token))
        return self._read(answer)

    async def _send(self, query: JSON, token: str) -> httpx.Response:
        try:
            return await self._http.request(
                "POST",
                self._url,
                headers={TOKEN_HEADER: token, "Accept": "application/json"},
                json=query,
                bucket=self._bucket,
                accept=(*CLOSED, 429, 430),
            )
        except RejectedError as error:
            if error.response_code == 404:
                raise ConnectionFailedError(f"there is no such shop or API version ({error})") from error
            raise

    def _read(self, answer: httpx.Response) -> JSON:
        self._warn_of_version(answer.headers.get(VERSION_HEADER))
        if (remedy := CLOSED.get(answer.status_code)) is not None:
            raise ConnectionFailedError(f"HTTP {answer.status_code}: {remedy}")
        if answer.status_code == 430:
            raise RetryableError(
                "HTTP 430: Shopify took the request for an attack; it is left alone for a while",
                response_code=430,
                retry_after=SECURITY_PAUSE,
            )
        body = _object(answer.content)
        if answer.status_code == 429:
            raise _throttled(body or {}, _seconds(answer.headers.get("retry-after")))
        if body is None:
            raise BadPageError("the shop did not answer with a JSON object", raw=answer.content)
        return body

    def _partial(self, name: str, data: Any, errors: Any, extensions: JSON) -> Answer:
        """Data beside errors is accepted where all of them say that something may not be seen."""
        if not isinstance(errors, list):
            raise RetryableError(f"{name}: {excerpt(errors)}")
        faults = [one if isinstance(one, dict) else {"message": str(one)} for one in errors]
        codes = {_code(one) for one in faults}
        text = f"{name}: {'; '.join(excerpt(one.get('message')) for one in faults[:3])}"
        if "THROTTLED" in codes:
            raise _throttled({"extensions": extensions}, None)
        if "MAX_COST_EXCEEDED" in codes:
            raise TooExpensiveError(text)
        if "SHOP_INACTIVE" in codes:
            raise ConnectionFailedError(f"{text} (the shop is not active; resume the connection when it is)")
        if codes == {"ACCESS_DENIED"}:
            if isinstance(data, dict) and any(data[name] is not None for name in data.keys() - {OPERATIONS}):
                return Answer(data=data, denied=[_path(one) for one in faults])
            raise AccessDeniedError(text, required=_required(faults[0]), path=faults[0].get("path") or ())
        if data is None and codes <= {None, "undefinedField", "argumentNotAccepted", "BAD_REQUEST"}:
            raise RejectedError(f"{text} (this version of the API does not know the query)")
        raise RetryableError(text)

    def _warn_of_version(self, served: str | None) -> None:
        if served is not None and served != self._version:
            self._once("api_version", asked=self._version, served=served)

    def _warn_of_search(self, name: str, search: Any) -> None:
        """A field that cannot be searched is ignored and everything is found (facts, "Rate limits and errors")."""
        if search:
            self._once("search_ignored", query=name, warnings=excerpt(codec.dumps(search).decode()))

    def _once(self, event: str, **facts: str) -> None:
        if (what := f"{event} {sorted(facts.items())}") not in self._warned:
            self._warned.add(what)
            self._log.warning(event, **facts)


def _object(content: bytes) -> JSON | None:
    try:
        body = codec.loads(content)
    except (codec.DecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _data(name: str, data: Any) -> JSON:
    if not isinstance(data, dict):
        raise RetryableError(f"{name}: the answer holds neither data nor errors")
    return data


def _throttled(body: JSON, told: timedelta | None) -> ThrottledError:
    extensions = body.get("extensions")
    wait = wait_of(extensions if isinstance(extensions, dict) else {})
    return ThrottledError(
        "the shop has no points left for this query", wait=max(wait, told or LEAST_WAIT), response_code=429
    )


def _seconds(text: str | None) -> timedelta | None:
    try:
        return timedelta(seconds=min(max(float(text), 0.0), 3600)) if text else None
    except ValueError:
        return None


def _code(error: JSON) -> str | None:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else None


def _required(error: JSON) -> str | None:
    extensions = error.get("extensions")
    required = extensions.get("requiredAccess") if isinstance(extensions, dict) else None
    return required if isinstance(required, str) else None


def _path(error: JSON) -> Sequence[str]:
    path = error.get("path")
    return [one for one in path if isinstance(one, str)] if isinstance(path, list) else []
