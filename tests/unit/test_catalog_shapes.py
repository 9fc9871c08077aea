"""Bodies become entities of the catalog, or are refused with everything that is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.catalog import KINDS, ShapeError, parse
from hub.store.catalog.drafts import drafts_of, price_key, stock_key

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "kind",
    "key",
    "operation",
    "brand",
    "variants",
    "categories",
    "variant",
    "currency",
    "amount",
    "extra",
)


@pytest.mark.parametrize(
    ("body", "faults"),
    (
        ([], ["must be an object with a kind and a key: see docs/catalog.md"]),
        ({"kind": "toy"}, ['kind: is "toy", not one of product, category, location, price, stock, customer']),
        ({"kind": "product"}, ["key: is required"]),
        ({"kind": "product", "key": ""}, ["key: Expected `str` of length >= 1"]),
        (
            {"kind": "product", "key": "1", "brand": 7, "variants": [{"key": "v", "sku": 8}], "hue": "red"},
            [
                "brand: Expected `str | null`, got `int`",
                "variants.0.sku: Expected `str | null`, got `int`",
                "Object contains unknown field `hue`",
            ],
        ),
        (
            {"kind": "price", "variant": "1", "currency": "JPY", "amount": "1.5"},
            ["amount: 1.5 has more than the 0 digits of JPY"],
        ),
        (
            {"kind": "price", "variant": "1", "currency": "USD", "amount": -1},
            ["amount: must be a number of 0 or more, in full not longer than 100 digits"],
        ),
        (
            {"kind": "price", "variant": "1", "currency": "XAU", "amount": 1},
            ['currency: "XAU" has no minor unit in ISO 4217; use a code such as USD'],
        ),
        (
            {"kind": "product", "key": "1", "brand": "a\x00b"},
            ["brand: holds a NUL character, which no database keeps; take it out"],
        ),
        (
            {"kind": "stock", "variant": "1", "on_hand": 10**30},
            ["on_hand: Expected `int` <= 9007199254740992"],
        ),
    ),
)
def test_a_body_is_refused_with_every_fault_and_its_field(body: Any, faults: list[str]) -> None:
    """All at once, so that it is mended once."""
    with pytest.raises(ShapeError) as refused:
        parse(body)

    assert list(refused.value.errors) == faults


def test_a_backslash_is_no_nul() -> None:
    """A text may hold the six characters that JSON writes for one."""
    parse({"kind": "product", "key": "1", "brand": "\\u0000"})


@given(st.dictionaries(st.sampled_from(FIELDS), json_values | st.sampled_from((*KINDS, "USD", "delete"))))
def test_whatever_comes_is_an_entity_or_is_refused(body: dict[str, Any]) -> None:
    """With a field or a reason, and what is taken can be written."""
    try:
        drafts = drafts_of(parse(body))
    except ShapeError as error:
        drafts, faults = [], error.errors
    else:
        faults = []

    assert bool(drafts) != bool(faults)
    for draft in drafts:
        codec.dumps(dict(draft.fields))


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_two_offers_share_a_key(variant: str, location: str, other: str, elsewhere: str) -> None:
    """Whatever characters their parts are made of."""
    if (variant, location) != (other, elsewhere):
        assert stock_key(variant, location) != stock_key(other, elsewhere)
        assert price_key(variant, location, "USD", None) != price_key(other, elsewhere, "USD", None)
