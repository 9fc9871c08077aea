"""Which calls it takes so that a marketplace has what a listing says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from connectors.marketplace.known import Fact, Known
from hub.marketplace import Listing, Standing

#: A call by what it is for.
Kind = Literal["upsert", "price", "stock", "block", "unblock", "delete"]
KINDS: Final[Sequence[Kind]] = get_args(Kind)

#: What each call changes whatever else it carries.
OWN: Final[Mapping[Kind, Fact]] = {
    "upsert": "content",
    "price": "price",
    "stock": "stock",
    "block": "active",
    "unblock": "active",
}
#: What a deletion changes.
EVERYTHING: Final = frozenset(get_args(Fact))
#: Where a standing has each of them.
_FIELDS: Final[Mapping[Fact, str]] = {
    "content": "content",
    "price": "offer",
    "stock": "stock",
    "active": "active",
}
#: Calls that change one thing of a product that is there, in their order.
_SINGLE: Final[Sequence[Kind]] = ("price", "stock", "unblock")
#: Those of them that are made for what they carry, too.
_TELLING: Final[Sequence[Kind]] = ("price", "stock")

WITHOUT_BLOCK: Final = (
    "the marketplace can neither block nor delete what it has: it stays on sale there, with no stock"
)


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a marketplace can be told: of each call that it has all that it changes."""

    sets: Mapping[Kind, frozenset[Fact]] = field(default_factory=dict)

    def has(self, kind: Kind) -> bool:
        """Whether there is such a call."""
        return kind in self.sets

    def without(self, kind: Kind) -> Abilities:
        """The same but for one."""
        return Abilities(sets={name: facts for name, facts in self.sets.items() if name != kind})

    @property
    def needs_product(self) -> bool:
        """A price, a stock level or an activation can only be told of with the whole product."""
        single = frozenset[Fact]().union(*(self.sets.get(kind, frozenset()) for kind in _TELLING))
        comes_back = not self.has("block") or self.has("unblock") or "active" in single
        return not (single >= {"price", "stock"} and comes_back)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call: what it is, what it changes, and what it says; ``creates`` where the product is not known to exist."""

    kind: Kind
    sets: frozenset[Fact]
    says: Listing
    creates: bool = False

    def done(self, known: Known | None, external_id: str | None = None) -> Known | None:
        """What is known after it has succeeded; None for what is gone."""
        if self.kind == "delete":
            return None
        known = known or Known.nothing_certain(self.says)
        said = {fact: value for fact, value in said_of(self.says).items() if fact in self.sets}
        standing = replace(
            known.standing,
            external_id=external_id or known.standing.external_id,
            group=self.says.group or known.standing.group,
            **{_FIELDS[fact]: value for fact, value in said.items()},
        )
        return replace(
            known,
            standing=standing,
            doubts=known.doubts.difference(said, {"existence"}),
            created=known.created or self.creates,
            # Whoever was told of an earlier life is not told of this one.
            by=None if self.creates else known.by,
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done. Without steps all holds; ``absent``: because the marketplace does not have it anyway.

    ``lacks_product``: it cannot be done without the listing's ``product``.
    """

    steps: Sequence[Step] = ()
    absent: bool = False
    lacks_product: bool = False
    warning: str | None = None


def plan(listing: Listing, known: Known | None, abilities: Abilities) -> Plan:
    """The calls that make ``listing`` hold, in their order."""
    if not listing.active:
        return _off_sale(listing, known, abilities)
    if known is None or not known.exists:
        return _new(listing, known, abilities)
    return _changed(listing, known, abilities)


def _off_sale(listing: Listing, known: Known | None, abilities: Abilities) -> Plan:
    """Blocked, with no stock; or deleted; or, where neither is possible, with no stock alone."""
    if known is None:
        return Plan(absent=True)
    says = replace(listing, group=listing.group or known.standing.group, stock=0)
    if not abilities.has("block") and abilities.has("delete"):
        return Plan(steps=[Step(kind="delete", sets=EVERYTHING, says=says)])
    blocks = abilities.sets.get("block", frozenset())
    needed = _differences(says, known, active=bool(blocks))
    steps = list(_singles(needed & {"stock"} - blocks, abilities, _completed(says, known.standing)))
    if needed & blocks:
        steps.append(_step("block", abilities, says))
    return Plan(steps=steps, warning=None if blocks else WITHOUT_BLOCK)


def _new(listing: Listing, known: Known | None, abilities: Abilities) -> Plan:
    """Only an upsert makes it; what that does not carry follows. It may be there after all, and blocked."""
    if listing.product is None:
        return Plan(lacks_product=True)
    upsert = replace(_step("upsert", abilities, listing), creates=True)
    unsure: set[Fact] = {"price", "stock"}
    if known is not None and "active" in known.doubts:
        unsure.add("active")
    left = said_of(listing).keys() & unsure - upsert.sets
    return Plan(steps=[upsert, *_singles(left, abilities, listing)])


def _changed(listing: Listing, known: Known, abilities: Abilities) -> Plan:
    needed = _differences(listing, known, active=abilities.has("block"))
    says = _completed(listing, known.standing)
    singles = list(_singles(needed - {"content"}, abilities, says))
    left = needed.difference(*(step.sets for step in singles))
    if not left:
        return Plan(steps=singles)
    if listing.product is None:
        return Plan(lacks_product=True)
    upsert = _step("upsert", abilities, says)
    return Plan(steps=[upsert, *_singles(needed - upsert.sets, abilities, says)])


def _singles(needed: AbstractSet[Fact], abilities: Abilities, says: Listing) -> Iterator[Step]:
    """The calls for single facts: each by its own, unless an earlier one has carried it."""
    left = set(needed)
    by_own = [kind for kind in _SINGLE if OWN[kind] in left]
    for kind in (*by_own, *_TELLING):
        if abilities.has(kind) and left & abilities.sets[kind]:
            yield _step(kind, abilities, says)
            left -= abilities.sets[kind]


def _step(kind: Kind, abilities: Abilities, says: Listing) -> Step:
    return Step(kind=kind, sets=abilities.sets.get(kind, frozenset()), says=says)


def _differences(listing: Listing, known: Known, *, active: bool) -> frozenset[Fact]:
    """What the listing says and the marketplace has otherwise, or perhaps has.

    ``active``: whether it counts there. Where nothing can be blocked, what is off sale only has no stock.
    """
    return frozenset(
        fact
        for fact, value in said_of(listing).items()
        if (active or fact != "active")
        and (fact in known.doubts or getattr(known.standing, _FIELDS[fact]) != value)
    )


def _completed(listing: Listing, standing: Standing) -> Listing:
    """With what stays as it is, for calls that say more than what changed."""
    return replace(
        listing,
        group=listing.group or standing.group,
        offer=listing.offer or standing.offer,
        stock=standing.stock if listing.stock is None else listing.stock,
    )


def said_of(listing: Listing) -> dict[Fact, Any]:
    """What a listing says, as a standing has it."""
    values: Mapping[Fact, Any] = {
        "content": listing.content,
        "price": listing.offer,
        "stock": listing.stock,
        "active": listing.active,
    }
    return {fact: value for fact, value in values.items() if value is not None}
