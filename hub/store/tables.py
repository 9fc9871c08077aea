"""The tables. Nothing but shape: whoever writes or reads them stands beside this file.

Times are whole microseconds since 1970 (UTC) by the store's own clock, so that due times, leases and ages are plain
arithmetic in both databases. JSON is text written by ``hub.codec``, so that no digit of a price is lost.
Every row of a tenant carries its ``tenant_id``.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from hub.store.rows import REMARKABLE

#: SQLite gives row ids by itself only to INTEGER keys.
BigId = BigInteger().with_variant(Integer(), "sqlite")

#: SQLite would hand the id of a removed row out again: to a claim, whose id is a fence, or to another tenant's
#: connection.
_NEVER_AGAIN = {"sqlite_autoincrement": True}


class Base(SQLModel, registry=registry()):
    """The hub's own registry: a plugin that uses SQLModel too never mixes its tables with these."""


def _id() -> Column:  # type: ignore[type-arg]
    return Column(BigId, primary_key=True, autoincrement=True)


def _count() -> Column:  # type: ignore[type-arg]
    return Column(BigInteger, nullable=False, server_default="0")


def _time(*, nullable: bool = True, index: bool = False) -> Column:  # type: ignore[type-arg]
    return Column(BigInteger, nullable=nullable, index=index)


def _text(*, nullable: bool = True) -> Column:  # type: ignore[type-arg]
    return Column(Text, nullable=nullable)


def _document() -> Column:  # type: ignore[type-arg]
    return Column(Text, nullable=False, server_default="{}")


def _flag(default: str = "false") -> Column:  # type: ignore[type-arg]
    return Column(Boolean, nullable=False, server_default=text(default))


class Tenant(Base, table=True):
    """An organisation or store."""

    __table_args__ = _NEVER_AGAIN

    id: int | None = Field(default=None, sa_column=_id())
    name: str = Field(unique=True)
    created_at: int = Field(sa_column=_time(nullable=False))


class Connection(Base, table=True):
    """One tenant's configured use of a connector. Its row is the lock that every ledger transaction takes first."""

    __table_args__ = (UniqueConstraint("poll_target"), _NEVER_AGAIN)

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger, foreign_key="tenant.id", index=True)
    name: str = Field(unique=True)
    connector: str
    config: str = Field(sa_column=_text(nullable=False))
    credentials: str = Field(sa_column=_text(nullable=False))
    poll_target: str | None = Field(default=None, sa_column=_text())
    reports: bool = Field(
        default=False, sa_column=_flag(), description="Its connector tells outcomes to the source."
    )
    status: str = Field(default="live")
    status_reason: str | None = Field(default=None, sa_column=_text())
    source_refused: str | None = Field(default=None, sa_column=_text())
    destination_refused: str | None = Field(default=None, sa_column=_text())
    paused: bool = Field(default=False, sa_column=_flag())
    revision: int = Field(default=1)
    created_at: int = Field(sa_column=_time(nullable=False))
    facts: str = Field(
        default="{}",
        sa_column=_document(),
        description="What the other side says of the account: shop, scopes.",
    )


