"""What a plugin implements and what it is handed. The four verbs are ``poll``, ``transform``, ``push``, ``report``.

A connector is found through the entry-point group ``hub.connectors``, a destination through ``hub.destinations``.
Both are built once for each connection and process, and must keep no state of their own that matters: what has to
survive goes into the cursor, the id map or a document.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

import httpx
from pydantic import BaseModel

from hub.catalog import Catalog
from hub.errors import (
    ConfigurationError,
    ConnectionFailedError,
    HubError,
    NotNowError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    SkippedError,
)
from hub.records import (
    JSON,
    Acknowledged,
    GroupTally,
    Item,
    Outcome,
    Page,
    PollRequest,
    PushResult,
    Refused,
    Rejected,
    Released,
    ReportResult,
    Retry,
    Skipped,
)

SettingsT = TypeVar("SettingsT", bound=BaseModel)
CredentialsT = TypeVar("CredentialsT", bound=BaseModel)


class NoSettings(BaseModel):
    """For plugins without settings or without credentials: any field is one too many."""

    model_config = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A kind of work within a connection, with its own order and its own backlog."""

    name: str
    title: str = ""
    #: The payload only names what changed and is read anew when it is worked, so that every later arrival replaces
    #: one that waits, through ``merge``, whatever their versions.
    read_anew: bool = False
    #: A newer record makes the hub follow an awaiting one at once, so that it can yield to the newer content.
    follow_on_newer: bool = False
    #: A record that was rejected is taken in again when the source shows it again as it was: what rejected it may have
    #: changed. For sources that show a record when somebody wants it moved, not at every poll.
    rejected_again: bool = False


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """How often to poll: at ``least`` after a full page with news, at ``interval`` (jittered up to ``interval_max``)
    otherwise, backing off by doubling to ``idle`` while nothing comes."""

    least: timedelta = timedelta(seconds=0.5)
    interval: timedelta = timedelta(seconds=30)
    interval_max: timedelta = timedelta(seconds=60)
    idle: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One token bucket, shared by the fleet. ``key`` names what the platform counts as one (account and route,
    app and shop); ``rate`` is tokens a second, ``burst`` the size. ``rate`` None: only learn from the answers."""

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


class Documents(Protocol):
    """Small JSON documents of the plugin's own, for this connection."""

    async def get(self, name: str) -> JSON | None:
        """The document, or None."""
        ...

    async def put(self, name: str, document: JSON) -> None:
        """Write it whole; at most 1 MiB."""
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


