"""VTEX Mapper, in which merchants map their categories to the marketplace's: registration, and the tree that it shows (MAP)."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from connectors.vtex.access import Hosts, VtexCredentials, bucket, headers, segment
from connectors.vtex.answers import is_page, said
from connectors.vtex.marketplace.category_tree import fingerprint, tree
from connectors.vtex.marketplace.messages import coded
from hub import codec
from hub.connector import Clock, Documents, Http, Log
from hub.errors import (
    ConfigurationError,
    HubError,
    NotNowError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
)
from hub.excerpt import excerpt
from hub.marketplace import Category
from hub.records import JSON

#: The document: the connector's ``id`` there, fingerprints of ``registration`` and ``tree`` as they were sent, when
#: (``sent_at``), what the mapper said of it (``processed``), and ``trouble`` while it cannot be reached.
DOCUMENT: Final = "mapper"
_BASE: Final = "/api/mkp-category-mapper"
#: What the reply to a registration may call the id (VTEX facts, 5); it may also be a text by itself.
_IDS: Final = ("id", "connectorid", "marketplaceid", "mapperid", "key", "data", "result", "connector")
#: Characters of an id, and of what the mapper says that are kept.
_LONGEST_ID, _LONGEST_SAID = 200, 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What was done. ``status`` is the mapper's answer to the tree; None where it has this tree already."""

    id: str
    registered: bool
    sent: bool
    categories: int
    status: int | None = None


class Mapper:
    """``title`` is what merchants see; ``base`` where the connection's endpoints are found, with their secret."""

    def __init__(
        self,
        http: Http,
        documents: Documents,
        clock: Clock,
        log: Log,
        *,
        hosts: Hosts,
        credentials: VtexCredentials,
        title: str,
        base: str,
        requests_per_second: float | None = None,
    ) -> None:
        self._http, self._documents, self._clock, self._log = http, documents, clock, log
        self._hosts, self._headers = hosts, headers(credentials)
        self._title, self._base = title, base
        self._bucket = bucket(hosts.account, "portal", requests_per_second)

    async def keep(self, categories: Sequence[Category], *, anyway: bool = False) -> Kept:
        """See that the connector is registered and the mapper has this tree; ``anyway``: send both once more.

        Raises what ``Http.request`` does, with a text that is logged as E5, and notes the trouble until it is over.
        """
        body = tree(categories)
        try:
            kept = await self._keep(body, anyway=anyway)
        except HubError as error:
            named = _as_e5(error)
            await self._note(trouble={"at": self._now(), "error": str(named)})
            raise named from error
        await self._note(trouble=None)
        return kept

    async def trouble(self) -> str | None:
        """Why the mapper could not be reached when it was last tried, as an E5; None where that went well."""
        found = (await self._known()).get("trouble")
        return found["error"] if found else None

    async def processed(self, told: Any) -> None:
        """The mapper tells how it went on with a tree."""
        said_of_it = excerpt(told, _LONGEST_SAID)
        await self._note(processed={"at": self._now(), "said": said_of_it})
        self._log.info("VTEX Mapper has processed the category tree", said=said_of_it)

    async def _keep(self, body: JSON, *, anyway: bool) -> Kept:
        known, registration, mark = await self._known(), self._registration(), fingerprint(body)
        number = sum(1 for _ in _every(body["categories"]))
        is_registered = known.get("id") and known.get("registration") == fingerprint(registration)
        if is_registered and known.get("tree") == mark and not anyway:
            return Kept(id=known["id"], registered=False, sent=False, categories=number)
        key = known["id"] if is_registered and not anyway else await self._register(registration)
        answer = await self._send(key, body)
        registered = not is_registered or anyway
        if answer.status_code == 404:  # it has forgotten who we are
            key, registered = await self._register(registration), True
            answer = await self._send(key, body)
        if answer.status_code == 404:
            raise RetryableError(
                f"the mapper does not know the connector that it has just registered: {said(answer.content)}",
                response_code=404,
            )
        await self._note(tree=mark, sent_at=self._now())
        self._log.info(
            "the category tree was sent to VTEX Mapper",
            categories=number,
            status=answer.status_code,
            said=said(answer.content),
        )
        return Kept(id=key, registered=registered, sent=True, categories=number, status=answer.status_code)

    async def _register(self, registration: JSON) -> str:
        answer = await self._ask(f"{_BASE}/connector/register", codec.dumps(registration))
        key = _id_in(answer.content)
        if key is None:
            key = (await self._known()).get("id")
        if key is None:
            raise RetryableError(
                f"the mapper registered the connector (HTTP {answer.status_code}) and gave no id: "
                f"{excerpt(said(answer.content), 200)}"
            )
        await self._note(id=key, registration=fingerprint(registration), tree=None)
        return str(key)

    async def _send(self, key: str, body: JSON) -> httpx.Response:
        path = f"{_BASE}/categories/marketplace/{segment(key)}"
        compressed = gzip.compress(codec.dumps(body), mtime=0)
        return await self._ask(path, compressed, accept=(404,), encoding="gzip")

    async def _ask(
        self, path: str, content: bytes, *, accept: Sequence[int] = (), encoding: str | None = None
    ) -> httpx.Response:
        """Any 2xx is a yes: the guide has 204, the description 200 (VTEX facts, 4)."""
        more: Mapping[str, str] = {"Content-Encoding": encoding} if encoding else {}
        answer = await self._http.request(
            "POST",
            self._hosts.on_portal(path),
            headers={**self._headers, **more},
            content=content,
            bucket=self._bucket,
            accept=accept,
        )
        if is_page(answer):
            raise RetryableError(
                f"POST {path}: HTTP {answer.status_code} with {said(answer.content)}, which the mapper did not write",
                response_code=answer.status_code,
            )
        return answer

    def _registration(self) -> JSON:
        return {
            "displayName": self._title,
            "categoryTreeEndPoint": f"{self._base}/api/categories",
            "mappingEndPoint": f"{self._base}/api/mapping",
            "properties": {"allowsRemap": True},
            "CategoryTreeProcessingNotificationEndpoint": f"{self._base}/api/categories/processed",
        }

    async def _known(self) -> JSON:
        return await self._documents.get(DOCUMENT) or {}

    async def _note(self, **facts: Any) -> None:
        """What is as it was is not written."""

        def noted(document: JSON | None) -> JSON | None:
            before = document or {}
            after = {name: value for name, value in {**before, **facts}.items() if value is not None}
            return None if after == before else after

        await self._documents.change(DOCUMENT, noted)

    def _now(self) -> str:
        return self._clock.now().isoformat()


