"""What both sides know in the end, and whether it is what it should be. Pure, once it is collected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub.demo.evidence import Check, judged
from hub.demo.marketplace import scene
from hub.demo.marketplace.scene import Sku
from hub.records import JSON

#: How the logs tell of an SKU, by what is in its way: a status, and words of the message.
TOLD: Final[Mapping[str | None, tuple[str, str]]] = {
    None: ("Success", "was created"),
    "A1": ("Warning", "couldn't obtain the SKU price"),
    "A2": ("Warning", "is inactive in VTEX"),
    "E1": ("Error", "gtin: is missing"),
    "H9": ("Warning", "not by the main account"),
}


@dataclass(kw_only=True)
class Evidence:
    """Collected step by step; what was not reached is empty.

    ``vtex`` is what VTEX says of its SKUs: before anything changed and ``vtex_last`` in the end. Of the marketplace: ``loaded`` is
    its state after the load, with the SKUs that are ``parked`` then, ``mapped`` once all categories were mapped, ``changed`` in
    the end. ``told`` are VTEX's counters of notifications, ``logs`` messages by SKU.
    """

    vtex: Mapping[str, Sku] = field(default_factory=dict)
    loaded: JSON = field(default_factory=dict)
    parked: Collection[str] = ()
    mapped: JSON = field(default_factory=dict)
    vtex_last: Mapping[str, Sku] = field(default_factory=dict)
    changed: JSON = field(default_factory=dict)
    told: JSON = field(default_factory=dict)
    logs: Mapping[str, Sequence[JSON]] = field(default_factory=dict)


def judge(evidence: Evidence) -> Sequence[Check]:
    """All that the demo is to show."""
    return [judged(name, rule(evidence)) for name, rule in _RULES.items()]


def sellable(vtex: Mapping[str, Sku], *, categories: Collection[str]) -> set[str]:
    """SKUs without a flaw in one of these categories."""
    return {one.sku for one in vtex.values() if one.flaw is None and one.category in categories}


def on_sale(market: JSON) -> set[str]:
    """SKUs that the marketplace sells."""
    return {sku for sku, offer in market.get("offers", {}).items() if offer["active"]}


def differences(market: JSON, vtex: Mapping[str, Sku]) -> Iterator[str]:
    """What is on sale at another price or stock than VTEX's."""
    offers = market.get("offers", {})
    for sku in sorted(on_sale(market)):
        one, offer = vtex.get(sku), offers[sku]
        if one is None:
            yield f"{sku} is none of VTEX's"
        elif (offer["price"], offer["stock"]) != (one.price, one.stock):
            yield f"{sku} is {offer['stock']} at {offer['price']} there and {one.stock} at {one.price} in VTEX"


def _loaded(evidence: Evidence) -> Iterator[str]:
    yield from _only(on_sale(evidence.loaded), sellable(evidence.vtex, categories=scene.MAPPED_FIRST))


def _parked(evidence: Evidence) -> Iterator[str]:
    waits = sellable(evidence.vtex, categories=scene.MAPPED_LATER)
    if set(evidence.parked) != waits or not waits:
        yield f"{len(evidence.parked)} SKUs waited instead of {len(waits)}"
    every = {*scene.MAPPED_FIRST, *scene.MAPPED_LATER}
    yield from _only(on_sale(evidence.mapped), sellable(evidence.vtex, categories=every))


def _changed(evidence: Evidence) -> Iterator[str]:
    before, after = evidence.vtex, evidence.vtex_last
    if not after:
        yield "nothing was changed"
        return
    every = {*scene.MAPPED_FIRST, *scene.MAPPED_LATER}
    stopped = sellable(before, categories=every) - sellable(after, categories=every)
    begun = sellable(after, categories=every) - sellable(before, categories=every)
    if not stopped or not begun:
        yield f"{len(stopped)} SKUs were switched off, {len(begun)} on"
    offers = evidence.changed.get("offers", {})
    yield from (f"{sku} is still on sale" for sku in sorted(stopped & on_sale(evidence.changed)))
    yield from (f"{sku} has stock" for sku in sorted(stopped) if offers.get(sku, {}).get("stock"))
    yield from _only(on_sale(evidence.changed), sellable(after, categories=every))


def _equal(evidence: Evidence) -> Iterator[str]:
    if not evidence.vtex_last:
        yield "it was not looked at in the end"
    yield from differences(evidence.changed, evidence.vtex_last)


def _delivered(evidence: Evidence) -> Iterator[str]:
    sent = evidence.told.get("notifications_sent", 0)
    if not sent or evidence.told["notifications_delivered"] != sent:
        yield f"{evidence.told.get('notifications_delivered', 0)} of {sent} notifications"


def _once(evidence: Evidence) -> Iterator[str]:
    market = evidence.changed
    if not market:
        yield "it was not looked at in the end"
        return
    made, offers = market["requests"].get("PUT /products/{}", 0), len(market["offers"])
    if made != offers:
        yield f"{made} products were sent for {offers} that are there"
    for what in ("doubled", "without_key", "unknown"):
        if market[what]:
            yield f"{market[what]} writes {what}"


def _told(evidence: Evidence) -> Iterator[str]:
    if not evidence.logs:
        yield "there are no logs"
    for sku, one in evidence.vtex_last.items():
        status, words = TOLD[one.flaw]
        messages = evidence.logs.get(sku, ())
        if not any(told["Status"] == status and words in told["BusinessMessage"] for told in messages):
            yield f"no message of {sku} says {status} ({words})"


def _only(found: Collection[str], wanted: Collection[str]) -> Iterator[str]:
    if not wanted:
        yield "nothing was to be sold"
    yield from (f"{sku} is not on sale" for sku in sorted(set(wanted) - set(found)))
    yield from (f"{sku} is on sale" for sku in sorted(set(found) - set(wanted)))


_RULES: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "the load put up what may be sold, and nothing that is inactive, another's, without a price or invalid": _loaded,
    "SKUs whose category was not mapped waited, and went on when it was": _parked,
    "what VTEX switched off is off sale without stock, and what it switched on is on sale": _changed,
    "every price and stock level is VTEX's, to the cent": _equal,
    "every notification was taken": _delivered,
    "nothing was sent twice": _once,
    "the logs say what became of each SKU, and why": _told,
}
