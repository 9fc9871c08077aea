"""Credentials that renew themselves: one renewal at a time in the fleet, stored before anybody uses them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import SecretStr
from sqlalchemy import Row

from hub import codec
from hub.errors import NotFoundError, RetryableError, ServiceUnavailableError
from hub.records import JSON
from hub.secrets import SecretBox
from hub.store import leases
from hub.store.database import Database
from hub.store.leases import HeldLease, LostLeaseError

T = TypeVar("T")

_SELECT = "SELECT credentials, revision FROM connection WHERE id = :id"

#: How long a renewal is its process's own; another one takes over from a process that died.
LEASE = timedelta(seconds=60)
#: How long the other side may take to hand out new credentials.
OBTAIN_TIMEOUT = timedelta(seconds=45)
#: How long a caller waits for another one's renewal, and how often it looks, in seconds.
PATIENCE, LOOK_EVERY = 50.0, 0.1
#: Pauses before what was obtained is stored once more when the store cannot be reached, in seconds.
STORE_AGAIN = (0.2, 1.0, 3.0)


class Held(dict[str, Any]):
    """Credentials in hand: they do not show in a traceback, a log or a test's diff."""

    def __repr__(self) -> str:
        return f"Held({', '.join(sorted(self))})"


class StoredVault:
    """``hub.connector.Vault`` over the store, for one side of a connection.

    ``accept`` is told all that is handed out: it refuses what the plugin would not take (``ConfigurationError``) and
    has the rest masked wherever this process writes something.
    """

    def __init__(
        self,
        db: Database,
        *,
        connection_id: int,
        side: Literal["source", "destination"],
        secrets: SecretBox,
        accept: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._db, self._connection_id, self._side = db, connection_id, side
        self._secrets, self._accept = secrets, accept
        self._turn = asyncio.Lock()
        #: Of the connection, with the credentials that were handed out last; 0 before.
        self.revision = 0

    async def current(self) -> Mapping[str, Any]:
        """See ``hub.connector.Vault``."""
        return await self._db.run(self._current)

    async def renew(
        self, held: Mapping[str, Any], obtain: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    ) -> Mapping[str, Any]:
        """See ``hub.connector.Vault``."""
        async with self._turn:
            lease = await self._leased(held)
            if lease is None:
                return await self.current()
            try:
                current = await self.current()
                if _differ(current, held):
                    return current
                obtained = await self._obtained(obtain, current)
                # Whoever gave up waiting would lose what the other side has handed out and will not again.
                return await _to_its_end(self._keep(lease, held, obtained))
            finally:
                await _to_its_end(self._db.run(leases.release, self._db, lease))

    async def superseded(self, *, same: Collection[str], by: str) -> bool:
        """See ``hub.connector.Vault``."""
        return await self._db.run(self._superseded, same, by)

    async def _leased(self, held: Mapping[str, Any]) -> HeldLease | None:
        """The right to renew; None as soon as somebody else has."""
        give_up = time.monotonic() + PATIENCE
        name, holder = f"vault:{self._connection_id}:{self._side}", uuid.uuid4().hex
        duration = round(LEASE.total_seconds() * 1_000_000)
        while True:
            lease = await self._db.run(leases.acquire, self._db, name, holder=holder, duration=duration)
            if lease is not None:
                return lease
            if _differ(await self.current(), held):
                return None
            if time.monotonic() > give_up:
                raise RetryableError("the credentials are being renewed by another process, which takes long")
            await asyncio.sleep(LOOK_EVERY)

    async def _obtained(
        self, obtain: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]], current: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(OBTAIN_TIMEOUT.total_seconds()) as limit:
                return await obtain(current)
        except TimeoutError:
            if not limit.expired():
                raise
            raise RetryableError("the other side did not renew the credentials in time") from None

    async def _keep(
        self, lease: HeldLease, held: Mapping[str, Any], obtained: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        for pause in (*STORE_AGAIN, None):
            try:
                return await self._db.run(self._store, lease, held, obtained)
            except ServiceUnavailableError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            except LostLeaseError:
                current = await self.current()
                if _differ(current, held):
                    return current
                raise RetryableError("another process took over while the credentials were renewed") from None
        raise AssertionError("the last turn of the loop returns or raises")

    def _current(self) -> Mapping[str, Any]:
        with self._db.transaction() as tx:
            row = self._db.execute(tx, _SELECT, id=self._connection_id).one_or_none()
        return self._opened(self._document(row)[self._side], row)

    def _store(
        self, lease: HeldLease, held: Mapping[str, Any], obtained: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        db = self._db
        with db.transaction() as tx:
            leases.verify(db, tx, lease)
            row = db.execute(tx, f"{_SELECT}{db.row_lock}", id=self._connection_id).one_or_none()
            document = self._document(row)
            if _differ(document[self._side], held):  # a person has authorised it anew meanwhile
                return self._opened(document[self._side], row)
            document[self._side] |= {name: _plain(value) for name, value in obtained.items()}
            self._accept(document[self._side])
            row = db.execute(
                tx,
                "UPDATE connection SET credentials = :credentials, revision = revision + 1 WHERE id = :id "
                "RETURNING revision",
                id=self._connection_id,
                credentials=self._secrets.encrypt(document),
            ).one()
        return self._opened(document[self._side], row)

    def _document(self, row: Row[Any] | None) -> JSON:
        if row is None:
            raise NotFoundError("the connection was removed meanwhile")
        return self._secrets.decrypt(row.credentials)

    def _opened(self, credentials: JSON, row: Any) -> Held:
        self._accept(credentials)
        self.revision = row.revision
        return Held(credentials)

    def _superseded(self, same: Collection[str], by: str) -> bool:
        with self._db.transaction() as tx:
            rows = self._db.execute(
                tx,
                "SELECT o.id, o.config, o.credentials FROM connection o JOIN connection c "
                "ON c.connector = o.connector AND c.id = :id",
                id=self._connection_id,
            ).all()
        settings = {row.id: self._settings(codec.loads(row.config), same) for row in rows}
        mine = settings.get(self._connection_id)
        times = {
            row.id: str(self._secrets.decrypt(row.credentials)[self._side].get(by) or "")
            for row in rows
            if settings[row.id] == mine
        }
        return max(times.values(), default="") > times.get(self._connection_id, "")

    def _settings(self, config: JSON, names: Collection[str]) -> tuple[Any, ...]:
        """What it is called where it goes to, and those of its settings, in whatever case they were written."""
        part = config if self._side == "source" else config.get("destination") or {}
        values = [(part.get("settings") or {}).get(name) for name in names]
        return (part.get("name"), *(one.casefold() if isinstance(one, str) else one for one in values))


def _differ(current: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    return any(current.get(name) != _plain(value) for name, value in held.items())


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


async def _to_its_end(work: Awaitable[T]) -> T:
    """Also when the caller is cancelled meanwhile, who is told so afterwards."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