def _as_e5(error: HubError) -> HubError:
    """The same error, with a text that logs know."""
    (text,) = coded("E5", f"VTEX Mapper: {error}")
    match error:
        case RetryableError():
            return RetryableError(text, response_code=error.response_code, retry_after=error.retry_after)
        case NotNowError():
            return NotNowError(text, wait=error.wait, response_code=error.response_code)
        case ReauthorizationError():
            return ReauthorizationError(text, response_code=error.response_code)
        case RejectedError():
            return ConfigurationError(
                f"{text}; see that HUB_PUBLIC_URL is how VTEX reaches this hub, and that the marketplace's categories have "
                "ids and names"
            )
        case _:
            return error


def _id_in(content: bytes) -> str | None:
    """The id in an answer of whatever shape: an object, a JSON text or number, or a text."""
    try:
        found = codec.loads(content)
    except (codec.DecodeError, RecursionError):
        found = content.decode("utf-8", "replace")
    return _id(found)


def _id(found: Any, depth: int = 0) -> str | None:
    match found:
        case bool():
            return None
        case int():
            return str(found)
        case str():
            text = found.strip().strip('"')
            return text if 0 < len(text) <= _LONGEST_ID and text.isprintable() and " " not in text else None
        case dict() if depth <= len(_IDS):
            named = {name.lower(): value for name, value in found.items()}
            inner = (_id(named.get(name), depth + 1) for name in _IDS)
            return next((one for one in inner if one is not None and one not in (".", "..")), None)
        case _:
            return None


def _every(categories: Sequence[JSON]) -> Any:
    for one in categories:
        yield one
        yield from _every(one["children"] or ())
