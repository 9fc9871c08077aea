"""Leases: one holder in the whole fleet, and a fence that tells a late one from the present one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from hub.errors import HubError
from hub.store.database import Database


class LostLeaseError(HubError):
    """Somebody else holds the lease by now: nothing of this holder's work is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLease:
    """A lease in hand; ``fence`` is higher than that of every earlier holder."""

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A lease in somebody's hand: it is another one whenever it was taken or renewed."""

    fence: int
    expires_at: int


def acquire(db: Database, name: str, *, holder: str, duration: int) -> HeldLease | None:
    """Take or renew a lease for ``duration`` microseconds; None while somebody else holds it."""
    with db.transaction() as tx:
        row = db.execute(
            tx,
            "INSERT INTO lease (name, holder, fence, expires_at) VALUES (:name, :holder, 1, :until) "
            "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, "
            "fence = CASE WHEN lease.holder = excluded.holder THEN lease.fence ELSE lease.fence + 1 END "
            "WHERE lease.expires_at <= :now OR lease.holder = excluded.holder RETURNING fence",
            name=name,
            holder=holder,
            now=(now := db.now(tx)),
            until=now + duration,
        ).one_or_none()
    return HeldLease(name=name, holder=holder, fence=row.fence) if row is not None else None


def holding(db: Database, name: str) -> Holding | None:
    """How a lease is held now; None while nobody has it."""
    with db.transaction() as tx:
        row = db.execute(
            tx,
            "SELECT fence, expires_at FROM lease WHERE name = :name AND expires_at > :now",
            name=name,
            now=db.now(tx),
        ).one_or_none()
    return Holding(fence=row.fence, expires_at=row.expires_at) if row is not None else None


def release(db: Database, lease: HeldLease) -> None:
    """Let the next one have it at once; harmless when it was lost already."""
    with db.transaction() as tx:
        release_within(db, tx, lease)


def release_within(db: Database, tx: Connection, lease: HeldLease) -> None:
    """As ``release``, with the commit of a transaction: for what brings the next one in."""
    db.execute(
        tx,
        "UPDATE lease SET expires_at = 0, holder = '' WHERE name = :name AND holder = :holder AND fence = :fence",
        name=lease.name,
        holder=lease.holder,
        fence=lease.fence,
    )


def verify(db: Database, tx: Connection, lease: HeldLease) -> None:
    """Inside the transaction that does the leased thing. Raises ``LostLeaseError`` when the fence has moved on."""
    row = db.execute(
        tx, f"SELECT fence, holder FROM lease WHERE name = :name{db.row_lock}", name=lease.name
    ).one_or_none()
    if row is None or row.fence != lease.fence or row.holder != lease.holder:
        raise LostLeaseError(f"the lease {lease.name} went to another holder")
