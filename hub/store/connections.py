"""Tenants and their connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub import codec
from hub.errors import ConfigurationError, NotFoundError
from hub.records import JSON
from hub.store import history, holds
from hub.store.catalog import owners
from hub.store.database import Database, as_dict
from hub.store.holds import Hold, keep_hold
from hub.store.stopping import stop

_OWNED = (
    "schedule",
    "record",
    "memory",
    "pushed",
    "tally",
    "claim",
    "bell",
    "run",
    "recordgroup",
    "quarantine",
    "id_map",
    "document",
    "webhook_seen",
    "authorization_state",
    "catalog_owner",
)


class TargetTakenError(ConfigurationError):
    """Another connection, maybe another tenant's, has the poll target already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredConnection:
    """A connection as it is stored. ``config`` holds no secret; ``credentials`` is an encrypted token."""

    id: int
    tenant_id: int
    tenant: str
    name: str
    connector: str
    config: JSON
    credentials: str = field(repr=False)
    poll_target: str | None
    reports: bool
    status: str
    status_reason: str | None
    source_refused: str | None
    destination_refused: str | None
    paused: bool
    revision: int
    created_at: int
    #: What the other side said of the account: shop, scopes and the like.
    facts: JSON = field(default_factory=dict)

    @property
    def shown_status(self) -> str:
        """live, inactive, failed or needs_reauth; the paused flag stands beside it."""
        if self.status == "inactive":
            return self.status
        return "needs_reauth" if self.source_refused or self.destination_refused else self.status

    @property
    def state(self) -> str:
        """live, inactive or failed: a refused credential is a failure too, and ``state_reason`` says which."""
        return "failed" if self.shown_status == "needs_reauth" else self.status

    @property
    def state_reason(self) -> str | None:
        """Why it is not live."""
        if self.state == "live":
            return None
        return self.status_reason or self.source_refused or self.destination_refused


_SELECT = "SELECT c.*, t.name AS tenant FROM connection c JOIN tenant t ON t.id = c.tenant_id"  # every column is ours


def add_tenant(db: Database, name: str) -> int:
    """Raises ``ConfigurationError`` when the name is taken or empty."""
    if not name.strip():
        raise ConfigurationError("a tenant needs a name", field="name")
    try:
        with db.transaction() as tx:
            tenant_id: int = db.execute(
                tx,
                "INSERT INTO tenant (name, created_at) VALUES (:name, :now) RETURNING id",
                name=name,
                now=db.now(tx),
            ).scalar_one()
            return tenant_id
    except IntegrityError as error:
        raise ConfigurationError(f"the tenant {name} exists already", field="name") from error


