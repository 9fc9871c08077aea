"""Which calls a listing takes: after them the marketplace has what it says, whatever was there before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.marketplace.deciding import Abilities, Step, plan
from connectors.marketplace.known import Known
from connectors.marketplace.settings import MarketplaceSettings
from hub.marketplace import Listing, Offer

prices = st.integers(1, 4).map(lambda number: Offer(currency="USD", price=Decimal(number)))
stocks = st.integers(0, 3)
contents = st.integers(1, 3).map(lambda number: {"name": f"n{number}"})
carried = st.none() | st.sets(st.sampled_from(["price", "stock", "active"]))


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """All that can be said of one SKU."""
    return Listing(
        sku="15",
        active=draw(st.booleans()),
        product=draw(st.none() | contents),
        offer=draw(st.none() | prices),
        stock=draw(st.none() | stocks),
    )


@st.composite
def abilities(draw: st.DrawFn) -> Abilities:
    """Of every marketplace that settings can describe."""
    route = {"path": "/{sku}"}
    told: dict[str, Any] = {"title": "m", "base_url": "https://m.example", "upsert": route}
    for name in ("price", "stock", "block", "unblock", "delete"):
        if draw(st.booleans()):
            told[name] = {**route, "carries": draw(carried)}
    told["upsert"] = {**route, "carries": draw(carried)}
    try:
        return MarketplaceSettings.model_validate(told).abilities()
    except ValueError:
        return draw(abilities())


@dataclass
class Model:
    """A marketplace: what it has, or None. A write that finds nothing is a fault of whoever sent it."""

    has: dict[str, Any] | None = None

    def take(self, step: Step) -> None:
        says = step.says
        if step.kind == "delete":
            assert self.has is not None
            self.has = None
            return
        if step.kind == "upsert" and self.has is None:
            self.has = {"active": True, "content": None, "price": None, "stock": None}
        assert self.has is not None, f"{step.kind} of what is not there"
        told = {
            "content": says.content,
            "price": says.offer,
            "stock": says.stock,
            "active": says.active,
        }
        assert step.kind != "upsert" or says.product is not None
        self.has |= {fact: told[fact] for fact in step.sets if told.get(fact) is not None}

    def holds(self, listing: Listing, able: Abilities) -> bool:
        """Whether it has what the listing says."""
        if not listing.active:
            blocked = self.has is not None and not self.has["active"]
            return self.has is None or blocked or (not able.has("block") and self.has["stock"] == 0)
        said = {"content": listing.content, "price": listing.offer, "stock": listing.stock}
        return (
            self.has is not None
            and self.has["active"]
            and all(value is None or self.has[fact] == value for fact, value in said.items())
        )


def carry_out(listing: Listing, known: Known | None, able: Abilities, model: Model) -> Known | None:
    """As the destination does, with the product where it is needed."""
    todo = plan(listing, known, able)
    if todo.lacks_product:
        listing = replace(listing, product={"name": "n1"})
        todo = plan(listing, known, able)
    assert not todo.lacks_product
    for step in todo.steps:
        model.take(step)
        known = step.done(known, "mp-1")
    assert model.holds(listing, able)
    again = plan(listing, known, able)
    assert not again.steps
    assert again.absent == (not listing.active and known is None)
    return known


@given(abilities(), st.lists(listings(), min_size=1, max_size=6))
def test_after_the_calls_the_marketplace_has_what_the_listing_says(
    able: Abilities, said: list[Listing]
) -> None:
    """After each of a row of listings; and the same once more takes no call."""
    known, model = None, Model()
    for listing in said:
        known = carry_out(listing, known, able, model)


@given(abilities(), st.lists(listings(), min_size=2, max_size=5), st.data())
def test_calls_whose_fate_is_unknown_are_made_up_for(
    able: Abilities, said: list[Listing], data: st.DataObject
) -> None:
    """Of every listing only some calls arrive, and nobody hears of it; the last one finds its way."""
    known, model = None, Model()
    for listing in said[:-1]:
        todo = plan(listing, known, able)
        if todo.lacks_product or not todo.steps:
            continue
        arrived = data.draw(st.integers(0, len(todo.steps)))
        known = (known or Known.nothing_certain(listing)).doubting(
            fact for step in todo.steps for fact in step.sets
        )
        for step in todo.steps[:arrived]:
            if model.has is None and step.kind != "upsert":
                known = None
                break
            model.take(step)
    last = said[-1]
    if model.has is None and known is not None and plan(last, known, able).steps[:1]:
        first = plan(last, known, able).steps[0]
        known = known if first.kind == "upsert" else None  # it is answered 404
    carry_out(last, known, able, model)


@given(abilities(), listings(), listings())
def test_only_what_changed_is_called_for(able: Abilities, before: Listing, after: Listing) -> None:
    """Nothing that holds already, for certain, is the reason of a call."""
    whole = replace(
        before, active=True, product={"name": "n1"}, offer=_offer(before), stock=before.stock or 1
    )
    model = Model()
    known = carry_out(whole, None, able, model)
    assert known is not None

    same = replace(whole, product=after.product and whole.product)

    assert not plan(same, known, able).steps


def test_the_text_of_what_is_known_is_what_it_was() -> None:
    """With its doubts."""
    known = Known.nothing_certain(Listing(sku="15", group="3")).doubting(["active"])
    known = replace(known, created=True, by="key", standing=replace(known.standing, active=False, stock=3))

    assert Known.of(known.text()) == known


def _offer(listing: Listing) -> Offer:
    return listing.offer or Offer(currency="USD", price=Decimal(1))
