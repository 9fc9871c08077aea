"""What is offered of each SKU: the price of the moment, and memory that is what the catalog is, however it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.vtex.cents import in_cents
from connectors.vtex.seller.amounts import price_at
from connectors.vtex.seller.offers import Offer, Offers, Terms, offers_of
from hub import codec
from hub.records import JSON

TERMS = Terms(currency="BRL")
BY_SKU = Terms(sku="sku", currency="BRL")

#: Prices begin and end at whole hours of this day.
DAY = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = 3600.0


def at(hour: float) -> float:
    """In seconds since 1970."""
    return DAY.timestamp() + hour * HOUR


def text(hour: int | None) -> str | None:
    return None if hour is None else DAY.replace(hour=hour).isoformat()


def price(amount: str, begins: int | None = None, ends: int | None = None, **fields: Any) -> JSON:
    """In BRL."""
    times = {"valid_from": text(begins), "valid_to": text(ends)}
    return {"kind": "sale", "currency": "BRL", "amount": Decimal(amount), **times, **fields}


def variant(key: str, *prices: JSON, on_hand: int = 5, **fields: Any) -> JSON:
    return {"key": key, "prices": list(prices), "stock": [{"on_hand": on_hand, "threshold": 0}], **fields}


def product(key: str, *variants: JSON, **fields: Any) -> JSON:
    return {"kind": "product", "key": key, "variants": list(variants), **fields}


def only(*prices: JSON) -> Offer:
    """The offer of a variant with these prices."""
    (offer,) = offers_of(product("p", variant("v", *prices)), TERMS)
    return offer


def told(offer: Offer, now: float) -> tuple[int, int] | None:
    """Price and list price at an instant, turned only where that is due, as the simulation does it."""
    if now >= offer.until:
        offer.turn(now)
    if offer.tail is None:
        return None
    parts = codec.loads(f"{{{offer.tail.removeprefix(',')}".encode())
    return parts["price"], parts["listPrice"]


AMOUNTS = st.sampled_from(["0", "0.01", "9.90", "19.99", "1.005", "250"])
HOURS = st.none() | st.integers(0, 23)
PRICES = st.lists(
    st.builds(
        price,
        AMOUNTS,
        HOURS,
        HOURS,
        compare_at=st.none() | AMOUNTS.map(Decimal),
        kind=st.sampled_from(["sale", "sale", "list"]),
        currency=st.sampled_from(["BRL", "BRL", "EUR"]),
    ),
    max_size=5,
)


def expected(prices: Sequence[JSON], now: float) -> int | None:
    """As the suggestion says it; None where that refuses the price."""
    found = price_at(prices, currency="BRL", kind="sale", now=datetime.fromtimestamp(now, UTC))
    try:
        return in_cents(found["amount"]) if found else None
    except ValueError:
        return None


@given(PRICES, st.lists(st.integers(-2, 50).map(lambda half: half / 2), min_size=1).map(sorted))
def test_at_every_instant_the_price_is_that_which_holds_then(
    prices: list[JSON], instants: list[float]
) -> None:
    """The one that a suggestion would say, turned at the instant and not a moment later."""
    offer = only(*prices)

    for hour in instants:
        price_then = told(offer, at(hour))
        assert (None if price_then is None else price_then[0]) == expected(prices, at(hour))


@example([price("20"), price("15", 4)], 3)
@given(PRICES, st.integers(0, 23))
def test_what_is_promised_of_a_price_is_kept(prices: list[JSON], hour: int) -> None:
    """Until then no other one begins, and it does not end."""
    offer = only(*prices)
    now = told(offer, at(hour))

    later = [one / 2 for one in range(hour * 2, 48) if now is not None and at(one / 2) < offer.valid_to]

    assert all(expected(prices, at(one)) == expected(prices, at(hour)) for one in later)


@given(PRICES, st.integers(0, 23))
def test_a_list_price_is_never_below_the_price(prices: list[JSON], hour: int) -> None:
    """A comparison that is lower, or that VTEX cannot be told, is none."""
    found = told(only(*prices), at(hour))

    assert found is None or found[1] >= found[0]


def test_a_price_is_compared_to_what_it_is_reduced_from() -> None:
    """Of the period that holds."""
    offer = only(price("20"), price("15", 8, 10, compare_at=Decimal(20)))

    assert [told(offer, at(hour)) for hour in (7, 8, 9.99, 10)] == [
        (2000, 2000),
        (1500, 2000),
        (1500, 2000),
        (2000, 2000),
    ]


def test_what_vtex_cannot_be_told_is_no_price_and_gives_nothing_away() -> None:
    """Neither is it rounded, nor does the price before it come back."""
    offer = only(price("20"), price("29.995", 8, 10))

    assert [told(offer, at(hour)) for hour in (7, 8, 10)] == [(2000, 2000), None, (2000, 2000)]


def documents_of(owner: str) -> st.SearchStrategy[JSON | None]:
    """Documents of a product whose variants share few SKUs among all products, and None for one that is gone."""
    variants = st.lists(st.tuples(st.sampled_from(["X", "Y", "Z", None]), st.integers(0, 3)), max_size=3).map(
        lambda found: [
            variant(f"{owner}-{place}", price("1"), on_hand=stock, sku=sku)
            for place, (sku, stock) in enumerate(found)
        ]
    )
    return st.none() | variants.map(lambda found: product(owner, *found))


STEPS = st.lists(
    st.sampled_from(["a", "b", "c"]).flatmap(lambda key: documents_of(key).map(lambda one: (key, one))),
    max_size=12,
)


def held(offers: Offers) -> dict[str, tuple[str, int]]:
    return {sku: (one.variant, one.stock) for sku, one in offers.by_sku.items()}


def built(documents: Mapping[str, JSON | None], *, backwards: bool = False) -> Offers:
    """From nothing."""
    offers = Offers(BY_SKU)
    there = {key: one for key, one in documents.items() if one is not None}
    offers.put(sorted(documents, reverse=backwards), there)
    return offers


@given(STEPS)
def test_memory_is_what_the_last_documents_say(steps: list[tuple[str, JSON | None]]) -> None:
    """Also of SKUs that several variants have: whoever reads them in whatever order offers the same one."""
    offers = Offers(BY_SKU)
    for key, document in steps:
        offers.put([key], {} if document is None else {key: document})

    last = dict(steps)

    assert held(offers) == held(built(last)) == held(built(last, backwards=True))


@given(STEPS)
def test_nothing_is_left_of_what_is_gone(steps: list[tuple[str, JSON | None]]) -> None:
    """By SKU, by variant or by product."""
    offers = Offers(BY_SKU)
    for key, document in steps:
        offers.put([key], {} if document is None else {key: document})

    offers.put(["a", "b", "c"], {})

    assert [name for name, kept in vars(offers).items() if isinstance(kept, dict) and kept] == []


def test_a_shared_sku_is_told_and_comes_back_when_the_other_is_gone() -> None:
    """The variant whose key comes first is offered."""
    offers = Offers(BY_SKU)
    doubled = offers.put(
        ["a", "b"],
        {key: product(key, variant(f"{key}-1", price("1"), sku="X")) for key in ("a", "b")},
    )
    first = held(offers)

    offers.put(["a"], {})

    assert (doubled, first, held(offers)) == (["X"], {"X": ("a-1", 5)}, {"X": ("b-1", 5)})


def test_a_variant_that_moves_is_offered_by_its_new_product_alone() -> None:
    """Nobody tells that it left the old one, whose document comes later or never."""
    offers = Offers(TERMS)
    moving = variant("v", price("1"))
    offers.put(["a"], {"a": product("a", moving, variant("w", price("1")))})

    doubled = offers.put(["b"], {"b": product("b", {**moving, "stock": []})})
    moved = held(offers)
    offers.put(["a"], {"a": product("a", variant("w", price("1")))})

    assert doubled == []
    assert moved == held(offers) == {"v": ("v", 0), "w": ("w", 5)}


def test_what_is_switched_off_has_no_stock_and_keeps_its_price() -> None:
    """Product or variant."""
    on, off = variant("on", price("1")), variant("off", price("1"), enabled=False)
    found = [
        *offers_of(product("p", on, off), TERMS),
        *offers_of(product("q", {**on, "key": "too"}, enabled=False), TERMS),
    ]

    assert [(one.sku, one.stock, told(one, 0)) for one in found] == [
        ("on", 5, (100, 100)),
        ("off", 0, (100, 100)),
        ("too", 0, (100, 100)),
    ]


def test_only_the_locations_that_count_are_counted() -> None:
    """And none at or below its threshold."""
    levels = [
        {"location": "north", "on_hand": 5, "threshold": 0},
        {"location": "south", "on_hand": 7, "threshold": 7},
        {"location": "west", "on_hand": 9, "threshold": 2},
    ]
    stock = {
        name: next(iter(offers_of(product("p", {**variant("v"), "stock": levels}), terms))).stock
        for name, terms in {
            "all": TERMS,
            "some": Terms(currency="BRL", locations=["north", "south"]),
        }.items()
    }

    assert stock == {"all": 14, "some": 5}