def require_tenant(db: Database, name: str) -> int:
    """The tenant's id. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        return _tenant_id(db, tx, name)


def list_tenants(db: Database) -> Sequence[dict[str, Any]]:
    """All tenants with the number of their connections."""
    with db.transaction() as tx:
        rows = db.execute(
            tx,
            "SELECT t.id, t.name, t.created_at, (SELECT count(*) FROM connection c WHERE c.tenant_id = t.id) "
            "AS connections FROM tenant t ORDER BY t.name",
        )
        return [as_dict(row) for row in rows]


def add_connection(
    db: Database,
    *,
    tenant: str,
    name: str,
    connector: str,
    config: JSON,
    credentials: str,
    poll_target: str | None,
    streams: Sequence[str],
    reports: bool,
    polls: bool,
    owns: Collection[str] = (),
    facts: JSON | None = None,
    hold: Hold | None = None,
    lacks: str | None = None,
    who: str | None = None,
) -> int:
    """Store a checked connection and make its first poll due.

    ``owns`` are parts of the catalog that it is the system of record for; ``lacks``: what it has to be given before
    it can work, so that it is inactive until then. Raises ``NotFoundError`` for an unknown
    tenant, ``ConfigurationError`` when the name, the poll target or one of those parts is taken.
    """
    with _race_is_taken(), db.transaction() as tx:
        tenant_id = _tenant_id(db, tx, tenant)
        _refuse_taken(db, tx, name, poll_target)
        now = db.now(tx)
        connection_id: int = db.execute(
            tx,
            "INSERT INTO connection (tenant_id, name, connector, config, credentials, poll_target, reports, status, "
            "status_reason, paused, revision, created_at, facts) VALUES (:tenant, :name, :connector, :config, :credentials, :target, "
            ":reports, :status, :lacks, false, 1, :now, :facts) RETURNING id",
            tenant=tenant_id,
            name=name,
            connector=connector,
            config=codec.dumps(config).decode(),
            credentials=credentials,
            target=poll_target,
            reports=reports,
            now=now,
            facts=codec.dumps(facts or {}).decode(),
            status="live" if lacks is None else "inactive",
            lacks=lacks,
        ).scalar_one()
        keep_hold(db, tx, connection_id, hold)
        history.note(db, tx, connection_id, "connected", who=who, facts={"connector": connector})
        owners.claim(db, tx, tenant_id=tenant_id, connection_id=connection_id, parts=owns)
        for stream in streams:
            db.execute(
                tx,
                "INSERT INTO tally (connection_id, stream, tenant_id) VALUES (:id, :stream, :tenant)",
                id=connection_id,
                stream=stream,
                tenant=tenant_id,
            )
        if polls:
            db.execute(
                tx,
                "INSERT INTO schedule (connection_id, tenant_id, due_at, cursor, full_pass, previous_new, "
                "previous_full, idle_polls, failed_polls) VALUES (:id, :tenant, :now, '{}', false, 0, false, 0, 0)",
                id=connection_id,
                tenant=tenant_id,
                now=now,
            )
        return connection_id


def replace_connection(
    db: Database,
    name: str,
    *,
    config: JSON,
    credentials: str,
    poll_target: str | None,
    streams: Sequence[str],
    owns: Collection[str] = (),
    facts: JSON | None = None,
    hold: Hold | None = None,
    lacks: str | None = None,
    who: str | None = None,
) -> None:
    """Store new settings or credentials under the same name; refused credentials get a new chance.

    One that was disconnected is live again. Without ``facts`` (nobody asked) the known ones stay.
    """
    with _race_is_taken(), db.transaction() as tx:
        row = db.execute(
            tx, f"SELECT id, tenant_id, status FROM connection WHERE name = :name{db.row_lock}", name=name
        ).one()
        _refuse_taken(db, tx, None, poll_target, but=row.id)
        db.execute(
            tx,
            "UPDATE connection SET config = :config, credentials = :credentials, poll_target = :target, "
            "source_refused = NULL, destination_refused = NULL, status = :status, status_reason = :lacks, "
            "facts = coalesce(:facts, facts), revision = revision + 1 WHERE id = :id",
            id=row.id,
            config=codec.dumps(config).decode(),
            credentials=credentials,
            target=poll_target,
            facts=codec.dumps(facts).decode() if facts is not None else None,
            status="live" if lacks is None else "inactive",
            lacks=lacks,
        )
        keep_hold(db, tx, row.id, hold)
        again = row.status == "inactive" and lacks is None
        history.note(db, tx, row.id, "reconnected" if again else "changed", who=who)
        owners.claim(db, tx, tenant_id=row.tenant_id, connection_id=row.id, parts=owns)
        for stream in streams:
            db.execute(
                tx,
                "INSERT INTO tally (connection_id, stream, tenant_id) VALUES (:id, :stream, :tenant) "
                "ON CONFLICT (connection_id, stream) DO NOTHING",
                id=row.id,
                stream=stream,
                tenant=row.tenant_id,
            )


def get_connection(db: Database, name: str) -> StoredConnection:
    """By name. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        row = db.execute(tx, f"{_SELECT} WHERE c.name = :name", name=name).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no connection {name!r}; `hub connection list` shows those that exist")
    return _stored(row)


def get_connection_by_id(db: Database, connection_id: int) -> StoredConnection:
    """By id. Raises ``NotFoundError``."""
    with db.transaction() as tx:
        row = db.execute(tx, f"{_SELECT} WHERE c.id = :id", id=connection_id).one_or_none()
    if row is None:
        raise NotFoundError(f"connection {connection_id} does not exist any more")
    return _stored(row)


def list_connections(db: Database, tenant: str | None = None) -> Sequence[StoredConnection]:
    """All connections, or one tenant's."""
    where = " WHERE t.name = :tenant" if tenant is not None else ""
    given = {"tenant": tenant} if tenant is not None else {}
    with db.transaction() as tx:
        return [_stored(row) for row in db.execute(tx, f"{_SELECT}{where} ORDER BY c.name", **given)]


def reencrypt(db: Database, rotate: Callable[[str], str]) -> int:
    """Put ``rotate`` of its credentials in the place of each connection's, all or none; returns how many there are."""
    with db.transaction() as tx:
        rows = db.execute(tx, f"SELECT id, credentials FROM connection ORDER BY id{db.row_lock}").all()
        for row in rows:
            db.execute(
                tx,
                "UPDATE connection SET credentials = :credentials WHERE id = :id",
                id=row.id,
                credentials=rotate(row.credentials),
            )
        holds.reencrypt(db, tx, rotate)
        return len(rows)


def set_paused(db: Database, name: str, paused: bool, *, who: str | None = None) -> None:
    """A paused connection neither polls nor pushes; what it has pushed it still reports.

    Resuming also gives refused credentials and a failed connection a new chance, and polls at once. One that was
    disconnected stays so: it has no credentials.
    """
    fresh = (
        ""
        if paused
        else ", source_refused = NULL, destination_refused = NULL, "
        "status_reason = CASE WHEN status = 'inactive' THEN status_reason END, "
        "status = CASE WHEN status = 'inactive' THEN status ELSE 'live' END"
    )
    with db.transaction() as tx:
        row = db.execute(
            tx,
            f"UPDATE connection SET paused = :paused{fresh} WHERE name = :name RETURNING id",
            name=name,
            paused=paused,
        ).one()
        history.note(db, tx, row.id, "paused" if paused else "resumed", who=who)
        if not paused:
            db.execute(
                tx,
                "UPDATE schedule SET due_at = :now, fired_until = NULL, failed_polls = 0 WHERE connection_id = :id",
                now=db.now(tx),
                id=row.id,
            )
            db.execute(tx, "UPDATE tally SET hold_until = NULL WHERE connection_id = :id", id=row.id)


