"""A listing and a standing as texts and bodies: what comes back is what went in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.marketplace import Listing, Offer, Standing

amounts = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=2)
offers = st.builds(
    Offer, currency=st.sampled_from(["USD", "BRL"]), price=amounts, list_price=st.none() | amounts
)
texts = st.text(min_size=1, max_size=9)


@given(
    st.builds(
        Listing,
        sku=texts,
        group=st.none() | texts,
        active=st.booleans(),
        product=st.none() | st.dictionaries(texts, texts),
        category=st.none() | texts,
        offer=st.none() | offers,
        stock=st.none() | st.integers(0, 99),
    )
)
def test_a_listing_comes_back_from_its_body(listing: Listing) -> None:
    """Also by way of JSON."""
    assert Listing.of(listing.body()) == listing
    assert Listing.of(codec.loads(codec.dumps(listing.body()))) == listing


@given(
    st.builds(
        Standing,
        external_id=texts,
        group=st.none() | texts,
        active=st.booleans(),
        content=st.none() | texts,
        offer=st.none() | offers,
        stock=st.none() | st.integers(0, 99),
        url=st.none() | texts,
    )
)
def test_a_standing_comes_back_from_its_text(standing: Standing) -> None:
    """From the id map."""
    assert Standing.of(standing.text()) == standing


def test_an_amount_may_be_written_as_a_text() -> None:
    """As a mapping leaves it."""
    body = {"sku": "15", "offer": {"currency": "BRL", "price": "19.90", "list_price": 25}}

    assert Listing.of(body).offer == Offer(currency="BRL", price=Decimal("19.90"), list_price=Decimal(25))


@pytest.mark.parametrize(
    ("body", "error"),
    (
        ("15", "no listing"),
        ({}, "sku"),
        ({"sku": ""}, 'sku: "" is no text'),
        ({"sku": 15}, "sku: 15 is no text"),
        ({"sku": "15", "colour": "blue"}, "colour"),
        ({"sku": "15", "active": "yes"}, 'active: "yes" is neither true nor false'),
        ({"sku": "15", "product": []}, "product: [] is no object"),
        ({"sku": "15", "stock": True}, "stock: true is no whole number"),
        ({"sku": "15", "stock": -1}, "stock: -1 is no whole number"),
        ({"sku": "15", "group": 1}, "group: 1 is no text"),
        ({"sku": "15", "offer": 10}, "no listing"),
        ({"sku": "15", "offer": {"currency": "BRL"}}, "price"),
        ({"sku": "15", "offer": {"currency": None, "price": 1}}, "offer.currency: null is no text"),
        ({"sku": "15", "offer": {"currency": "BRL", "price": "ten"}}, 'offer.price: "ten" is no amount'),
        ({"sku": "15", "offer": {"currency": "BRL", "price": -1}}, "offer.price: -1 is no amount"),
    ),
)
def test_what_a_mapping_has_spoilt_is_said(body: Any, error: str) -> None:
    """By its field."""
    with pytest.raises(ValueError, match="no listing") as raised:
        Listing.of(body)

    assert error in str(raised.value)
