"""What all sides know in the end, and whether it is what it should be. Pure, once it is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.demo.evidence import Check, judged
from hub.demo.seller import scene
from hub.records import JSON


@dataclass(kw_only=True)
class Evidence:
    """Collected step by step; what was not reached is empty.

    ``reports`` are Merchstack's, ``catalog`` keys of products. Of the marketplace: ``suggested`` is its state before
    anything was decided, ``offered`` once it had approved and the hub knew of ``accepted`` SKUs, ``repriced`` after
    MerchantOps' prices; ``cart`` is what a shopper was answered. ``outcomes`` are what MerchantOps was told, by its records' keys.
    """

    reports: Mapping[str, JSON] = field(default_factory=dict)
    catalog: Sequence[str] = ()
    suggested: JSON = field(default_factory=dict)
    accepted: int = 0
    offered: JSON = field(default_factory=dict)
    cart: JSON = field(default_factory=dict)
    repriced: JSON = field(default_factory=dict)
    outcomes: Mapping[str, JSON | None] = field(default_factory=dict)


def judge(evidence: Evidence) -> Sequence[Check]:
    """All that the demo is to show."""
    return [judged(name, rule(evidence)) for name, rule in _RULES.items()]


def calls(market: JSON, what: str) -> int:
    """How often the marketplace was told of a ``price``, of ``inventory`` or of a change (``{sellerSkuId}``)."""
    routes: Mapping[str, int] = market.get("by_route", {})
    return sum(count for route, count in routes.items() if route.endswith(f"/{what}"))


def offers(market: JSON) -> Mapping[str, JSON]:
    """What the marketplace shows, by SKU."""
    found: Mapping[str, JSON] = market.get("offers", {}).get(scene.SELLER, {})
    return found


def prices_differ(market: JSON, wanted: Mapping[str, int]) -> Iterator[str]:
    """SKUs that are not offered at these cents."""
    shown = offers(market)
    for sku, cents in wanted.items():
        offer = shown.get(sku)
        if offer is None:
            yield f"{sku} is not offered"
        elif offer.get("status") != "available":
            yield f"{sku} is {offer.get('status')}: {offer.get('why')}"
        elif offer["price"] != cents:
            yield f"{sku} costs {offer['price']} there and should cost {cents}"


def first_prices() -> Mapping[str, int]:
    """Those of the files, in cents by variant."""
    return {one.variant: one.cents for one in scene.goods()}


def last_prices() -> Mapping[str, int]:
    """With those of MerchantOps."""
    return {**first_prices(), **{sku: int(amount * 100) for sku, amount in scene.published().items()}}


def _imported(evidence: Evidence) -> Iterator[str]:
    if len(evidence.reports) != 2:
        yield f"{len(evidence.reports)} reports instead of 2"
    for name, report in evidence.reports.items():
        if report["counts"]["rejected"]:
            yield f"{name}: {report['counts']['rejected']} rejected"
    missing = {one.product for one in scene.goods()} - set(evidence.catalog)
    yield from (f"{key} is not in the catalog" for key in sorted(missing))


def _suggested(evidence: Evidence) -> Iterator[str]:
    there = {one["ItemCode"]: one for one in evidence.suggested.get("suggestions", ())}
    for one in scene.goods():
        found: Any = there.get(one.variant)
        if found is None:
            yield f"{one.variant} was not suggested"
        elif found["Content"]["CategoryFullPath"] != "Apparel/Socks":
            yield f"{one.variant} is suggested for {found['Content']['CategoryFullPath']}"
    if (versions := evidence.suggested.get("suggestions_versions", 0)) != len(scene.goods()):
        yield f"{versions} versions of suggestions instead of {len(scene.goods())}"


def _offered(evidence: Evidence) -> Iterator[str]:
    if evidence.accepted != len(scene.goods()):
        yield f"the hub knows of {evidence.accepted} that were accepted, instead of {len(scene.goods())}"
    yield from prices_differ(evidence.offered, first_prices())
    shown = offers(evidence.offered)
    for one in scene.goods():
        offer = shown.get(one.variant, {})
        if offer.get("stock", one.stock) != one.stock:
            yield f"{one.variant} has {offer['stock']} pieces there and should have {one.stock}"
        if offer.get("problems"):
            yield f"the answer for {one.variant} lacks {', '.join(offer['problems'])}"


def _delivered(evidence: Evidence) -> Iterator[str]:
    if not evidence.cart:
        yield "no shopper was seen"
        return
    if evidence.cart["status"] != 200 or evidence.cart["problems"]:
        yield f"the answer was HTTP {evidence.cart['status']} ({evidence.cart['error']}), {evidence.cart['problems']}"
        return
    for line in evidence.cart["answer"]["logisticsInfo"] or [{"slas": []}]:
        if [sla["id"] for sla in line["slas"]] != [scene.SLA["id"]]:
            yield f"deliveries are {line['slas']}"


def _repriced(evidence: Evidence) -> Iterator[str]:
    yield from prices_differ(evidence.repriced, last_prices())


def _told_of_prices(evidence: Evidence) -> Iterator[str]:
    if (told := calls(evidence.repriced, "price") - calls(evidence.offered, "price")) < scene.PUBLISHED:
        yield f"{told} price notifications instead of {scene.PUBLISHED}"
    for what in ("inventory", "{sellerSkuId}"):
        if more := calls(evidence.repriced, what) - calls(evidence.offered, what):
            yield f"{more} other notifications ({what})"


def _reported(evidence: Evidence) -> Iterator[str]:
    for record in scene.price_records():
        outcome = evidence.outcomes.get(record["record_key"])
        if outcome is None:
            yield f"{record['record_key']} has no outcome"
        elif outcome["status"] != "success":
            yield f"{record['record_key']} is reported {outcome['status']}"


def _nothing_written(evidence: Evidence) -> Iterator[str]:
    if not evidence.repriced:
        yield "it was not looked at in the end"
    elif writes := evidence.repriced["direct_writes"]:
        yield f"{writes} direct writes"


_RULES: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "Merchstack's files are in the catalog, and each has its report": _imported,
    "every SKU was suggested to the marketplace once": _suggested,
    "the marketplace approved, asked the hub, and offers each at the files' price and stock": _offered,
    "a shopper with an address is offered a delivery": _delivered,
    "prices of MerchantOps are what the marketplace offers now, to the cent": _repriced,
    "it was told of prices, and of nothing else": _told_of_prices,
    "MerchantOps was told that its prices arrived": _reported,
    "nobody wrote to the marketplace's catalog": _nothing_written,
}
