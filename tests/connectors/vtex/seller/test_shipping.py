"""Which delivery options an address has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.vtex.seller.shipping import (
    LONGEST_REMEMBERED,
    MOST_ADDRESSES,
    MOST_DELIVERIES,
    MOST_ENDS,
    Shipping,
    ShippingRule,
    plain_postal_code,
)
from hub import codec

POSTAL = st.text("0123456789", min_size=1, max_size=8)


def rule(*ids: str, country: str = "BRA", channel: str = "delivery", **fields: Any) -> ShippingRule:
    """With options of these ids."""
    slas = [{"id": one, "price": "9.90", "estimate": "3bd", "channel": channel} for one in ids]
    return ShippingRule.model_validate({"country": country, "slas": slas, **fields})


def ids(shipping: Shipping, code: str | None, country: str | None = "BRA") -> list[str]:
    """Of the options of an address."""
    return [one["id"] for one in codec.loads(shipping.to(country, code).slas)]


@given(POSTAL, POSTAL, POSTAL.filter(lambda code: len(code) == 8))
def test_a_range_of_first_digits_holds_all_codes_that_begin_within_it(
    first: str, last: str, code: str
) -> None:
    """From the first code with the first digits to the last one with the last digits."""
    low, high = first.ljust(8, "0"), last.ljust(8, "9")
    try:
        shipping = Shipping([rule("a", postal_from=first, postal_to=last)])
    except ValidationError:
        width = min(len(first), len(last))
        assert first[:width] > last[:width]
        return

    assert (ids(shipping, code) == ["a"]) == (low <= code <= high)


@pytest.mark.parametrize("code", ("22270-030", "22270030", " 22270 030 "))
def test_postal_codes_are_compared_by_their_digits(code: str) -> None:
    """However they are divided."""
    shipping = Shipping([rule("a", postal_from="22270-000", postal_to="22270-999")])

    assert ids(shipping, code) == ["a"]


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True), max_size=5))
def test_every_rule_that_matches_adds_its_options_in_order(rules: list[list[str]]) -> None:
    """The first of an id wins."""
    shipping = Shipping([rule(*names) for names in rules])

    assert ids(shipping, "01310-100") == list(dict.fromkeys(name for names in rules for name in names))


def test_the_first_option_of_an_id_wins() -> None:
    """So the narrow rule stands before the wide one."""
    narrow = ShippingRule.model_validate(
        {
            "country": "BRA",
            "postal_from": "20",
            "postal_to": "28",
            "slas": [{"id": "normal", "price": 5, "estimate": "1d"}],
        }
    )
    shipping = Shipping([narrow, rule("normal")])

    found = [codec.loads(shipping.to("bra", code).slas)[0] for code in ("22270-030", "01310-100")]
    assert [(one["price"], one["shippingEstimate"]) for one in found] == [(500, "1d"), (990, "3bd")]


def test_a_country_without_a_rule_has_no_options_but_a_channel() -> None:
    """As without an address: what there is of stock is told all the same."""
    shipping = Shipping([rule("a"), rule("b", country="USA", channel="pickup-in-point")])

    assert ids(shipping, "1000", "ARG") == ids(shipping, None) == ids(shipping, "01310", None) == []
    assert shipping.to("ARG", "1000").channels == ["delivery", "pickup-in-point"]
    assert shipping.to("BRA", "01310").channels == ["delivery"]
    assert Shipping([]).to("BRA", "01310").channels == ["delivery"]
    assert codec.loads(shipping.countries) == ["BRA", "USA"]


@given(st.text(max_size=20), st.text(max_size=5))
def test_any_text_may_be_a_postal_code_or_a_country(code: str, country: str) -> None:
    """It has the options of its digits, or none."""
    shipping = Shipping([rule("a", postal_from="2", postal_to="3"), rule("b", country="USA")])

    assert set(ids(shipping, code, country)) <= {"a", "b"}
    assert plain_postal_code(code).isalnum() or not plain_postal_code(code)


@pytest.mark.parametrize(
    "fields",
    (
        {"postal_from": "1"},
        {"postal_to": "1"},
        {"postal_from": "-", "postal_to": "2"},
        {"postal_from": "30", "postal_to": "2"},
        {"country": "BR"},
        {"slas": []},
        {"slas": [{"id": "a", "estimate": "soon"}]},
        {"slas": [{"id": "a", "estimate": "1d", "price": "1.005"}]},
        {"slas": [{"id": "a", "estimate": "1d", "price": "-1"}]},
        {"slas": [{"id": "", "estimate": "1d"}]},
    ),
)
def test_a_rule_that_says_nothing_clear_is_refused(fields: dict[str, Any]) -> None:
    """When it is written down, not when somebody buys."""
    with pytest.raises(ValidationError):
        rule("a", **fields) if "slas" not in fields else ShippingRule.model_validate(
            {"country": "BRA", **fields}
        )


def test_made_up_addresses_fill_no_memory() -> None:
    """However long they are, and however many."""
    shipping = Shipping([])
    for number in range(MOST_ADDRESSES + 10):
        shipping.to("BRA", f"{number:08}")
        shipping.to("BRA", f"{number}" * 1000)

    assert len(shipping._known) <= MOST_ADDRESSES
    assert all(len(postal_code) <= LONGEST_REMEMBERED for _, postal_code in shipping._known)


def test_addresses_with_the_same_options_share_what_is_remembered_of_them() -> None:
    """Also where the options come from different rules."""
    shipping = Shipping(
        [
            rule("a", postal_from="10", postal_to="19"),
            rule("a", postal_from="30", postal_to="39"),
            rule("b", country="ARG"),
        ]
    )

    assert shipping.to("BRA", "10000").ends is shipping.to("BRA", "30000").ends
    assert shipping.to("BRA", "10000").ends is not shipping.to("ARG", "10000").ends


def test_the_end_of_a_line_names_the_stock_whatever_was_asked_before() -> None:
    """And no more of them are kept than so many."""
    ends = Shipping([rule("a")]).to("BRA", "1").ends
    for stock in (*range(2 * MOST_ENDS + 3), 7):
        assert ends[stock].count(f'"stockBalance":{stock}') == 2
        assert len(ends) <= MOST_ENDS


def test_options_of_many_addresses_stay_their_own() -> None:
    """More sets of options than are remembered."""
    numbers = range(100, 100 + MOST_DELIVERIES + 5)
    shipping = Shipping([rule(f"to {n}", postal_from=str(n), postal_to=str(n)) for n in numbers])

    assert all(ids(shipping, f"{n}00") == [f"to {n}"] for _ in range(2) for n in numbers)
    assert len(shipping._deliveries) <= MOST_DELIVERIES
