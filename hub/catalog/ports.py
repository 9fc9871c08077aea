"""What a plugin is handed of the catalog: reading, following its changes, and writing within a settle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from hub.catalog.shapes import Entity
from hub.records import JSON, Item, PushResult

Effect = Literal["created", "updated", "unchanged"]


def wake_key(category: str) -> str:
    """What a record is parked under that waits for a category: the catalog wakes it when the category comes."""
    return f"category:{category}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something of the catalog that is not what it was. ``product`` is whose variant, price or stock it is, ``variant``
    what a price or stock level is of.

    ``stamp`` grows with every change of this entity and compares as text. ``gone``: it was deleted.
    """

    kind: str
    key: str
    stamp: str
    product: str | None = None
    variant: str | None = None
    gone: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """One page of changes. Pass ``cursor`` for what comes next; ``full`` says that there is more right now."""

    changes: Sequence[Change]
    cursor: JSON
    full: bool


class Watch(Protocol):
    """Looks for news of some kinds, for those who wait neither for a look nor for a turn of the event loop."""

    @property
    def quiet_at(self) -> float:
        """Up to this moment of ``time.monotonic``, in seconds, nothing was committed behind where the last look began."""
        ...

    def look(self, after: JSON) -> None:
        """Take in what earlier looks have found, and begin one behind the cursor ``after``, unless one began a moment ago.

        Returns at once, whatever happens.
        """
        ...


class Catalog(Protocol):
    """One tenant's catalog, to read."""

    async def changes(
        self, kinds: Collection[str], *, after: JSON, limit: int = 500, counterpart: str | None = None
    ) -> Changes:
        """What changed of these kinds since the cursor ``after``; with ``{}`` everything that there is: a full pass.

        At most ``limit`` changes, coalesced by key: a key that changed often stands here once, with the last stamp.
        None is missed while others write. What only the connection ``counterpart`` (a name of the same tenant;
        default: this one) has changed is left out, so that a system is never told what it said itself. Raises
        ``ConfigurationError`` for a counterpart that this tenant does not have, or that writes nowhere as it has no
        destination (it exports itself), also where no kinds are asked for.
        """
        ...

    async def has_news(self, kinds: Collection[str], *, after: JSON) -> bool:
        """Whether ``changes`` may have something to tell at the cursor ``after``, at once or in a moment: one cheap look.

        For those who follow closely: it may be asked several times a second. True also for what only the asking
        connection has changed, which ``changes`` leaves out.
        """
        ...

    def watch(self, kinds: Collection[str]) -> Watch:
        """What asks the same again and again without being waited for."""
        ...

    async def prices_turned(self, *, after: JSON, until: datetime, limit: int = 500) -> Changes:
        """Prices that began or ended by themselves since the cursor ``after`` and not later than ``until``, in order.

        No writer changes them then, so ``changes`` says nothing of it. With ``{}`` nothing is told: the cursor that comes
        back begins at ``until``. At most ``limit`` of them, of variants that are there; ``product`` is set. A stamp is
        not earlier than those of all changes that have been told so far.
        """
        ...

    async def read(self, kind: str, keys: Collection[str]) -> Mapping[str, JSON]:
        """Whole documents by key, in the shapes of ``hub.catalog.shapes``; what is gone or unknown is left out.

        A field that was cleared is null, one that nobody ever gave is absent.
        A product comes with its ``variants``, each of them with ``prices`` and ``stock``; a category with ``path``,
        the keys from its root down to itself. A product that lost variants also has ``gone_variants``, by key: of each
        its ``key`` and, if it had one, its last ``sku``. One that went to another product is not among them.
        """
        ...

    async def known(self, kind: str, keys: Collection[str]) -> Collection[str]:
        """Those of ``keys`` that exist and are not gone."""
        ...

    async def given(
        self, kind: str, *, after: str = "", limit: int = 500, before: datetime | None = None
    ) -> Sequence[str]:
        """Keys that are there, not gone, and were given by this connection, whoever else gave something of them too.

        At most ``limit``, in the store's order, from behind the key ``after`` on: pass the last one for what comes next;
        fewer than ``limit`` are the last ones. A variant that came within its product was given with it. What
        was written at ``before`` or since, by whomever, is left out: whoever read the source from then on may have missed
        it.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What became of one entity. ``unknown`` are categories that it names and nobody knows, where it is to wait.

    ``left`` names parts that were left as they are, by the connection that is their system of record. With ``unknown``
    or ``errors`` nothing was written.
    """

    effect: Effect
    unknown: Sequence[str] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    errors: Sequence[str] = ()


class CatalogWriter(Protocol):
    """One tenant's catalog, to write: bound to the transaction in which the same records settle."""

    def write(self, entities: Sequence[Entity]) -> Sequence[Written]:
        """Upsert or delete a batch, in order; one answer for each. The same content again changes nothing."""
        ...

    def products_of(self, variants: Collection[str]) -> Mapping[str, str]:
        """The product of each of these variants that is there, by the variant's key, as this transaction sees it."""
        ...


@runtime_checkable
class WritesCatalog(Protocol):
    """A destination that is the hub itself: its push and the settle of the same records are one transaction."""

    def owned_parts(self) -> Collection[str] | None:
        """Parts of the catalog that the connection is to be the system of record for; None: its connector's choice."""
        ...

    def entity(self, body: Any) -> Entity:
        """What a body describes; becomes the ``body`` of the item. Raises ``RejectedError`` with every fault."""
        ...

    def write(self, catalog: CatalogWriter, items: Sequence[Item]) -> Sequence[PushResult]:
        """As ``Destination.push``, synchronous, inside of the transaction that settles ``items``."""
        ...
