"""Calls to a marketplace as its settings describe them: authenticated, paced, with the errors that its answers name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from connectors.destinations.answers import UnreadableAnswerError, decoded, found, garbled, id_text
from connectors.destinations.batch_results import ERROR_CHARACTERS
from connectors.marketplace.access import Access
from connectors.marketplace.bodies import Body
from connectors.marketplace.deciding import Kind, Step
from connectors.marketplace.routes import SKU_FIELDS, Route, path_template
from connectors.marketplace.settings import MarketplaceCredentials, MarketplaceSettings
from hub import codec
from hub.connector import Bucket, Ports
from hub.errors import ReauthorizationError, RejectedError, RetryableError
from hub.excerpt import excerpt
from hub.expression import Expression

#: Refusals whose text may be about the goods; the others are about who calls, and when.
REFUSALS: Final = frozenset({400, 402, 404, 405, 406, 409, 410, 412, 413, 415, 422})


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A call that succeeded: what the marketplace calls the SKU now, if it said so, and how long it took."""

    external_id: str | None = None
    url: str | None = None
    response_code: int
    milliseconds: int


class Client:
    """One marketplace."""

    def __init__(
        self, settings: MarketplaceSettings, credentials: MarketplaceCredentials, ports: Ports
    ) -> None:
        """Raises ``ConfigurationError`` if ``auth`` needs a credential that is not there."""
        self._settings, self._ports = settings, ports
        self._access = Access(settings, credentials, ports)
        self._bucket = Bucket(
            key=f"marketplace:{ports.tenant}:{ports.connection}", rate=settings.rate, burst=settings.burst
        )
        self._calls = {kind: _Call(kind, route) for kind, route in settings.routes().items()}
        self._create = _Call("upsert", settings.create) if settings.create else None

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self._settings.base_url).netloc.lower()

    def entry(self, step: Step, external_id: str | None) -> Any:
        """What a lot holds of a step: its body, which names the SKU. Raises ``RejectedError``."""
        return self._call(step).body.of(step, external_id, named=True)

    async def make(self, step: Step, external_id: str, key: str) -> Answered:
        """One call about one SKU. Raises the ``HubError`` that its answer stands for.

        Its idempotency key belongs to what it says: a record that says something else at its next attempt is no repetition.
        """
        call = self._call(step)
        path = call.path(step.says.sku, external_id)
        body = None if call.route.method == "DELETE" else call.body.of(step, external_id)
        answer = await self.ask(
            call.route.method,
            path,
            body=body,
            key=_key(key, step, body),
            accept=REFUSALS if call.errors else (),
        )
        if answer.status_code in REFUSALS:
            raise RejectedError(*call.refusal(answer), response_code=answer.status_code)
        if lost := garbled(answer):
            raise RetryableError(lost.error, response_code=lost.response_code)
        return call.answered(answer)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        key: str = "",
        accept: Collection[int] = (),
    ) -> httpx.Response:
        """Any call behind ``base_url``; an access token that has ended is renewed once."""
        content = None if body is None else _encoded(body)
        held = await self._access.headers()
        try:
            return await self._request(method, path, held, content, key, accept)
        except ReauthorizationError as error:
            if error.response_code != 401:
                raise
            renewed = await self._access.after_refusal(held, error)
        return await self._request(method, path, renewed, content, key, accept)

    async def _request(
        self,
        method: str,
        path: str,
        authentication: Mapping[str, str],
        content: bytes | None,
        key: str,
        accept: Collection[int],
    ) -> httpx.Response:
        headers = {"accept": "application/json"}
        if content is not None:
            headers["content-type"] = "application/json"
        headers |= _lowered(self._settings.headers)
        headers |= _lowered(authentication)
        if key and self._settings.idempotency_header:
            headers[self._settings.idempotency_header.lower()] = key
        return await self._ports.http.request(
            method,
            self._settings.base_url + path,
            headers=headers,
            content=content,
            bucket=self._bucket,
            accept=accept,
        )

    def _call(self, step: Step) -> _Call:
        return self._create if step.creates and self._create is not None else self._calls[step.kind]


class _Call:
    """One kind of call, made ready."""

    def __init__(self, kind: Kind, route: Route) -> None:
        self.route, self.body = route, Body(kind, route)
        self._path = path_template(route.path, SKU_FIELDS) if route.path else None
        self._id = Expression(route.external_id) if route.external_id else None
        self._url = Expression(route.url) if route.url else None
        self.errors = Expression(route.errors) if route.errors else None

    def path(self, sku: str, external_id: str) -> str:
        """Behind ``base_url``. Raises ``RejectedError``."""
        assert self._path is not None  # noqa: S101 - for mypy; only calls of lots have none
        return filled(self._path.fill({"sku": sku, "external_id": external_id}))

    def answered(self, answer: httpx.Response) -> Answered:
        """What a success says; an id that cannot be read does not undo it."""
        return Answered(
            external_id=_text(self._id, answer),
            url=_text(self._url, answer),
            response_code=answer.status_code,
            milliseconds=round(answer.elapsed.total_seconds() * 1000),
        )

    def refusal(self, answer: httpx.Response) -> list[str]:
        """All that is wrong, in the marketplace's words."""
        assert self.errors is not None  # noqa: S101 - for mypy; nothing is accepted without it
        try:
            said = found(self.errors, decoded(answer))
        except UnreadableAnswerError:
            said = None
        texts = said if isinstance(said, list) else [said]
        given = [_short(one) for one in texts if one not in (None, "")]
        return given or [f"HTTP {answer.status_code}: {excerpt(answer.text, ERROR_CHARACTERS)}"]


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """The same header is the same name, however it is written."""
    return {name.lower(): value for name, value in headers.items()}


def filled(url: str) -> str:
    """The path of a filled template."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _key(key: str, step: Step, body: Any) -> str:
    """To make what turned out not to be there is no repetition of the change of it, though it says the same."""
    made = ["create"] if step.creates else []
    return codec.fingerprint([key, step.kind, body, *made]) if key else ""


def _encoded(body: Any) -> bytes:
    try:
        return codec.dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise RejectedError(
            f"the listing cannot be written as JSON: {error}; map its fields one by one"
        ) from error


def _text(expression: Expression | None, answer: httpx.Response) -> str | None:
    if expression is None:
        return None
    try:
        return id_text(found(expression, decoded(answer)))
    except UnreadableAnswerError:
        return None


def _short(error: Any) -> str:
    return error[:ERROR_CHARACTERS] if isinstance(error, str) else excerpt(error, ERROR_CHARACTERS)
