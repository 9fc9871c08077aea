"""Any JSON API as a destination: one record or a batch a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel

from connectors.destinations.answers import Statuses, garbled, ids_result, measured, single_result, timed
from connectors.destinations.auth import auth_headers
from connectors.destinations.batch_results import ResultReader
from connectors.destinations.bisect import Bisection
from connectors.destinations.http_settings import HttpCredentials, HttpSettings
from connectors.destinations.url_template import UrlTemplate
from hub import codec
from hub.connector import Bucket, CheckResult, Destination, Ports, each, result_of
from hub.errors import HubError, RejectedError
from hub.excerpt import excerpt
from hub.expression import Expression
from hub.records import Item, PushResult

#: A look at the server without a write: whatever it answers, it was reached. 401 and 403 stay what they are.
_REACHED = frozenset(range(300, 600)) - {401, 403}


class HttpDestination(Destination[HttpSettings, HttpCredentials]):
    """Sends records as JSON. Safe to repeat as far as the other side heeds the idempotency key."""

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "Any JSON API over HTTP"
    Settings: ClassVar[type[BaseModel]] = HttpSettings
    Credentials: ClassVar[type[BaseModel]] = HttpCredentials

    def __init__(self, settings: HttpSettings, credentials: HttpCredentials, ports: Ports) -> None:
        """Raises ``ConfigurationError`` if ``auth`` needs a credential that is not there."""
        super().__init__(settings, credentials, ports)
        self._auth = auth_headers(settings, credentials)
        self._template = UrlTemplate(settings.url)
        self._statuses = Statuses(success=settings.success_codes, skip=settings.skip_codes)
        self._external_id = Expression(settings.external_id) if settings.external_id else None
        self._results = ResultReader(settings.results, self._statuses) if settings.results else None
        self._bucket = Bucket(
            key=f"http:{ports.tenant}:{ports.connection}", rate=settings.rate, burst=settings.burst
        )

    def circuit_key(self) -> str:
        """The host."""
        return self._template.host

    async def check(self) -> CheckResult:
        """Ask ``check_url``, or look whether the server of ``url`` answers at all."""
        if self.settings.check_url:
            answer = await self._request("GET", self.settings.check_url)
        else:
            answer = await self._request("HEAD", self._template.root, accept=_REACHED)
        status = answer.status_code
        warnings = [f"the server answers HTTP {status}: it may be down"] if status >= 500 else []
        return CheckResult(facts={"host": self._template.host, "status": status}, warnings=warnings)

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """One call for each record, all at once, or one for each batch."""
        if self.settings.batch == 1:
            return await each(items, self._push_one)
        return await self._push_batches(items)

    async def _push_one(self, item: Item) -> PushResult:
        started = time.perf_counter()
        try:
            url, content = self._template.render(item), None
            if self.settings.method != "DELETE":
                content = _encoded(item.body)
            answer = await self._send(url, content, item.idempotency_key)
        except HubError as error:
            return timed(result_of(error), started)
        undecided = self._statuses.undecided(answer.status_code) or garbled(answer)
        return measured(undecided or single_result(answer, self._external_id), answer)

    async def _push_batches(self, items: Sequence[Item]) -> Sequence[PushResult]:
        results: dict[int, PushResult] = {}
        members: list[_Member] = []
        for position, item in enumerate(items):
            try:
                members.append(self._member(position, item))
            except RejectedError as error:
                results[position] = result_of(error)
        batches = list(_batches(members, self.settings.batch))
        answers = await asyncio.gather(*(self._push_batch(batch) for batch in batches))
        for batch, answer in zip(batches, answers, strict=True):
            results |= {member.position: result for member, result in zip(batch, answer, strict=True)}
        return [results[position] for position in range(len(items))]

    def _member(self, position: int, item: Item) -> _Member:
        record = item.body
        if (name := self.settings.idempotency_field) and item.idempotency_key:
            if not isinstance(record, Mapping) or name in record:
                raise RejectedError(
                    f"a batch needs objects without a field {name!r}, not {excerpt(record)}; map the record to one, "
                    "or set idempotency_field to another name or to nothing"
                )
            record = {**record, name: item.idempotency_key}
        return _Member(
            position=position,
            url=self._template.render(item),
            key=item.idempotency_key,
            record=record,
            content=_encoded(record),
        )

    async def _push_batch(self, batch: Sequence[_Member]) -> Sequence[PushResult]:
        return await Bisection(self._call_batch, calls=self.settings.bisect_calls).push(batch)

    async def _call_batch(self, batch: Sequence[_Member]) -> Sequence[PushResult]:
        content = b"[%b]" % b",".join(member.content for member in batch)
        if self.settings.batch_key is not None:
            content = b"{%b:%b}" % (codec.dumps(self.settings.batch_key), content)
        # Of the members' keys alone: a half that is sent again after a crash has the same key again.
        key = codec.fingerprint([member.key for member in batch])
        answer = await self._send(batch[0].url, content, key)
        return [measured(result, answer) for result in self._batch_results(answer, batch)]

    def _batch_results(self, answer: httpx.Response, batch: Sequence[_Member]) -> Sequence[PushResult]:
        if undecided := self._statuses.undecided(answer.status_code):
            return [undecided] * len(batch)
        if self._results is None:
            if lost := garbled(answer):
                return [lost] * len(batch)
            return ids_result(answer, self._external_id, len(batch))
        return self._results.read(answer, [member.record for member in batch])

    async def _send(self, url: str, content: bytes | None, key: str) -> httpx.Response:
        headers = httpx.Headers(None if content is None else {"Content-Type": "application/json"})
        headers.update(self.settings.headers)
        if self.settings.idempotency_header and key:
            headers[self.settings.idempotency_header] = key
        return await self._request(
            self.settings.method, url, headers=headers, content=content, accept=self._statuses.accepted
        )

    async def _request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> httpx.Response:
        # Their names compare without case, so a setting replaces a default however it is written.
        merged = httpx.Headers({"Accept": "application/json"})
        merged.update(headers if headers is not None else self.settings.headers)
        merged.update(self._auth)
        return await self.ports.http.request(
            method, url, headers=merged, content=content, bucket=self._bucket, accept=accept
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    """One record of a batch, ready to be sent; ``position`` is its place in what was pushed."""

    position: int
    url: str
    key: str
    record: Any
    content: bytes


def _encoded(record: Any) -> bytes:
    try:
        return codec.dumps(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise RejectedError(
            f"the record cannot be written as JSON: {error}; map its fields one by one"
        ) from error


def _batches(members: Iterable[_Member], size: int) -> Iterable[Sequence[_Member]]:
    """Those of one URL together, in their order, at most ``size`` at a time."""
    by_url = groupby(sorted(members, key=lambda member: member.url), key=lambda member: member.url)
    for _, same in by_url:
        batch = list(same)
        for start in range(0, len(batch), size):
            yield batch[start : start + size]