class Schedule(Base, table=True):
    """When a connection is polled next, and where its polls stand."""

    connection_id: int = Field(sa_type=BigInteger, foreign_key="connection.id", primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    due_at: int = Field(sa_column=_time(nullable=False, index=True))
    fired_until: int | None = Field(default=None, sa_column=_time())
    cursor: str = Field(default="{}", sa_column=_text(nullable=False))
    full_pass: bool = Field(default=False, sa_column=_flag())
    previous_new: int = Field(default=0)
    previous_full: bool = Field(default=False, sa_column=_flag())
    idle_polls: int = Field(default=0)
    failed_polls: int = Field(default=0)
    polled_at: int | None = Field(default=None, sa_column=_time())
    last_error: str | None = Field(default=None, sa_column=_text())


class Record(Base, table=True):
    """The ledger: one unit of work and where it stands. See docs/architecture.md for its life."""

    __table_args__ = (
        Index("record_key", "connection_id", "stream", "key", "id"),
        Index(
            "record_due",
            "connection_id",
            "stream",
            "due_at",
            "id",
            postgresql_where=text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
            sqlite_where=text("ready AND claim_id IS NULL AND state IN ('waiting', 'awaiting')"),
        ),
        Index(
            "record_open",
            "connection_id",
            "stream",
            "order_key",
            "id",
            postgresql_where=text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
            sqlite_where=text("state IN ('waiting', 'working', 'awaiting', 'parked', 'dead')"),
        ),
        Index(
            "record_behind",
            "connection_id",
            "stream",
            "order_key",
            "id",
            postgresql_where=text("NOT ready AND state IN ('waiting', 'parked')"),
            sqlite_where=text("NOT ready AND state IN ('waiting', 'parked')"),
        ),
        Index(
            "record_pushed",
            "connection_id",
            "stream",
            "order_key",
            "id",
            postgresql_where=text("state = 'success'"),
            sqlite_where=text("state = 'success'"),
        ),
        Index(
            "record_unreported",
            "connection_id",
            "report_due_at",
            "id",
            postgresql_where=text("report_state = 'waiting'"),
            sqlite_where=text("report_state = 'waiting'"),
        ),
        Index(
            "record_claim",
            "claim_id",
            postgresql_where=text("claim_id IS NOT NULL"),
            sqlite_where=text("claim_id IS NOT NULL"),
        ),
        Index(
            "record_parked",
            "connection_id",
            "wake_key",
            postgresql_where=text("state = 'parked'"),
            sqlite_where=text("state = 'parked'"),
        ),
        Index(
            "record_remark",
            "connection_id",
            "group_name",
            "id",
            postgresql_where=text(REMARKABLE),
            sqlite_where=text(REMARKABLE),
        ),
        Index(
            "record_dead",
            "connection_id",
            "settled_at",
            postgresql_where=text("state = 'dead' OR report_state = 'dead'"),
            sqlite_where=text("state = 'dead' OR report_state = 'dead'"),
        ),
        # Of every record: the condition keeps other queries, which have smaller indexes, from taking this one.
        Index(
            "record_history",
            "connection_id",
            "settled_at",
            "id",
            postgresql_where=text("id > 0"),
            sqlite_where=text("id > 0"),
        ),
        Index(
            "record_finished",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL"),
            sqlite_where=text("finished_at IS NOT NULL"),
        ),
        _NEVER_AGAIN,
    )

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    stream: str
    key: str
    order_key: str
    version: str | None = None
    number: int = Field(default=1)
    content_hash: str
    payload: str = Field(sa_column=_text(nullable=False))
    group_name: str | None = None
    state: str
    ready: bool = Field(sa_column=_flag("true"))
    due_at: int = Field(sa_column=_time(nullable=False))
    attempts: int = Field(default=0, description="In the present budget; a replay starts a new one.")
    total_attempts: int = Field(default=0, description="Of this version, replays included; what is reported.")
    lost_claims: int = Field(default=0)
    claim_id: int | None = Field(default=None, sa_type=BigInteger)
    handle: str | None = Field(default=None, sa_column=_text())
    wake_key: str | None = None
    status: str | None = Field(default=None, description="success, failed or skipped: what is reported.")
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = Field(default=None, sa_column=_text())
    external_id: str | None = None
    created: bool | None = Field(default=None, description="The push made something new at the destination.")
    superseded_by: int | None = Field(default=None, sa_type=BigInteger)
    report_state: str = Field(default="none")
    report_due_at: int | None = Field(default=None, sa_column=_time())
    report_attempts: int = Field(default=0)
    report_error: str | None = Field(default=None, sa_column=_text())
    admitted_at: int = Field(sa_column=_time(nullable=False))
    changed_at: int | None = Field(
        default=None, sa_column=_time(), description="Of an open one: its latest answer or newer content."
    )
    settled_at: int | None = Field(default=None, sa_column=_time())
    reported_at: int | None = Field(default=None, sa_column=_time())
    finished_at: int | None = Field(default=None, sa_column=_time())


class Attempt(Base, table=True):
    """An attempt whose answer did not settle its record; the one that did stands on the record itself."""

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    record_id: int = Field(sa_type=BigInteger, index=True)
    stage: str
    number: int
    at: int = Field(sa_column=_time(nullable=False))
    result: str
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = Field(default=None, sa_column=_text())


class Memory(Base, table=True):
    """What is kept of a record after it was pruned: enough to know it again and to repeat its report."""

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    stream: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    record_id: int = Field(sa_type=BigInteger)
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    group_name: str | None = None
    order_key: str
    version: str | None = None
    number: int
    content_hash: str
    state: str
    status: str | None = None
    response_code: int | None = None
    duration_ms: int | None = None
    error: str | None = Field(default=None, sa_column=_text())
    external_id: str | None = None
    total_attempts: int = Field(default=0)
    reported_at: int | None = Field(default=None, sa_column=_time())


class Pushed(Base, table=True):
    """The last push of each thing among the records that were pruned: nothing older may be pushed after it."""

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    stream: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    record_id: int = Field(sa_type=BigInteger)
    key: str
    version: str | None = None


class Tally(Base, table=True):
    """Counts of a stream's records, kept in the transactions that move them; they survive pruning."""

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    stream: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    admitted: int = Field(default=0, sa_column=_count())
    waiting: int = Field(default=0, sa_column=_count())
    working: int = Field(default=0, sa_column=_count())
    awaiting: int = Field(default=0, sa_column=_count())
    parked: int = Field(default=0, sa_column=_count())
    success: int = Field(default=0, sa_column=_count())
    skipped: int = Field(default=0, sa_column=_count())
    rejected: int = Field(default=0, sa_column=_count())
    dead: int = Field(default=0, sa_column=_count())
    superseded: int = Field(default=0, sa_column=_count())
    discarded: int = Field(default=0, sa_column=_count())
    reported: int = Field(default=0, sa_column=_count())
    report_dead: int = Field(default=0, sa_column=_count())
    coalesced: int = Field(default=0, sa_column=_count())
    hold_until: int | None = Field(default=None, sa_column=_time())
    claimed_at: int | None = Field(default=None, sa_column=_time())


class Claim(Base, table=True):
    """A slice that one worker holds. Its id is the fence of every settle; the heartbeat renews this one row."""

    __table_args__ = _NEVER_AGAIN

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger, index=True)
    stream: str
    stage: str
    worker: str
    expires_at: int = Field(sa_column=_time(nullable=False, index=True))


