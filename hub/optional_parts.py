"""Optional parts of a connector: one that also has one of these is asked for it; the others never see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from hub.records import JSON


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
    """What is known of the account is something else now, its granted scopes for example. No personal data.

    ``facts`` None: the platform only hinted at it, or what it said is not proved; the hub asks ``check`` what is so.
    """

    facts: Mapping[str, Any] | None = None


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
    is ``running``, what was read and is not settled yet is in none of the others. Names of its records' groups begin with
    ``name``. Two states are the core's: ``beginning`` was asked for and its first poll is not over (it has no name yet, and
    ``started_at`` is when it was asked for); ``settling`` is read to the end, and what was read is still going in.
    """

    name: str | None
    state: Literal["beginning", "running", "settling", "done", "cancelled"]
    full: bool = True
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

        What was admitted goes its way; what a pass did not come to is not gone. ``import_report`` says ``cancelled`` of it
        from then on, also before the next poll. Pure.
        """
        ...
