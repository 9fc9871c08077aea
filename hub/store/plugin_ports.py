"""The id map, the documents and the memory of records that a plugin is handed, bound to its connection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from hub import codec
from hub.errors import ConfigurationError
from hub.ports import HistoryPage
from hub.records import JSON
from hub.store.database import Database, rowset
from hub.store.ledger import past

#: A plugin's document may not be larger, in bytes.
DOCUMENT_LIMIT = 1024 * 1024
#: What stands in the place of a document within the transaction that makes it.
_NOTHING = "null"

_MAPPED = "m.connection_id = :connection AND m.kind = :kind AND m.key = v.key"
_REMEMBERED = "m.connection_id = :connection AND m.stream = :stream AND m.key = v.key"


class StoredIdMap:
    """``hub.connector.IdMap`` over the store."""

    def __init__(self, db: Database, *, tenant_id: int, connection_id: int) -> None:
        self._db, self._tenant_id, self._connection_id = db, tenant_id, connection_id

    async def get(self, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The external ids known for ``keys`` of one ``kind``."""
        return await self._db.run(self._get, kind, keys)

    async def put(self, kind: str, ids: Mapping[str, str]) -> None:
        """Remember external ids; the last one written wins."""
        await self._db.run(self._put, kind, ids)

    async def remove(self, kind: str, keys: Sequence[str]) -> None:
        """Forget ids; unknown ones are ignored."""
        await self._db.run(self._remove, kind, keys)

    async def page(self, kind: str, *, after: str = "", limit: int = 500) -> Mapping[str, str]:
        """At most ``limit`` ids of one ``kind``, by key in the store's order, from behind the key ``after`` on."""
        return await self._db.run(self._page, kind, after, limit)

    def _get(self, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                f"SELECT m.key, m.external_id FROM {self._db.found('keys', 'id_map', 'm', _MAPPED, key='text')}",
                keys=rowset([{"key": key} for key in keys]),
                connection=self._connection_id,
                kind=kind,
            )
            return {row.key: row.external_id for row in rows}

    def _put(self, kind: str, ids: Mapping[str, str]) -> None:
        with self._db.transaction() as tx:
            self._db.execute(
                tx,
                "INSERT INTO id_map (connection_id, kind, key, tenant_id, external_id) "
                "SELECT :connection, :kind, v.key, :tenant, v.external_id "
                f"FROM {self._db.rows('ids', key='text', external_id='text')} WHERE true "
                "ON CONFLICT (connection_id, kind, key) DO UPDATE SET external_id = excluded.external_id",
                connection=self._connection_id,
                tenant=self._tenant_id,
                kind=kind,
                ids=rowset([{"key": key, "external_id": external_id} for key, external_id in ids.items()]),
            )

    def _remove(self, kind: str, keys: Sequence[str]) -> None:
        with self._db.transaction() as tx:
            self._db.execute(
                tx,
                "DELETE FROM id_map WHERE connection_id = :connection AND kind = :kind "
                f"AND key IN (SELECT v.key FROM {self._db.rows('keys', key='text')})",
                connection=self._connection_id,
                kind=kind,
                keys=rowset([{"key": key} for key in keys]),
            )

    def _page(self, kind: str, after: str, limit: int) -> Mapping[str, str]:
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                "SELECT key, external_id FROM id_map WHERE connection_id = :connection AND kind = :kind "
                "AND key > :after ORDER BY key LIMIT :limit",
                connection=self._connection_id,
                kind=kind,
                after=after,
                limit=limit,
            )
            return {row.key: row.external_id for row in rows}


