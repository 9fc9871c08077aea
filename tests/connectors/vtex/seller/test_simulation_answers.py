"""What a marketplace is answered, whatever it asks for: held against VTEX's description, and against known faults of VTEX."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.seller.offers import Offers, Terms
from connectors.vtex.seller.shipping import Shipping, ShippingRule
from connectors.vtex.seller.simulation import MOST_ITEMS, Answer, BadSimulationError, Simulation, parse
from hub import codec
from hub.records import JSON
from tests.connectors.vtex.openapi_of_a_test import check

NOW = 1_780_000_000.5
ADDRESS = {"postalCode": "22270-030", "country": "BRA"}
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
RULES = [
    {"country": "BRA", "slas": [{"id": "normal", "price": "9.90", "estimate": "3bd"}]},
    {
        "country": "BRA",
        "postal_from": "20",
        "postal_to": "28",
        "slas": [{"id": "shop", "estimate": "2h", "channel": "pickup-in-point"}],
    },
]

#: Stock and price in cents of each SKU; None for no price.
Goods = dict[str, tuple[int, int | None]]


def simulation(goods: Goods, **terms: Any) -> Simulation:
    """Of a catalog with these SKUs, a product each."""
    offers = Offers(Terms(currency="BRL", **terms))
    offers.put(goods, {key: _product(key, stock, price) for key, (stock, price) in goods.items()})
    return Simulation(offers, Shipping([ShippingRule.model_validate(one) for one in RULES]))


def _product(key: str, stock: int, price: int | None) -> JSON:
    amount = None if price is None else Decimal(price).scaleb(-2)
    prices = [{"kind": "sale", "currency": "BRL", "amount": amount, "valid_from": None}]
    levels = [{"location": "default", "on_hand": stock, "threshold": 0}]
    return {"key": key, "variants": [{"key": key, "prices": prices, "stock": levels}]}


def asked(*lines: tuple[str, int], **address: str) -> JSON:
    """A request as VTEX documents it."""
    return {"items": [{"id": sku, "quantity": count, "seller": "1"} for sku, count in lines], **address}


def answered(one: Simulation, request: JSON, now: float = NOW) -> Answer:
    """The first time parts of it are made, and then they lie ready, which makes no difference."""
    first = one.answer(parse(codec.dumps(request)), now)

    assert one.answer(parse(codec.dumps(request)), now) == first
    return first


def checked(request: JSON, answer: Answer) -> JSON:
    """The body, after it and the request were found to be as VTEX describes them."""
    url = "http://seller/api/pvt/orderForms/simulation?sc=1&an=mystore"
    exchange = httpx.Response(
        200,
        headers={"content-type": "application/json"},
        content=answer.body,
        request=httpx.Request("POST", url, headers=HEADERS, content=codec.dumps(request)),
    )
    body: JSON = codec.loads(check(exchange, "seller-fulfillment", base="/api").content)
    return body


def hold(goods: Goods, request: JSON, answer: Answer) -> None:
    """All that an answer has to keep to, whatever is asked."""
    body = checked(request, answer)
    known = [(place, one) for place, one in enumerate(request["items"]) if goods.get(one["id"], (0, None))[1]]

    assert [(one["requestIndex"], one["id"], one["seller"]) for one in body["items"]] == [
        (place, one["id"], one["seller"]) for place, one in known
    ]
    assert [one["itemIndex"] for one in body["logisticsInfo"]] == [place for place, _ in known]
    assert list(answer.left_out) == [
        one["id"] for one in request["items"] if not goods.get(one["id"], (0, None))[1]
    ]
    for (_, line), item, logistics in zip(known, body["items"], body["logisticsInfo"], strict=True):
        stock, price = goods[line["id"]]
        assert item["quantity"] == logistics["quantity"] == min(max(line["quantity"], 1), stock)
        assert (item["quantity"] == 0) == (logistics["stockBalance"] == 0)
        assert {
            logistics["stockBalance"],
            *(one["stockBalance"] for one in logistics["deliveryChannels"]),
        } == {stock}
        assert logistics["deliveryChannels"]
        assert (item["price"], item["listPrice"]) == (price, price)
    assert (body["country"], body["postalCode"]) == (request.get("country"), request.get("postalCode"))


CATALOG: Goods = {
    **{f"in-{number}": (number + 1, 990 + number) for number in range(200)},
    **{f"out-{number}": (0, 500) for number in range(20)},
    "priceless": (5, None),
}


@pytest.mark.parametrize("address", ({}, ADDRESS), ids=("nowhere", "address"))
@pytest.mark.parametrize("kind", ("in stock", "sold out", "above stock", "unknown", "doubled", "mixed"))
@pytest.mark.parametrize("count", (0, 1, 20, 200))
def test_any_cart_is_answered_as_described(count: int, kind: str, address: dict[str, str]) -> None:
    """Of any size, with and without an address."""
    mixed = ["in-3", "out-2", "gone", "priceless", "in-3", "in-150"]
    sku, quantity = {
        "in stock": (lambda place: f"in-{place}", 1),
        "sold out": (lambda place: f"out-{place % 20}", 1),
        "above stock": (lambda place: f"in-{place}", 5000),
        "unknown": (lambda place: f"gone-{place}", 1),
        "doubled": (lambda _: "in-7", 3),
        "mixed": (lambda place: mixed[place % len(mixed)], 2),
    }[kind]
    request = asked(*((sku(place), quantity) for place in range(count)), **address)

    answer = answered(simulation(CATALOG), request)

    hold(CATALOG, request, answer)
    slas = {tuple(sla["id"] for sla in one["slas"]) for one in codec.loads(answer.body)["logisticsInfo"]}
    assert slas <= {("normal", "shop") if address else ()}


SKUS = st.sampled_from(["1", "2", "3", "é\u2028", '"\\', "priceless"])
LINES = st.lists(
    st.tuples(
        st.one_of(SKUS, st.text(max_size=3)),
        st.one_of(st.integers(-3, 12), st.sampled_from([2**31, 2**63, 10**40])),
    ),
    max_size=12,
)
GOODS = st.dictionaries(
    SKUS, st.tuples(st.integers(0, 10), st.none() | st.integers(0, 10**9)), max_size=6
).map(lambda goods: {sku: (stock, price or None) for sku, (stock, price) in goods.items()})


@given(GOODS, LINES, st.sampled_from([{}, ADDRESS, {"postalCode": "1000", "country": "ARG"}]))
def test_there_is_never_a_quantity_without_stock_nor_stock_without_a_quantity(
    goods: Goods, lines: list[tuple[str, int]], address: dict[str, str]
) -> None:
    """Quantity 0 with stock left lets a checkout sell any amount (known issue of VTEX)."""
    request = asked(*lines, **address)

    hold(goods, request, answered(simulation(goods), request))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "id", "quantity", "seller", "country", "postalCode"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_answered_or_refused(body: bytes) -> None:
    """With what is wrong, and with nothing else."""
    try:
        request = parse(body)
    except BadSimulationError:
        return

    codec.loads(simulation(CATALOG).answer(request, NOW).body)


@pytest.mark.parametrize(
    "body", (b"[" * 100_000, b'{"items":' + b"[" * 100_000, b'{"x":' + b'{"x":' * 100_000)
)
def test_a_body_that_goes_too_deep_is_refused(body: bytes) -> None:
    """Before it breaks what reads it."""
    with pytest.raises(BadSimulationError, match="no JSON"):
        parse(body)


@pytest.mark.parametrize(
    ("line", "read"),
    (
        ({"id": 15, "quantity": 2, "seller": 1}, ("15", 2, "1")),
        ({"id": "15", "quantity": "2", "seller": "1"}, ("15", 2, "1")),
        ({"id": "15", "quantity": "2.0"}, ("15", 2, "1")),
        ({"id": "15"}, ("15", 1, "1")),
        ({"id": "15", "quantity": None, "seller": None}, ("15", 0, "1")),
        ({"id": "15", "quantity": 2, "seller": "1", "parentItemIndex": None}, ("15", 2, "1")),
    ),
)
def test_other_spellings_are_understood(line: JSON, read: tuple[str, int, str]) -> None:
    """Numbers as texts and the other way round; null; what nobody asked for."""
    request = parse(codec.dumps({"items": [line], "postalCode": None, "country": None, "sc": 1}))

    (item,) = request.items
    assert (item.id, item.quantity, item.seller) == read
    assert (request.postalCode, request.country) == (None, None)


@pytest.mark.parametrize(
    ("body", "text"),
    (
        (b"", "the body is no JSON"),
        (b"[]", "the body has to be an object with items"),
        (b"{}", "items: has to be a list"),
        (b'{"items":[{"quantity":1}]}', "items.0.id: is missing"),
        (b'{"items":[{"id":"1","quantity":1,"seller":"1"},{"id":{}}]}', "items.1.id: is missing"),
        (b'{"items":[{"id":"1","quantity":"many"}]}', 'items.0.quantity: "many" is no whole number'),
    ),
)
def test_what_cannot_be_understood_is_named(body: bytes, text: str) -> None:
    """By its field."""
    with pytest.raises(BadSimulationError) as refused:
        parse(body)

    assert text in str(refused.value)


@pytest.mark.parametrize("sku", ('5" plate', "a\\b", "tab\there", "maçã", "りんご", "a/b", "<&>"))
def test_an_sku_may_be_spelled_with_any_characters(sku: str) -> None:
    """Also with those that JSON writes otherwise."""
    goods: Goods = {sku: (3, 990), "plain": (3, 990)}
    request = asked(("plain", 1), (sku, 1), **ADDRESS)

    hold(goods, request, answered(simulation(goods), request))


def test_each_line_is_answered_for_the_seller_that_it_names() -> None:
    """Whatever this one is called over there."""
    request = asked(("in-1", 1), ("in-2", 1), **ADDRESS)
    request["items"][1]["seller"] = "acme"

    hold(CATALOG, request, answered(simulation(CATALOG), request))


def test_what_was_promised_for_an_hour_is_promised_anew() -> None:
    """An hour from each second on, for carts of any length."""
    one, request = simulation(CATALOG), asked(*((f"in-{place}", 1) for place in range(200)))
    found = [codec.loads(answered(one, request, NOW + later).body)["items"] for later in (0, 1, 7200)]

    assert [{item["priceValidUntil"] for item in items} for items in found] == [
        {"2026-05-28T21:26:40.000Z"},
        {"2026-05-28T21:26:41.000Z"},
        {"2026-05-28T23:26:40.000Z"},
    ]


def test_a_cart_has_no_more_lines_than_anybody_asks_for() -> None:
    """Two thousand."""
    assert len(parse(codec.dumps(asked(*[("1", 1)] * MOST_ITEMS))).items) == MOST_ITEMS
    with pytest.raises(BadSimulationError, match="more than 2000"):
        parse(codec.dumps(asked(*[("1", 1)] * (MOST_ITEMS + 1))))


def test_a_price_is_promised_for_an_hour_or_until_it_ends() -> None:
    """In UTC, and built anew as time goes by."""
    offers = Offers(Terms(currency="BRL"))
    product = _product("a", 1, 500)
    product["variants"][0]["prices"][0]["valid_to"] = "2026-06-01T10:00:00-03:00"
    offers.put(["a"], {"a": product})
    one = Simulation(offers, Shipping([]))
    noon = 1_780_315_200.0  # 2026-06-01T12:00:00Z

    found = {
        minutes: codec.loads(answered(one, asked(("a", 1)), noon + 60 * minutes).body)["items"]
        for minutes in (-30, 0, 30, 60)
    }

    assert [found[at][0]["priceValidUntil"] for at in (-30, 0, 30)] == [
        "2026-06-01T12:30:00.000Z",
        "2026-06-01T13:00:00.000Z",
        "2026-06-01T13:00:00.000Z",
    ]
    assert found[60] == []


def test_a_cart_after_a_smaller_one_of_the_same_second_has_all_its_lines() -> None:
    """More of them lie ready then than before."""
    one = simulation({"a": (5, 500)})

    found = [
        len(codec.loads(answered(one, asked(*[("a", 1)] * count)).body)["items"])
        for count in (1, 150, 2, 700)
    ]

    assert found == [1, 150, 2, 700]


def test_a_clock_that_is_put_back_promises_for_an_hour_from_then() -> None:
    """And not from the moment that it has shown before."""
    one, request = simulation({"a": (5, 500)}), asked(("a", 1))

    later, then = (codec.loads(answered(one, request, now).body)["items"] for now in (NOW + 600, NOW))

    assert later[0]["priceValidUntil"] == "2026-05-28T21:36:40.000Z"
    assert then[0]["priceValidUntil"] == "2026-05-28T21:26:40.000Z"


def test_who_takes_the_payment_is_said_where_it_is_configured() -> None:
    """Null where the marketplace does."""
    names = [
        codec.loads(answered(simulation(CATALOG, **terms), asked(("in-1", 1))).body)["items"][0][
            "merchantName"
        ]
        for terms in ({}, {"merchant_name": "Acme"})
    ]

    assert names == [None, "Acme"]


def test_two_hundred_lines_are_answered_in_no_time() -> None:
    """In memory, on a machine that is busy."""
    one, request = simulation(CATALOG), asked(*((f"in-{place}", 1) for place in range(200)), **ADDRESS)
    answered(one, request)

    began = time.process_time()
    answered(one, request)

    assert time.process_time() - began < 0.1