def fail(db: Database, connection_id: int, reason: str) -> None:
    """The connection is set up wrongly as a whole: it stops until somebody resumes it."""
    with db.transaction() as tx:
        stop(db, tx, connection_id, "status", reason)


def refuse_source(db: Database, connection_id: int, reason: str, *, revision: int | None = None) -> None:
    """The source refused the credential: polls and reports stop, pushes go on.

    With ``revision`` only if the connection was not changed since: others than the present credentials were refused then.
    """
    with db.transaction() as tx:
        stop(db, tx, connection_id, "source", reason, revision=revision)


def rewind(
    db: Database,
    name: str,
    *,
    cursor: JSON | None = None,
    full_pass: bool = False,
    who: str | None = None,
) -> None:
    """Set the cursor, or ask for a full pass with the next poll, which becomes due now."""
    _rewind(db, name, cursor, full_pass, who, what="rewound", facts={"full_pass": full_pass})


def cancel_import(
    db: Database, name: str, *, cursor: JSON, import_: str | None, who: str | None = None
) -> None:
    """Set the cursor to one without the import of this name, and ask for no full pass any more."""
    _rewind(db, name, cursor, False, who, what="import cancelled", facts={"import": import_})


def _rewind(
    db: Database,
    name: str,
    cursor: JSON | None,
    full_pass: bool,
    who: str | None,
    *,
    what: str,
    facts: JSON,
) -> None:
    with db.transaction() as tx:
        row = db.execute(tx, "SELECT id FROM connection WHERE name = :name", name=name).one()
        db.execute(
            tx,
            "UPDATE schedule SET due_at = :now, fired_until = NULL, full_pass = :full, "
            "cursor = coalesce(:cursor, cursor), previous_new = 0, previous_full = false WHERE connection_id = :id",
            now=db.now(tx),
            id=row.id,
            full=full_pass,
            cursor=codec.dumps(cursor).decode() if cursor is not None else None,
        )
        history.note(db, tx, row.id, what, who=who, facts=facts)


def remove_connection(db: Database, name: str, *, even_if_open: bool = False, who: str | None = None) -> None:
    """Remove a connection and all that it owns; its history stays, and who holds which account of a platform.

    Raises ``ConfigurationError`` while records are open or unreported, unless ``even_if_open``.
    """
    with db.transaction() as tx:
        row = db.execute(tx, f"SELECT id FROM connection WHERE name = :name{db.row_lock}", name=name).one()
        still_open = db.execute(
            tx,
            "SELECT coalesce(sum(admitted - reported - report_dead), 0) FROM tally WHERE connection_id = :id",
            id=row.id,
        ).scalar_one()
        if still_open and not even_if_open:
            raise ConfigurationError(
                f"{name} still has {still_open} records that are open or unreported; drain it first "
                f"(`hub run {name} --drain`) or remove it with --force"
            )
        db.execute(
            tx,
            "DELETE FROM attempt WHERE record_id IN (SELECT id FROM record WHERE connection_id = :id)",
            id=row.id,
        )
        history.note(db, tx, row.id, "removed", who=who)
        for table in _OWNED:
            db.execute(tx, f"DELETE FROM {table} WHERE connection_id = :id", id=row.id)
        db.execute(tx, "DELETE FROM connection WHERE id = :id", id=row.id)


def _tenant_id(db: Database, tx: Connection, tenant: str) -> int:
    row = db.execute(tx, "SELECT id FROM tenant WHERE name = :name", name=tenant).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no tenant {tenant!r}; add it with `hub tenant add {tenant}`", field="--tenant"
        )
    return int(row.id)


@contextmanager
def _race_is_taken() -> Iterator[None]:
    """Somebody stored the same name or poll target between our look and our write."""
    try:
        yield
    except IntegrityError as error:
        raise ConfigurationError("another connection with this name or poll target was just saved") from error


def _refuse_taken(
    db: Database, tx: Connection, name: str | None, poll_target: str | None, *, but: int | None = None
) -> None:
    if name is not None and db.execute(tx, "SELECT 1 FROM connection WHERE name = :name", name=name).first():
        raise ConfigurationError(
            f"the connection {name} exists already; `--replace` gives it new settings", field="name"
        )
    taken = db.execute(
        tx,
        "SELECT id FROM connection WHERE poll_target = :target AND poll_target IS NOT NULL",
        target=poll_target,
    ).first()
    if taken is not None and taken.id != but:
        raise TargetTakenError("another connection polls the same target already")


def _stored(row: Any) -> StoredConnection:
    values = {name: getattr(row, name) for name in StoredConnection.__dataclass_fields__ if name != "config"}
    values |= {"paused": bool(row.paused), "reports": bool(row.reports), "facts": codec.loads(row.facts)}
    return StoredConnection(config=codec.loads(row.config), **values)
