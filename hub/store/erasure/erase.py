"""Who and what is erased: a person, the personal data of an account, or a tenant. Each can be done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.store import history
from hub.store.database import Database, rowset
from hub.store.erasure import catalog, ledger
from hub.store.erasure.everywhere import take_out
from hub.store.erasure.tenant_tables import tenant_tables
from hub.store.erasure.words import Words, named


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """``rows`` that held something; records ``in_hands`` of a worker were left, so it has to be done again."""

    rows: int = 0
    in_hands: int = 0


def erase_person(db: Database, *, tenant_id: int, keys: Sequence[str], texts: Sequence[str] = ()) -> Erased:
    """Erase a person from the catalog, from records, attempts, memory, quarantine and every other text.

    ``keys`` are what the person is called; ``texts`` stand for the person alone. What is found under the keys (e-mail
    addresses, telephone numbers, the full name) is looked for in all other texts of the tenant.
    """
    words = Words(texts)
    rows = len(catalog.erase_customers(db, tenant_id, keys, words))
    in_hands = 0
    for connection_id in _connections(db, tenant_id):
        erased, busy = ledger.of_person(db, connection_id, keys, words)
        rows, in_hands = rows + erased, in_hands + busy
    with db.transaction() as tx:
        rows += _forget_keys(db, tx, tenant_id, keys)
    return Erased(rows=rows + take_out(db, tenant_id, words), in_hands=in_hands)


def erase_person_by_hand(
    db: Database, *, tenant_id: int, keys: Sequence[str], texts: Sequence[str] = (), who: str | None = None
) -> Erased:
    """The same by an operator, with a line in the tenant's history."""
    erased = erase_person(db, tenant_id=tenant_id, keys=keys, texts=texts)
    with db.transaction() as tx:
        facts = {"rows": erased.rows}
        history.note_of(
            db, tx, tenant_id=tenant_id, connection_id=0, name="", what="person erased", who=who, facts=facts
        )
    return erased


def erase_account(db: Database, *, tenant_id: int, connection_id: int, app_key: str) -> Erased:
    """Erase the personal data that a connection brought, and all that is kept as it came: the records' content.

    Goods stay in the catalog: they are the tenant's own by now. What other connections brought stays, even of the same
    person: their accounts were not to go.
    """
    words = Words()
    keys = catalog.erase_customers_of(db, tenant_id, connection_id, words)
    erased, in_hands = ledger.of_connection(db, connection_id, words)
    rows = len(keys) + erased
    with db.transaction() as tx:
        rows += _forget_raw(db, tx, connection_id)
        mine = _naming(db, tx, "history", "facts", tenant_id, keys, connection_id=connection_id)
        rows += _each(db, tx, "UPDATE history SET facts = '{}'", mine)
        db.execute(
            tx,
            "UPDATE app_hold SET erased_at = :now WHERE connection_id = :id AND app_key = :key",
            now=db.now(tx),
            id=connection_id,
            key=app_key,
        )
    rows += take_out(db, tenant_id, words, connection_id=connection_id)
    return Erased(rows=rows, in_hands=in_hands)


def erase_tenant(db: Database, tenant_id: int, *, who: str | None = None) -> int:
    """Remove all that a tenant has, connections and catalog included; its name and a line of its history stay."""
    rows = 0
    with db.transaction() as tx:
        db.execute(tx, f"SELECT id FROM tenant WHERE id = :id{db.row_lock}", id=tenant_id)
        for table in reversed(tenant_tables()):
            rows += db.execute(tx, f"DELETE FROM {table.name} WHERE tenant_id = :id", id=tenant_id).rowcount
        history.note_of(
            db,
            tx,
            tenant_id=tenant_id,
            connection_id=0,
            name="",
            what="tenant erased",
            who=who,
            facts={"rows": rows},
        )
    return rows


def _connections(db: Database, tenant_id: int) -> Sequence[int]:
    with db.transaction() as tx:
        rows = db.execute(
            tx, "SELECT id FROM connection WHERE tenant_id = :tenant ORDER BY id", tenant=tenant_id
        )
        return [row.id for row in rows]


def _forget_keys(db: Database, tx: Connection, tenant_id: int, keys: Sequence[str]) -> int:
    """What is kept beside the records under these keys; quarantine and history also where they only mention one."""
    if not keys:
        return 0
    given = {"tenant": tenant_id, "keys": rowset([{"key": key} for key in keys])}
    chosen = f"SELECT v.key FROM {db.rows('keys', key='text')}"
    rows = db.execute(
        tx,
        "UPDATE memory SET error = NULL, content_hash = '', external_id = NULL "
        f"WHERE tenant_id = :tenant AND (key IN ({chosen}) OR order_key IN ({chosen}))",
        **given,
    ).rowcount
    rows += db.execute(
        tx, f"DELETE FROM id_map WHERE tenant_id = :tenant AND key IN ({chosen})", **given
    ).rowcount
    rows += db.execute(
        tx, f"DELETE FROM quarantine WHERE tenant_id = :tenant AND key IN ({chosen})", **given
    ).rowcount
    quarantined = _naming(db, tx, "quarantine", "raw", tenant_id, keys)
    rows += _each(db, tx, "DELETE FROM quarantine", quarantined)
    noted = _naming(db, tx, "history", "facts", tenant_id, keys)
    return rows + _each(db, tx, "UPDATE history SET facts = '{}'", noted)


def _naming(
    db: Database,
    tx: Connection,
    table: str,
    column: str,
    tenant_id: int,
    keys: Sequence[str],
    *,
    connection_id: int | None = None,
) -> list[int]:
    """Rows whose text names one of the keys: found by the database, and looked at more closely here."""
    within = f"position(v.key in t.{column}) > 0" if db.postgres else f"instr(t.{column}, v.key) > 0"
    rows = db.execute(
        tx,
        f"SELECT t.id, t.{column} AS said FROM {table} t WHERE t.tenant_id = :tenant "
        "AND t.connection_id = coalesce(:connection, t.connection_id) "
        f"AND EXISTS (SELECT 1 FROM {db.rows('keys', key='text')} WHERE {within})",
        tenant=tenant_id,
        connection=connection_id,
        keys=rowset([{"key": key} for key in keys]),
    )
    name = named(keys)
    return [row.id for row in rows if name.search(row.said)]


def _each(db: Database, tx: Connection, change: str, ids: Sequence[int]) -> int:
    return db.execute(
        tx,
        f"{change} WHERE id IN (SELECT v.id FROM {db.rows('ids', id='bigint')})",
        ids=rowset([{"id": one} for one in ids]),
    ).rowcount


def _forget_raw(db: Database, tx: Connection, connection_id: int) -> int:
    """What came from the other side and is kept beside the records."""
    rows = 0
    for table in ("quarantine", "document", "id_map"):
        rows += db.execute(tx, f"DELETE FROM {table} WHERE connection_id = :id", id=connection_id).rowcount
    for change in (
        "UPDATE memory SET error = NULL, content_hash = '', external_id = NULL",
        "UPDATE run SET error = NULL, facts = '{}'",
        "UPDATE schedule SET last_error = NULL, cursor = '{}'",
    ):
        rows += db.execute(tx, f"{change} WHERE connection_id = :id", id=connection_id).rowcount
    db.execute(tx, "UPDATE connection SET facts = '{}' WHERE id = :id", id=connection_id)
    return rows
