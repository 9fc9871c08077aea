"""What the hub knows of an SKU at a marketplace, as it is kept in the id map: what holds, and what is not certain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from hub import codec
from hub.connector import IdMap
from hub.marketplace import Listing, Standing

#: What the id map calls it.
KIND = "listing"

#: Characters of a mark: nothing hangs on two of them being equal but one repetition that is not told from another.
_MARK: Final = 12

#: What a call may change. ``existence`` is in doubt where a first upsert may or may not have arrived.
Fact = Literal["existence", "content", "price", "stock", "active"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a record said at its last attempt: by fact a mark of it, and how often it had said something else before."""

    record: str
    facts: Mapping[Fact, tuple[str, int]]

    @classmethod
    def of(cls, key: str, said: Mapping[Fact, Any], before: Self | None) -> Self:
        """What the record with this idempotency key says now."""
        record = _mark(key)
        earlier = before.facts if before is not None and before.record == record else {}
        facts = dict(earlier)
        for fact, value in said.items():
            mark = _mark(str(value))
            last, turn = earlier.get(fact, (mark, 0))
            facts[fact] = mark, turn + (last != mark)
        return cls(record, facts)

    def turn(self, facts: Iterable[Fact]) -> int:
        """How often any of these had been something else."""
        return sum(self.facts[fact][1] for fact in facts if fact in self.facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """``doubts`` are facts that a call may have changed of which nobody knows whether it arrived: they are said again.

    ``created``: nobody has been told yet that it was made, or the record with the idempotency key ``by`` was. ``by`` is the
    record that was told of success last: repeated, it hears the same again. ``said`` is what a record said last.
    """

    standing: Standing
    doubts: frozenset[Fact] = frozenset()
    created: bool = False
    by: str | None = None
    said: Said | None = None

    @property
    def exists(self) -> bool:
        """Whether the marketplace has it for certain."""
        return "existence" not in self.doubts

    @classmethod
    def nothing_certain(cls, listing: Listing) -> Self:
        """What is known of an SKU that is about to be made. Its id over there is its own until it says another one."""
        standing = Standing(external_id=listing.sku, group=listing.group)
        return cls(standing=standing, doubts=frozenset({"existence", "content", "price", "stock"}))

    def doubting(self, facts: Iterable[Fact]) -> Self:
        """These are no longer certain."""
        return replace(self, doubts=self.doubts.union(facts))

    def text(self) -> str:
        """For the id map."""
        said = self.said and [self.said.record, self.said.facts]
        facts = {"doubts": sorted(self.doubts), "created": self.created, "by": self.by, "said": said}
        kept = self.standing.facts() | {name: value for name, value in facts.items() if value}
        return codec.dumps(kept).decode()

    @classmethod
    def of(cls, text: str) -> Self:
        """From the id map."""
        found = codec.loads(text.encode())
        return cls(
            standing=Standing.of(text),
            doubts=frozenset(found.get("doubts", ())),
            created=found.get("created", False),
            by=found.get("by"),
            said=_said(*found["said"]) if "said" in found else None,
        )


class Shelf:
    """All that is known of a connection's SKUs."""

    def __init__(self, ids: IdMap) -> None:
        self._ids = ids

    async def get(self, skus: Collection[str]) -> dict[str, Known]:
        """What is known of these, certain or not."""
        return _known(await self._ids.get(KIND, list(skus)))

    async def page(self, *, after: str, limit: int) -> dict[str, Known]:
        """At most ``limit`` of all, by SKU, from behind ``after`` on."""
        return _known(await self._ids.page(KIND, after=after, limit=limit))

    async def keep(self, known: Mapping[str, Known | None]) -> None:
        """Remember these, and forget those that are None."""
        gone = [sku for sku, one in known.items() if one is None]
        texts = {sku: one.text() for sku, one in known.items() if one is not None}
        if texts:
            await self._ids.put(KIND, texts)
        if gone:
            await self._ids.remove(KIND, gone)


def _known(found: Mapping[str, str]) -> dict[str, Known]:
    return {sku: Known.of(text) for sku, text in found.items()}


def _mark(text: str) -> str:
    return codec.fingerprint(text)[:_MARK]


def _said(record: str, facts: Mapping[Fact, Sequence[Any]]) -> Said:
    return Said(record, {fact: (mark, turn) for fact, (mark, turn) in facts.items()})
