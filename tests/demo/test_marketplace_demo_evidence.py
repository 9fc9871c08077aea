"""The verdict of the demo of a marketplace: each thing that is missing is seen, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from hub.demo.marketplace.evidence import TOLD, Evidence, judge
from hub.demo.marketplace.scene import Sku


def sku(number: str, category: str = "100", **fields: Any) -> Sku:
    told = {"active": True, "own": True, "ean": "1", "cents": 1999, "stock": 5, **fields}
    return Sku(sku=number, category=category, **told)


GOODS = {
    one.sku: one
    for one in (
        sku("1"),
        sku("2"),
        sku("3", "102"),
        sku("4", active=False),
        sku("5", active=False),
        sku("6", own=False),
        sku("7", cents=None),
        sku("8", ean=None),
    )
}
#: In the end 2 is off sale, and 4 is on sale.
LAST = GOODS | {"2": replace(GOODS["2"], active=False), "4": replace(GOODS["4"], active=True)}


def market(skus: Sequence[str], **counters: Any) -> dict[str, Any]:
    offers = {one: {"active": True, "price": GOODS[one].price, "stock": 5} for one in skus}
    none = {"doubled": 0, "without_key": 0, "unknown": 0}
    return {"offers": offers, "requests": {"PUT /products/{}": len(offers)}, **none, **counters}


@pytest.fixture
def sound() -> Evidence:
    """All of it was seen."""
    changed = market(["1", "2", "3", "4"])
    changed["offers"]["2"].update(active=False, stock=0)
    return Evidence(
        vtex=GOODS,
        loaded=market(["1", "2"]),
        parked=["3"],
        mapped=market(["1", "2", "3"]),
        vtex_last=LAST,
        changed=changed,
        told={"notifications_sent": 4, "notifications_delivered": 4},
        logs={number: [_message(*TOLD[one.flaw])] for number, one in LAST.items()},
    )


def _message(status: str, words: str) -> dict[str, str]:
    return {"Status": status, "BusinessMessage": f"Oops, {words}"}


def not_loaded(found: Evidence) -> None:
    del found.loaded["offers"]["1"]


def loaded_too_much(found: Evidence) -> None:
    found.loaded = market(["1", "2", "6"])


def not_parked(found: Evidence) -> None:
    found.parked = []


def did_not_go_on(found: Evidence) -> None:
    del found.mapped["offers"]["3"]


def not_blocked(found: Evidence) -> None:
    found.changed["offers"]["2"].update(active=True, stock=5)


def blocked_with_stock(found: Evidence) -> None:
    found.changed["offers"]["2"]["stock"] = 5


def not_switched_on(found: Evidence) -> None:
    found.changed["offers"]["4"]["active"] = False


def off_by_a_cent(found: Evidence) -> None:
    found.changed["offers"]["1"]["price"] = 20


def of_another_stock(found: Evidence) -> None:
    found.changed["offers"]["1"]["stock"] += 1


def not_taken(found: Evidence) -> None:
    found.told = {"notifications_sent": 4, "notifications_delivered": 3}


def sent_twice(found: Evidence) -> None:
    found.changed["requests"]["PUT /products/{}"] += 1


def doubled(found: Evidence) -> None:
    found.changed["doubled"] = 1


def unknown(found: Evidence) -> None:
    found.changed["unknown"] = 1


def without_a_message(found: Evidence) -> None:
    found.logs = {**found.logs, "7": []}


def with_another_message(found: Evidence) -> None:
    found.logs = {**found.logs, "8": [_message("Error", "the category is not mapped")]}


BREACHES: dict[str, tuple[Callable[[Evidence], None], ...]] = {
    "the load put up what may be sold, and nothing that is inactive, another's, without a price or invalid": (
        not_loaded,
        loaded_too_much,
    ),
    "SKUs whose category was not mapped waited, and went on when it was": (not_parked, did_not_go_on),
    "what VTEX switched off is off sale without stock, and what it switched on is on sale": (
        blocked_with_stock,
        not_switched_on,
    ),
    "every price and stock level is VTEX's, to the cent": (off_by_a_cent, of_another_stock),
    "every notification was taken": (not_taken,),
    "nothing was sent twice": (sent_twice, doubled, unknown),
    "the logs say what became of each SKU, and why": (without_a_message, with_another_message),
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


def test_what_is_still_on_sale_is_named(sound: Evidence) -> None:
    """With the SKU."""
    not_blocked(sound)

    (failed,) = [check for check in judge(sound) if not check.ok]
    assert "2 is still on sale" in failed.detail


def test_where_nothing_was_reached_nothing_passes() -> None:
    """Each check says that it saw nothing."""
    assert [check.name for check in judge(Evidence()) if check.ok] == []