class Bell(Base, table=True):
    """A message that is out for a connection, so that it never has more than ``parallel_slices`` of them."""

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    stage: str
    rung_at: int = Field(sa_column=_time(nullable=False))
    heard: bool = Field(default=False, sa_column=_flag())

    __table_args__ = (Index("bell_connection", "connection_id", "stage"), _NEVER_AGAIN)


class Lease(Base, table=True):
    """Something that one process of the fleet does at a time; ``fence`` grows with each new holder."""

    name: str = Field(primary_key=True)
    holder: str
    fence: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_column=_time(nullable=False))


class Run(Base, table=True):
    """One poll that brought something, or one import, with its counters."""

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    kind: str
    started_at: int = Field(sa_column=_time(nullable=False))
    finished_at: int | None = Field(default=None, sa_column=_time())
    polled: int = Field(default=0)
    admitted: int = Field(default=0)
    duplicates: int = Field(default=0)
    coalesced: int = Field(default=0)
    quarantined: int = Field(default=0)
    success: int = Field(default=0)
    skipped: int = Field(default=0)
    rejected: int = Field(default=0)
    dead: int = Field(default=0)
    superseded: int = Field(default=0)
    reported: int = Field(default=0)
    error: str | None = Field(default=None, sa_column=_text())
    facts: str = Field(default="{}", sa_column=_text(nullable=False))

    __table_args__ = (Index("run_connection", "connection_id", "id"), _NEVER_AGAIN)


