"""What a plugin is handed of the hub: the way out, small stores of its own, a clock, a log. It never sees the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx

from hub.catalog import Catalog
from hub.marketplace import Marketplace
from hub.records import JSON


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One token bucket, shared by the fleet. ``key`` names what the platform counts as one (account and route,
    app and shop); ``rate`` is tokens a second, ``burst`` the size. ``rate`` None: learn it from the answers."""

    key: str
    rate: float | None = None
    burst: int = 1


class Http(Protocol):
    """The one way out: pooled, limited, broken by the circuit, measured and redacted by the core."""

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
        """Send one request and return its answer, read in full.

        2xx and every status in ``accept`` come back; any other raises what the classification table says:
        ``RetryableError``, ``ThrottledError``, ``RejectedError``, ``ReauthorizationError``; an open circuit raises
        ``CircuitOpenError``. ``json`` is encoded by ``hub.codec`` (decimals keep their digits).
        """
        ...

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        bucket: Bucket | None = None,
        accept: Collection[int] = (),
    ) -> AbstractAsyncContextManager[Streamed]:
        """Send one request and have its answer piece by piece: ``async with http.stream("GET", url) as answer:``.

        Everything is as with ``request``, but that an answer may be of any size and take any time: it is given up only
        when nothing comes for as long as a whole request may take. Leaving the block early ends it.
        """
        ...


class Streamed(Protocol):
    """An answer whose body is read while it comes."""

    @property
    def status(self) -> int:
        """The HTTP status: a 2xx, or one that was accepted."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the answer, found whatever the case of their names."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed, once, in pieces as they come, none empty.

        Raises ``RetryableError`` where the connection breaks before the end.
        """
        ...


class IdMap(Protocol):
    """What a thing is called on the other side, for this connection."""

    async def get(self, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The external ids known for ``keys`` of one ``kind``."""
        ...

    async def put(self, kind: str, ids: Mapping[str, str]) -> None:
        """Remember external ids; the last one written wins."""
        ...

    async def remove(self, kind: str, keys: Sequence[str]) -> None:
        """Forget ids; unknown ones are ignored."""
        ...

    async def page(self, kind: str, *, after: str = "", limit: int = 500) -> Mapping[str, str]:
        """At most ``limit`` ids of one ``kind``, by key in the store's order, from behind the key ``after`` on.

        Pass the last key for what comes next; fewer than ``limit`` are the last ones.
        """
        ...


class Documents(Protocol):
    """Small JSON documents of the plugin's own, for this connection."""

    async def get(self, name: str) -> JSON | None:
        """The document, or None."""
        ...

    async def put(self, name: str, document: JSON) -> None:
        """Write it whole; at most 1 MiB."""
        ...

    async def change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        """Read it and write what ``change`` makes of it, at most 1 MiB, with nobody's write in between, in the whole fleet.

        ``change`` is given the document or None, and answers with the new one, or with None where it stays as it is. It is
        called in a transaction: pure and quick.
        """
        ...

    async def remove(self, name: str) -> None:
        """Forget it; an unknown one is ignored."""
        ...


class Vault(Protocol):
    """The connection's own credentials, for those that have to be renewed. Values are plain: never log or show them."""

    async def current(self) -> Mapping[str, Any]:
        """The credentials as they are stored now, which may be newer than those that the plugin was built with."""
        ...

    async def renew(
        self, held: Mapping[str, Any], obtain: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    ) -> Mapping[str, Any]:
        """Renew credentials, one at a time in the whole fleet, and return all of them as they are stored then.

        ``held`` are those fields, as the plugin has them in hand, that tell renewed credentials from older ones (a
        refresh token, say). Where the stored ones differ, somebody has renewed them, and those are returned. Otherwise
        ``obtain`` is called with the stored ones; the fields that it returns (JSON, times in ISO 8601) are stored,
        encrypted, before they are returned. ``obtain`` has 45 seconds.

        A process that dies after the other side has handed out new credentials and before they are stored has lost them:
        the next renewal is made with the older ones again. Where the other side takes no older ones, the connection has to
        be authorised anew; nothing can be done against that here.

        Raises what ``obtain`` raises, ``RetryableError`` while others take too long, and ``ConfigurationError`` where
        ``Credentials`` refuses what was obtained; nothing is stored then.
        """
        ...

    async def superseded(self, *, same: Collection[str], by: str) -> bool:
        """Whether another connection of this connector, of whatever tenant, with the ``same`` settings (names of them,
        compared without case) holds credentials whose field ``by``, compared as text, is later than this one's.

        For platforms that void older credentials when they hand out others for one account: so that a refusal can say why.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRecord:
    """One record of a connection as it stands. Times are aware, in UTC.

    ``state`` is one of the ledger's (docs/architecture.md). ``error`` is what the latest answer said: of a success its
    warning, of one that was skipped the reason. ``attempts`` are those since it was last put to work, ``created`` that
    its push made something new. ``changed_at`` is when it settled, or of an open one its latest answer or content.
    """

    id: int
    stream: str
    key: str
    payload: JSON
    state: str
    attempts: int
    error: str | None
    external_id: str | None
    response_code: int | None
    created: bool
    wake_key: str | None
    admitted_at: datetime
    changed_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryPage:
    """Records in order, and the ``cursor`` to what comes next, which is None behind the last one."""

    records: Sequence[PastRecord]
    cursor: str | None


class Ledger(Protocol):
    """What the hub remembers of this connection's records: what would be new, and what became of them."""

    async def hashes(self, stream: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The content hash of the latest record of each key; keys that never came are left out."""
        ...

    async def history(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        states: Collection[str] | None = None,
        newest_first: bool = True,
        after: str | None = None,
        limit: int = 500,
    ) -> HistoryPage:
        """Records that settled in [``since``, ``until``), or are open and changed last within it, in one of ``states``.

        Newest first: the open ones, latest arrival first, then the settled ones, latest first; otherwise all the other way
        round. Pass the ``cursor`` of a page as ``after``. A record that settles while pages are read may be met in both
        parts (newest first) or in none. Finished records are pruned after a while (``HUB_KEEP_FINISHED``).
        """
        ...


class Clock(Protocol):
    """The time; a port so that tests can turn it."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        ...


class Log(Protocol):
    """A structured logger with connection and tenant bound."""

    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All that a plugin is handed. It never sees the store."""

    http: Http
    ids: IdMap
    documents: Documents
    clock: Clock
    log: Log
    #: The tenant's catalog, to read.
    catalog: Catalog | None = None
    #: The stored credentials; None for a connection that is not stored, as when its file is checked.
    vault: Vault | None = None
    #: What is known of this connection's records already, to read.
    ledger: Ledger | None = None
    #: Where the records of this connection go, if that is a marketplace.
    marketplace: Marketplace | None = None
    #: Whether the operator lets connections reach private addresses; ``http`` holds to it by itself.
    allow_private_hosts: bool = True
    connection: str = ""
    tenant: str = ""
    #: Where the hub's own web endpoints are found from outside, without a slash at its end.
    public_url: str = ""
