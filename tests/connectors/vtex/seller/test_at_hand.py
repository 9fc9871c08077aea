"""Offers that lie ready, so that most carts are answered without a thought: nobody can tell by the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.seller.offers import PROMISED_FOR, Offers, Terms
from connectors.vtex.seller.shipping import Shipping, ShippingRule
from connectors.vtex.seller.simulation import Answer, RequestedItem, Simulation, SimulationRequest
from hub.records import JSON

NOW = 1_780_000_000.0
BY_SKU = Terms(sku="sku", currency="BRL")
SHIPPING = Shipping(
    [ShippingRule.model_validate({"country": "BRA", "slas": [{"id": "normal", "estimate": "3bd"}]})]
)
#: Moments around the beginnings and ends of prices, and the last ones at which they can be promised for an hour.
MOMENTS = [place * 1800.0 + off for place in range(8) for off in (-0.5, 0.0, 0.5)]

amounts = st.integers(1, 3).map(Decimal)
moments = st.none() | st.integers(0, 7).map(
    lambda place: datetime.fromtimestamp(NOW + place * 1800, UTC).isoformat()
)
prices = st.builds(
    lambda amount, begins, ends: {
        "kind": "sale",
        "currency": "BRL",
        "amount": amount,
        "valid_from": begins,
        "valid_to": ends,
    },
    amounts,
    moments,
    moments,
)
variants = st.tuples(st.sampled_from(["X", "Y", "Z"]), st.integers(0, 2), st.lists(prices, max_size=2))


def product(key: str, *found: tuple[str, int, list[JSON]]) -> JSON:
    """Of variants with these SKUs, stock and prices."""
    return {
        "key": key,
        "variants": [
            {
                "key": f"{key}-{place}",
                "sku": sku,
                "prices": priced,
                "stock": [{"location": "default", "on_hand": stock}],
            }
            for place, (sku, stock, priced) in enumerate(found)
        ],
    }


def price(amount: int, ends: float | None = None) -> JSON:
    """One that holds until so many seconds after ``NOW``."""
    until = None if ends is None else datetime.fromtimestamp(NOW + ends, UTC).isoformat()
    return {"kind": "sale", "currency": "BRL", "amount": Decimal(amount), "valid_to": until}


changes = st.tuples(
    st.sampled_from(["a", "b"]),
    st.none() | st.lists(variants, max_size=2),
)
lines = st.builds(
    RequestedItem,
    id=st.sampled_from(["X", "Y", "Z"]),
    quantity=st.sampled_from([1, 1, 1, 2]),
    seller=st.sampled_from(["1", "1", "1", "2"]),
)
asked = st.tuples(st.sampled_from(MOMENTS), st.lists(lines, max_size=3))


@given(st.lists(changes | asked, max_size=30))
def test_whatever_was_asked_before_an_answer_is_what_the_catalog_says_now(steps: list[object]) -> None:
    """Offers come, change, share SKUs and go; prices begin and end; carts are asked for again and again."""
    offers = Offers(BY_SKU)
    warm = Simulation(offers, SHIPPING)
    there: dict[str, JSON] = {}
    passed = 0.0
    for first, second in steps:  # type: ignore[misc]
        if isinstance(first, str):
            there.pop(first, None)
            if second is not None:
                there[first] = product(first, *second)
            offers.put([first], there)
            continue
        passed = max(passed, first)
        for items in (second, [RequestedItem(id=line.id) for line in second]):
            request = SimulationRequest(items=items, country="BRA")
            assert warm.answer(request, NOW + passed) == cold(there, request, NOW + passed)


def cold(there: dict[str, JSON], request: SimulationRequest, now: float) -> Answer:
    """By one that has never been asked before."""
    offers = Offers(BY_SKU)
    offers.put(sorted(there), there)
    return Simulation(offers, SHIPPING).answer(request, now)


def test_prices_that_end_one_after_another_are_each_thought_about_in_time() -> None:
    """When the first is let go of, the others still have an end."""
    offers = Offers(BY_SKU)
    ends = {"X": PROMISED_FOR + 10, "Y": PROMISED_FOR + 20, "Z": None}
    there = {sku: product(sku, (sku, 1, [price(1, end)])) for sku, end in ends.items()}
    offers.put(there, there)
    warm = Simulation(offers, SHIPPING)
    request = SimulationRequest(items=[RequestedItem(id=sku) for sku in ends], country="BRA")

    for now in (0, 5, 10, 15, 20, 25, PROMISED_FOR + 10, PROMISED_FOR + 20):
        assert warm.answer(request, NOW + now) == cold(there, request, NOW + now)
        held = [sku for sku, end in ends.items() if end is None or now < end - PROMISED_FOR]
        assert sorted(offers.at_hand) == held


@pytest.mark.parametrize(
    "changed",
    (
        {"b": None},
        {"b": product("b", ("X", 0, [price(1)]))},
        {"b": product("b", ("X", 7, [price(2)]))},
        {"a": product("a", ("X", 7, [price(2)]))},
    ),
    ids=["gone", "sold out", "dearer", "another variant's, whose key comes first"],
)
def test_what_lies_ready_is_what_the_catalog_said_last(changed: dict[str, JSON | None]) -> None:
    """An SKU was asked for, and then it is not any more what it was."""
    offers = Offers(BY_SKU)
    there = {"b": product("b", ("X", 1, [price(1)]))}
    offers.put(there, there)
    warm = Simulation(offers, SHIPPING)
    request = SimulationRequest(items=[RequestedItem(id="X")], country="BRA")
    before = [warm.answer(request, NOW) for _ in range(2)]
    assert list(offers.at_hand) == ["X"]

    now_there = {key: one for key, one in (there | changed).items() if one is not None}
    offers.put(changed, now_there)

    assert warm.answer(request, NOW) == cold(now_there, request, NOW) != before[-1]


def test_a_cart_of_what_has_been_asked_for_lies_ready() -> None:
    """Otherwise it would be right, and slow."""
    offers = Offers(BY_SKU)
    there = {"a": product("a", ("X", 1, [price(1)]), ("Y", 0, [price(1)]), ("Z", 1, []))}
    offers.put(["a"], there)
    warm = Simulation(offers, SHIPPING)
    request = SimulationRequest(items=[RequestedItem(id=sku) for sku in ("X", "Y", "Z")], country="BRA")

    warm.answer(request, NOW)

    assert list(offers.at_hand) == ["X"], "one without stock or without a price is thought about each time"


def test_carts_larger_than_nearly_all_leave_nothing_behind() -> None:
    """Their forms are large, and there are many sizes."""
    offers = Offers(BY_SKU)
    there = {"a": product("a", ("X", 1, [price(1)]))}
    offers.put(["a"], there)
    warm = Simulation(offers, SHIPPING)

    for lines in range(1, 300):
        request = SimulationRequest(items=[RequestedItem(id="X")] * lines, country="BRA")
        assert [warm.answer(request, NOW) for _ in range(2)] == [cold(there, request, NOW)] * 2

    assert max(warm._forms) <= 100