class RecordGroup(Base, table=True):
    """A file, lot or export whose records belong together; closed once when it is sealed and all have settled."""

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    stream: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    admitted: int = Field(default=0, sa_column=_count())
    created: int = Field(default=0, sa_column=_count())
    success: int = Field(default=0, sa_column=_count())
    skipped: int = Field(default=0, sa_column=_count())
    rejected: int = Field(default=0, sa_column=_count())
    dead: int = Field(default=0, sa_column=_count())
    superseded: int = Field(default=0, sa_column=_count())
    discarded: int = Field(default=0, sa_column=_count())
    sealed_at: int | None = Field(default=None, sa_column=_time())
    closed_at: int | None = Field(default=None, sa_column=_time())


class Quarantine(Base, table=True):
    """Something a source sent that is no record; the same thing again only counts up."""

    __table_args__ = (UniqueConstraint("connection_id", "fingerprint"), _NEVER_AGAIN)

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    fingerprint: str
    stream: str | None = None
    key: str | None = None
    reason: str = Field(sa_column=_text(nullable=False))
    raw: str = Field(sa_column=_text(nullable=False))
    seen: int = Field(default=1)
    first_seen_at: int = Field(sa_column=_time(nullable=False))
    last_seen_at: int = Field(sa_column=_time(nullable=False))


class IdMapEntry(Base, table=True):
    """What a thing is called on the other side."""

    __tablename__ = "id_map"

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    external_id: str


class Document(Base, table=True):
    """A small JSON document of a plugin's own."""

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    name: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    body: str = Field(sa_column=_text(nullable=False))


class WebhookSeen(Base, table=True):
    """Webhook ids that were taken, so that a second delivery stores nothing."""

    __tablename__ = "webhook_seen"

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    dedupe_id: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    seen_at: int = Field(sa_column=_time(nullable=False, index=True))


class AuthorizationState(Base, table=True):
    """A browser authorization under way: single use, bound to its connection, expiring."""

    __tablename__ = "authorization_state"

    state_hash: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    redirect_uri: str
    expires_at: int = Field(sa_column=_time(nullable=False))


class History(Base, table=True):
    """What was done with a connection, by whom. Kept when the connection is removed; holds no secret."""

    __table_args__ = (
        Index("history_connection", "connection_id", "id"),
        Index("history_name", "name", "id"),
        _NEVER_AGAIN,
    )

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    name: str
    at: int = Field(sa_column=_time(nullable=False))
    what: str
    who: str
    facts: str = Field(default="{}", sa_column=_document())


class AppHold(Base, table=True):
    """An account of a platform (a shop) that a connection was let into, and the encrypted secret of the app.

    What the platform tells the app about the account is checked with it, also when the connection is disconnected or
    removed: its tenant may still hold the account's data.
    """

    __tablename__ = "app_hold"
    __table_args__ = (Index("app_hold_key", "connector", "app_key"),)

    connection_id: int = Field(sa_type=BigInteger, primary_key=True)
    app_key: str = Field(primary_key=True)
    tenant_id: int = Field(sa_type=BigInteger)
    connector: str
    name: str
    secret: str = Field(sa_column=_text(nullable=False))
    held_at: int = Field(sa_column=_time(nullable=False))
    erased_at: int | None = Field(default=None, sa_column=_time())


class Errand(Base, table=True):
    """Something that a platform asked the hub to do: durable before the platform is answered, removed once it is done.

    ``told`` is encrypted, since it may name a person.
    """

    __table_args__ = (_NEVER_AGAIN,)

    id: int | None = Field(default=None, sa_column=_id())
    tenant_id: int = Field(sa_type=BigInteger)
    connection_id: int = Field(sa_type=BigInteger)
    app_key: str
    name: str
    told: str = Field(sa_column=_text(nullable=False))
    noted_at: int = Field(sa_column=_time(nullable=False))
    failed: int = Field(default=0)


metadata = Base.metadata