class Ledger(Protocol):
    """What the hub remembers of this connection's records: so a plan finds out what would be new."""

    async def hashes(self, stream: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The content hash of the latest record of each key; keys that never came are left out."""
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
    #: Whether the operator lets connections reach private addresses; ``http`` holds to it by itself.
    allow_private_hosts: bool = True
    connection: str = ""
    tenant: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What ``check`` found out: ``facts`` are shown to the user, ``warnings`` too."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


class Plugin(Generic[SettingsT, CredentialsT]):
    """What connectors and destinations have in common."""

    #: The name in a connection file, equal to the entry point's.
    name: ClassVar[str]
    #: One line for people.
    title: ClassVar[str] = ""
    Settings: ClassVar[type[BaseModel]] = NoSettings
    Credentials: ClassVar[type[BaseModel]] = NoSettings
    #: Records that are pushed together, where the connection does not say.
    slice_size: ClassVar[int] = 100

    def __init__(self, settings: SettingsT, credentials: CredentialsT, ports: Ports) -> None:
        self.settings = settings
        self.credentials = credentials
        self.ports = ports

    def circuit_key(self) -> str:
        """What one circuit breaker stands for, within the tenant: usually the host."""
        return self.name

    async def check(self) -> CheckResult:
        """Look, without writing, whether the other side can be reached with these credentials.

        Raises a ``HubError`` that says what to mend.
        """
        return CheckResult()

    async def close(self) -> None:
        """Let go of what was opened. Called once, at the end of the process or after a change of settings."""


class Destination(Plugin[SettingsT, CredentialsT]):
    """Where records go when their connector does not push them itself."""

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Write a batch; one result for each item, in order. Must be safe to repeat with the same idempotency key.

        An exception counts for every item of the batch, as ``result_of`` says.
        """
        raise NotImplementedError(f"the destination {self.name} has no push")


class Connector(Plugin[SettingsT, CredentialsT]):
    """One system on the source side, or on both. Override the verbs that differ from the defaults."""

    streams: ClassVar[Sequence[Stream]]
    cadence: ClassVar[Cadence] = Cadence()
    #: False for connectors that are fed by webhooks alone.
    polls: ClassVar[bool] = True
    #: True when outcomes are told to the source; False settles a record for good with its push.
    reports: ClassVar[bool] = False
    #: True when records go to a ``[destination]`` of the user's choice; False when ``push`` is overridden.
    uses_destination: ClassVar[bool] = False
    #: Parts of the catalog (``hub.catalog.PARTS``) that this system may be the system of record for; None: any.
    may_own: ClassVar[Collection[str] | None] = None
    #: Credentials that are the app's own, and no access to the account: they stay when a connection is disconnected,
    #: so that it can be authorised again.
    app_credentials: ClassVar[Collection[str]] = ()
    #: What ``poll_target`` stands for, in a person's words, and the setting that names it: for the error where it is taken.
    poll_target_title: ClassVar[str] = "source"
    poll_target_field: ClassVar[str | None] = None
    #: Dead records are tried again by themselves after this time; None leaves them to a person.
    revive_dead_after: ClassVar[timedelta | None] = None

    def poll_target(self) -> str:
        """What may be polled by one connection only (for example base URL, organisation, target); unique in the hub."""
        return f"{self.name}:{self.ports.tenant}:{self.ports.connection}"

    async def poll(self, request: PollRequest) -> Page:
        """Fetch one page of records. Takes less than a minute: anything longer is a handle in the cursor."""
        return Page()

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        """Hydrate a batch just before it is transformed (a notification that names a thing, say)."""
        return items

    def transform(self, item: Item) -> Any:
        """Map a record onto the destination's shape. Pure.

        Raises ``RejectedError`` with all errors at once, or ``SkippedError`` with the reason.
        """
        return item.payload

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Write a batch; one result for each item, in order. Must be safe to repeat with the same idempotency key."""
        raise NotImplementedError(f"{self.name} pushes nothing itself: it needs a [destination]")

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Ask what became of awaiting items by their ``handle``; ``Awaiting`` again if it is still undecided."""
        raise NotImplementedError(f"{self.name} returns Awaiting but cannot follow it")

    async def report(self, outcomes: Sequence[Outcome]) -> Sequence[ReportResult]:
        """Tell the source what became of its records; one result each, in order. Must be harmless when repeated."""
        return [Acknowledged() for _ in outcomes]

    def merge(self, waiting: JSON, newer: JSON) -> JSON:
        """What is left to do when ``newer`` replaces a ``waiting`` record. Pure; by default the newer alone."""
        return newer

    async def close_group(self, tally: GroupTally) -> None:
        """All records of a sealed group have settled. Idempotent: it is called again if the hub crashes here."""


async def each(
    items: Sequence[Any], call: Callable[[Any], Awaitable[PushResult | ReportResult]]
) -> Sequence[Any]:
    """Call something for every item at once and turn what it raises into its result, so that one bad item fails alone.

    How many calls are in flight is bounded by the connection's ``concurrency``, in ``Http``.
    """

    async def one(item: Any) -> Any:
        try:
            return await call(item)
        except HubError as error:
            return result_of(error)

    return await asyncio.gather(*(one(item) for item in items))


def result_of(error: HubError) -> Rejected | Skipped | Released | Refused | Retry:  # noqa: PLR0911  # one return a kind
    """The result that an error stands for. The one place where the error tree meets the record's life.

    Anything that is not one of these is a fault of the hub or plugin, and is retried.
    """
    match error:
        case RejectedError():
            return Rejected(errors=tuple(error.errors), response_code=error.response_code)
        case SkippedError():
            return Skipped(reason=str(error))
        case NotNowError():
            return Released(reason=str(error), after=error.wait)
        case ReauthorizationError():
            return Refused(error=str(error), response_code=error.response_code)
        case ConnectionFailedError() | ConfigurationError():
            return Refused(error=str(error), whole=True)
        case RetryableError():
            return Retry(error=str(error), after=error.retry_after, response_code=error.response_code)
        case _:
            return Retry(error=str(error) or type(error).__name__)


# Optional parts: a connector that also has one of these is asked for it; the others never see them.


@dataclass(frozen=True, kw_only=True)
class WebhookRequest:
    """An incoming webhook: ``path`` is what follows the connection's own path, header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class WebhookAnswer:
    """What a webhook brought and how to answer once that is durable. ``dedupe_id``: seen before, nothing is stored."""

    records: Sequence[Any] = ()
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    dedupe_id: str | None = None


@runtime_checkable
class Webhooks(Protocol):
    """The connector takes webhooks under ``/hooks/{connection}/…``. The core stores durably, then answers."""

    def receive(self, request: WebhookRequest) -> WebhookAnswer:
        """Turn a request into records and an answer; check its signature first. Pure and quick."""
        ...


@dataclass(frozen=True, kw_only=True)
class Uninstalled:
    """The account's owner removed the app: nothing of it works any more, so the connection is disconnected.

    ``at``: when, as the platform says; one that is older than the latest authorization is late news.
    """

    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FactsChanged:
    """What is known of the account is something else now, its granted scopes for example. No personal data."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PersonErased:
    """A person's data has to go from all that the tenant keeps.

    ``keys`` are what the person is called in this connection's records and in the catalog; ``texts`` are strings that
    stand for the person alone (e-mail addresses, telephone numbers), wherever they are found.
    """

    keys: Sequence[str]
    texts: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class AccountErased:
    """The personal data of a whole account has to go, and the raw data that came from it."""


@dataclass(frozen=True, kw_only=True)
class DataRequested:
    """A person wants to know what is kept. ``keys`` as in ``PersonErased``; ``reference`` is the platform's."""

    keys: Sequence[str]
    reference: str | None = None


AppAction = Uninstalled | FactsChanged | PersonErased | AccountErased | DataRequested


@runtime_checkable
class AppWebhooks(Webhooks, Protocol):
    """The platform tells an app about all its accounts (shops) at one address, ``POST /apps/{connector}/…``.

    The core finds who holds the account, checks the signature with the secret of each of them, does what
    ``app_actions`` names for all of them, disconnected or removed ones too, and hands the request to ``receive`` of
    those that are connected. No connection is known where the class is asked.
    """

    @classmethod
    def app_account(cls, request: WebhookRequest) -> str:
        """The account that a request names, as ``app_key`` has it. Raises ``SignatureError`` where it names none."""
        ...

    @classmethod
    def app_signed(cls, request: WebhookRequest, secret: str) -> bool:
        """Whether the app with this secret is meant. Constant in time, and never raises."""
        ...

    @classmethod
    def app_actions(cls, request: WebhookRequest) -> Sequence[AppAction]:
        """What the core has to do. Raises ``RejectedError`` for a body that it cannot read."""
        ...

    @classmethod
    def app_webhook_id(cls, request: WebhookRequest) -> str | None:
        """The delivery's id; what was done for it is not done again."""
        ...

    def app_key(self) -> str | None:
        """The account that this connection was let into; None until it was (a name in its settings proves nothing)."""
        ...

    def app_secret(self) -> str | None:
        """The secret that its app's webhooks are signed with."""
        ...


@runtime_checkable
class Revocable(Protocol):
    """The connector can give back the access that it was granted."""

    async def revoke(self) -> bool:
        """Make the platform forget it (void tokens, uninstall); False where that has to be done over there.

        Asked before the credentials are erased, and not while another connection holds the same account by the same app.
        """
        ...


@runtime_checkable
class Endpoints(Protocol):
    """The connector serves an ASGI application of its own under ``/c/{connection}/…``."""

    def asgi(self) -> Callable[..., Awaitable[None]]:
        """The application; called once for each process."""
        ...


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What an authorization ended with: credentials to store, encrypted, and facts to show."""

    credentials: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Authorization(Protocol):
    """The connector is authorised in a browser (OAuth)."""

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """Where to send the user. ``state`` is made, kept and checked by the core."""
        ...

    async def exchange(self, *, query: Mapping[str, str], redirect_uri: str) -> Grant:
        """Check the callback's signature and trade its code for credentials. Raises ``ConfigurationError``."""
        ...


@dataclass(frozen=True, kw_only=True)
class PlanResult:
    """What an import would do: ``counts`` by verb, a ``sample``, ``warnings`` and a ``hash`` to hold a run to."""

    hash: str
    counts: Mapping[str, int]
    sample: Sequence[JSON] = ()
    warnings: Sequence[str] = ()


@runtime_checkable
class Plan(Protocol):
    """The connector can say, without a write, what a run would change."""

    async def plan(self) -> PlanResult:
        """A read-only diff against the destination."""
        ...


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """How an import is going, or how the last one went.

    ``resources`` are counts by stream: ``read``, ``created``, ``updated``, ``unchanged``, ``gone``, ``rejected``. While it
    is ``running``, what was read and is not settled yet is in none of the others.
    """

    name: str
    state: Literal["running", "done", "cancelled"]
    started_at: datetime
    ended_at: datetime | None = None
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@runtime_checkable
class Imports(Protocol):
    """The connector reads its source as a whole, in passes that somebody waits for."""

    async def import_report(self, cursor: JSON) -> ImportReport | None:
        """The import that is under way at this cursor, or the last one; None before the first."""
        ...

    def cancelled(self, cursor: JSON) -> JSON:
        """The cursor ``cursor`` without the pass that is under way: the next poll begins another one when that is due.

        What was admitted goes its way; what a pass did not come to is not gone. Pure.
        """
        ...
