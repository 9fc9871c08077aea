"""What a plugin implements and what it is handed. The four verbs are ``poll``, ``transform``, ``push``, ``report``.

A connector is found through the entry-point group ``hub.connectors``, a destination through ``hub.destinations``.
Both are built once for each connection and process, and must keep no state of their own that matters: what has to
survive goes into the cursor, the id map or a document. What it is handed stands in ``hub.ports``, what it may have beside the verbs
in ``hub.optional_parts``; both are offered here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from hub.errors import (
    ConfigurationError,
    ConnectionFailedError,
    HubError,
    NotNowError,
    ParkedError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    SkippedError,
)
from hub.optional_parts import (
    AccountErased,
    AppAction,
    AppWebhooks,
    Authorization,
    DataRequested,
    Endpoints,
    FactsChanged,
    Grant,
    ImportReport,
    Imports,
    PersonErased,
    Plan,
    PlanResult,
    Revocable,
    Uninstalled,
    WebhookAnswer,
    WebhookRequest,
    Webhooks,
)
from hub.ports import (
    Bucket,
    Clock,
    Documents,
    HistoryPage,
    Http,
    IdMap,
    Ledger,
    Log,
    PastRecord,
    Ports,
    Streamed,
    Vault,
)
from hub.records import (
    JSON,
    Acknowledged,
    GroupTally,
    Item,
    Outcome,
    Page,
    Parked,
    PollRequest,
    PushResult,
    Refused,
    Rejected,
    Released,
    ReportResult,
    Retry,
    Skipped,
)

__all__ = [
    "AccountErased",
    "AppAction",
    "AppWebhooks",
    "Authorization",
    "Bucket",
    "Cadence",
    "CheckResult",
    "Clock",
    "Connector",
    "CredentialsT",
    "DataRequested",
    "Destination",
    "Documents",
    "Endpoints",
    "FactsChanged",
    "Grant",
    "HistoryPage",
    "Http",
    "IdMap",
    "ImportReport",
    "Imports",
    "Ledger",
    "Log",
    "NoSettings",
    "PastRecord",
    "PersonErased",
    "Plan",
    "PlanResult",
    "Plugin",
    "Ports",
    "Revocable",
    "SettingsT",
    "Stream",
    "Streamed",
    "Uninstalled",
    "Vault",
    "WebhookAnswer",
    "WebhookRequest",
    "Webhooks",
    "each",
    "result_of",
]

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

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Ask what became of awaiting items by their ``handle``; ``Awaiting`` again if it is still undecided."""
        raise NotImplementedError(f"the destination {self.name} returns Awaiting but cannot follow it")


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

        Raises ``RejectedError`` with all errors at once, ``SkippedError`` with the reason, or ``ParkedError``.
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


def result_of(error: HubError) -> Rejected | Skipped | Parked | Released | Refused | Retry:  # noqa: PLR0911  # one return a kind
    """The result that an error stands for. The one place where the error tree meets the record's life.

    Anything that is not one of these is a fault of the hub or plugin, and is retried.
    """
    match error:
        case RejectedError():
            return Rejected(errors=tuple(error.errors), response_code=error.response_code)
        case SkippedError():
            return Skipped(reason=str(error))
        case ParkedError():
            return Parked(wake_key=error.wake_key, reason=str(error))
        case NotNowError():
            return Released(reason=str(error), after=error.left)
        case ReauthorizationError():
            return Refused(error=str(error), response_code=error.response_code)
        case ConnectionFailedError() | ConfigurationError():
            return Refused(error=str(error), whole=True)
        case RetryableError():
            return Retry(error=str(error), after=error.retry_after, response_code=error.response_code)
        case _:
            return Retry(error=str(error) or type(error).__name__)