class StoredDocuments:
    """``hub.connector.Documents`` over the store."""

    def __init__(self, db: Database, *, tenant_id: int, connection_id: int) -> None:
        self._db, self._tenant_id, self._connection_id = db, tenant_id, connection_id

    async def get(self, name: str) -> JSON | None:
        """The document, or None."""
        return await self._db.run(self._get, name)

    async def put(self, name: str, document: JSON) -> None:
        """Write it whole. Raises ``ConfigurationError`` above 1 MiB."""
        await self._db.run(self._put, name, document)

    async def change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        """Read and write it in one transaction. Raises ``ConfigurationError`` above 1 MiB."""
        await self._db.run(self._change, name, change)

    async def remove(self, name: str) -> None:
        """Forget it; an unknown one is ignored."""
        await self._db.run(self._remove, name)

    def _remove(self, name: str) -> None:
        with self._db.transaction() as tx:
            self._delete(tx, name)

    def _get(self, name: str) -> JSON | None:
        with self._db.transaction() as tx:
            body = self._db.execute(
                tx,
                "SELECT body FROM document WHERE connection_id = :connection AND name = :name",
                connection=self._connection_id,
                name=name,
            ).scalar_one_or_none()
        if body is None:
            return None
        document: JSON = codec.loads(body)
        return document

    def _put(self, name: str, document: JSON) -> None:
        body = _body(name, document)
        with self._db.transaction() as tx:
            self._write(tx, name, body, "DO UPDATE SET body = excluded.body")

    def _change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        with self._db.transaction() as tx:
            # A row that is not there cannot be locked: whoever comes first makes one, for which others wait.
            self._write(tx, name, _NOTHING, "DO NOTHING")
            before = self._db.execute(
                tx,
                "SELECT body FROM document WHERE connection_id = :connection AND name = :name"
                + self._db.row_lock,
                connection=self._connection_id,
                name=name,
            ).scalar_one_or_none()
            after = change(None if before is None else codec.loads(before))
            if after is not None:
                self._write(tx, name, _body(name, after), "DO UPDATE SET body = excluded.body")
            elif before == _NOTHING:
                self._delete(tx, name)

    def _write(self, tx: Connection, name: str, body: str, if_there: str) -> None:
        self._db.execute(
            tx,
            "INSERT INTO document (connection_id, name, tenant_id, body) "
            f"VALUES (:connection, :name, :tenant, :body) ON CONFLICT (connection_id, name) {if_there}",
            connection=self._connection_id,
            tenant=self._tenant_id,
            name=name,
            body=body,
        )

    def _delete(self, tx: Connection, name: str) -> None:
        self._db.execute(
            tx,
            "DELETE FROM document WHERE connection_id = :connection AND name = :name",
            connection=self._connection_id,
            name=name,
        )


class StoredLedger:
    """``hub.connector.Ledger`` over the store."""

    def __init__(self, db: Database, *, tenant_id: int, connection_id: int) -> None:
        self._db, self._connection_id = db, connection_id

    async def hashes(self, stream: str, keys: Sequence[str]) -> Mapping[str, str]:
        """Of the latest record of each key, pruned ones included."""
        return await self._db.run(self._hashes, stream, keys)

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
        """Raises ``ConfigurationError`` for a state or cursor that is none."""
        question = past.Question.of(since, until, states, newest_first=newest_first)
        return await self._db.run(
            past.history, self._db, self._connection_id, question, after=after, limit=limit
        )

    def _hashes(self, stream: str, keys: Sequence[str]) -> Mapping[str, str]:
        given = self._db.rows("keys", key="text")
        remembered = self._db.found("keys", "memory", "m", _REMEMBERED, key="text")
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                "SELECT found.key, found.content_hash FROM ("
                f"SELECT m.key, m.content_hash, m.number FROM {remembered} "
                f"UNION ALL SELECT r.key, r.content_hash, r.number FROM {given} JOIN record r ON r.id = ("
                "SELECT max(l.id) FROM record l WHERE l.connection_id = :connection AND l.stream = :stream "
                "AND l.key = v.key)) AS found ORDER BY found.number",
                keys=rowset([{"key": key} for key in keys]),
                connection=self._connection_id,
                stream=stream,
            )
            return {row.key: row.content_hash for row in rows}


def _body(name: str, document: JSON) -> str:
    body = codec.dumps(document)
    if len(body) > DOCUMENT_LIMIT:
        raise ConfigurationError(f"the document {name} has {len(body)} bytes, more than {DOCUMENT_LIMIT}")
    return body.decode()
