"""The verdict of the demo of a seller: each thing that is missing is seen, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from hub.demo.seller import scene
from hub.demo.seller.evidence import Evidence, first_prices, judge, last_prices

FIRST = scene.goods()[0]
CHANGE = "POST /api/catalog_system/pvt/skuseller/changenotification/{sellerId}/{sellerSkuId}"
TOLD = "POST /api/notificator/{sellerId}/changenotification/{skuId}/"


def market(prices: dict[str, int], **calls: int) -> dict[str, Any]:
    stock = {one.variant: one.stock for one in scene.goods()}
    shown = {
        sku: {"status": "available", "price": cents, "stock": stock[sku], "problems": []}
        for sku, cents in prices.items()
    }
    routes = {CHANGE: 24, f"{TOLD}price": 12, f"{TOLD}inventory": 12}
    routes |= {f"{TOLD}{what}": count for what, count in calls.items()}
    return {"offers": {scene.SELLER: shown}, "by_route": routes, "direct_writes": 0}


@pytest.fixture
def sound() -> Evidence:
    """All of it was seen."""
    content = {"CategoryFullPath": "Apparel/Socks"}
    return Evidence(
        reports={
            "category.report.json": {"counts": {"rejected": 0}},
            "product.report.json": {"counts": {"rejected": 0}},
        },
        catalog=[one.product for one in scene.goods()],
        suggested={
            "suggestions": [{"ItemCode": one.variant, "Content": content} for one in scene.goods()],
            "suggestions_versions": len(scene.goods()),
        },
        accepted=len(scene.goods()),
        offered=market(dict(first_prices())),
        cart={
            "status": 200,
            "error": None,
            "problems": [],
            "answer": {"logisticsInfo": [{"slas": [{"id": scene.SLA["id"]}]}]},
        },
        repriced=market(dict(last_prices()), price=12 + scene.PUBLISHED),
        outcomes={record["record_key"]: {"status": "success"} for record in scene.price_records()},
    )


def offer(state: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = state["offers"][scene.SELLER][FIRST.variant]
    return found


def without_report(found: Evidence) -> None:
    found.reports = {}


def with_rejected_lines(found: Evidence) -> None:
    next(iter(found.reports.values()))["counts"]["rejected"] = 1


def not_imported(found: Evidence) -> None:
    found.catalog = found.catalog[1:]


def not_suggested(found: Evidence) -> None:
    found.suggested["suggestions"].pop()


def suggested_twice(found: Evidence) -> None:
    found.suggested["suggestions_versions"] += 1


def suggested_elsewhere(found: Evidence) -> None:
    found.suggested["suggestions"][0]["Content"] = {"CategoryFullPath": "Socks"}


def not_accepted(found: Evidence) -> None:
    found.accepted -= 1


def unavailable(found: Evidence) -> None:
    offer(found.offered).update(status="unavailable", why="timeout")


def of_another_stock(found: Evidence) -> None:
    offer(found.offered)["stock"] += 1


def against_the_schema(found: Evidence) -> None:
    offer(found.offered)["problems"] = ["country"]


def undelivered(found: Evidence) -> None:
    found.cart["answer"]["logisticsInfo"][0]["slas"] = []


def nothing_in_the_cart(found: Evidence) -> None:
    found.cart["answer"]["logisticsInfo"] = []


def refused(found: Evidence) -> None:
    found.cart["status"] = 503


def off_by_a_cent(found: Evidence) -> None:
    offer(found.repriced)["price"] += 1


def not_told(found: Evidence) -> None:
    found.repriced["by_route"][f"{TOLD}price"] -= 1


def told_of_stock(found: Evidence) -> None:
    found.repriced["by_route"][f"{TOLD}inventory"] += 1


def told_of_a_change(found: Evidence) -> None:
    found.repriced["by_route"][CHANGE] += 1


def not_reported(found: Evidence) -> None:
    found.outcomes = {**found.outcomes, f"pr-{FIRST.variant}": None}


def reported_as_failed(found: Evidence) -> None:
    found.outcomes = {**found.outcomes, f"pr-{FIRST.variant}": {"status": "failed"}}


def written(found: Evidence) -> None:
    found.repriced["direct_writes"] = 1


BREACHES: dict[str, tuple[Callable[[Evidence], None], ...]] = {
    "Merchstack's files are in the catalog, and each has its report": (
        without_report,
        with_rejected_lines,
        not_imported,
    ),
    "every SKU was suggested to the marketplace once": (not_suggested, suggested_twice, suggested_elsewhere),
    "the marketplace approved, asked the hub, and offers each at the files' price and stock": (
        not_accepted,
        unavailable,
        of_another_stock,
        against_the_schema,
    ),
    "a shopper with an address is offered a delivery": (undelivered, nothing_in_the_cart, refused),
    "prices of MerchantOps are what the marketplace offers now, to the cent": (off_by_a_cent,),
    "it was told of prices, and of nothing else": (not_told, told_of_stock, told_of_a_change),
    "MerchantOps was told that its prices arrived": (not_reported, reported_as_failed),
    "nobody wrote to the marketplace's catalog": (written,),
}


def test_all_that_was_seen_passes(sound: Evidence) -> None:
    """And everything is judged."""
    found = judge(sound)

    assert [check for check in found if not check.ok] == []
    assert [check.name for check in found] == list(BREACHES)


@pytest.mark.parametrize(("name", "breach"), [(name, one) for name in BREACHES for one in BREACHES[name]])
def test_what_is_missing_is_seen_and_named(
    sound: Evidence, name: str, breach: Callable[[Evidence], None]
) -> None:
    """That alone."""
    evidence = deepcopy(sound)
    breach(evidence)
    failed = [check for check in judge(evidence) if not check.ok]

    assert [check.name for check in failed] == [name]
    assert failed[0].detail


def test_where_nothing_was_reached_nothing_passes() -> None:
    """Each check says that it saw nothing."""
    assert [check.name for check in judge(Evidence()) if check.ok] == []
