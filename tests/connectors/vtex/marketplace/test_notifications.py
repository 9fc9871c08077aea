"""What VTEX tells an affiliate, in every spelling that was seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.notification import MOST, parse
from connectors.vtex.simulator.notification import SPELLINGS, Happened, spelt
from hub import codec
from hub.errors import RejectedError

#: As VTEX writes it: seven digits after the second.
AT = "2018-08-20T15:11:28.1978783Z"
REAL = {
    "IdSku": "15",
    "ProductId": 123,
    "An": "acme",
    "IdAffiliate": "HBB",
    "DateModified": AT,
    "IsActive": True,
}


def told(**fields: Any) -> bytes:
    """A notification with other fields, or without those that are None."""
    return codec.dumps({name: value for name, value in {**REAL, **fields}.items() if value is not None})


@given(
    st.builds(
        Happened,
        sku=st.integers(1, 2**31 - 1),
        product=st.integers(1, 2**31 - 1),
        active=st.booleans(),
        stock=st.booleans(),
        price=st.booleans(),
        content=st.booleans(),
        removed=st.booleans(),
    ),
    st.sampled_from(SPELLINGS),
)
def test_every_spelling_says_the_same(happened: Happened, spelling: Any) -> None:
    """As far as it says it: the oldest form has no flags, and one has no product."""
    [one] = parse(codec.dumps(spelt(happened, spelling, account="acme", affiliate="HBB", at=AT)))

    assert (one.sku, one.account, one.affiliate) == (str(happened.sku), "acme", "HBB")
    assert one.product == (None if spelling in {"no_product", "oldest"} else str(happened.product))
    assert one.at == "2018-08-20T15:11:28.197878+00:00"
    assert one.active is happened.active
    if spelling == "oldest":
        assert set(one.changed) == {"content", "price", "stock"}
        assert not one.removed
    else:
        flags = {"content": happened.content, "price": happened.price, "stock": happened.stock}
        assert set(one.changed) == {name for name, flag in flags.items() if flag}
        assert one.removed is happened.removed


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["IdSku", "An", "IsActive", "DateModified", "PriceModified", "x"]), inner
            )
        ),
    )
)
def test_whatever_else_comes_is_refused(body: Any) -> None:
    """And nothing else is raised."""
    try:
        found = parse(codec.dumps(body))
    except RejectedError:
        return
    assert all(one.sku.isdigit() and one.account for one in found)


@pytest.mark.parametrize(
    ("body", "named"),
    (
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "list of 1"),
        (codec.dumps([REAL] * (MOST + 1)), "list of 1"),
        (b'"15"', "list of 1"),
        (b"[15]", "an object"),
        (told(IdSku=None), "IdSku"),
        (told(IdSku="../15"), "IdSku"),
        (told(IdSku=-1), "IdSku"),
        (told(IdSku=True), "IdSku"),
        (told(An=None), "An"),
        (told(An=" "), "An"),
        (told(PriceModified="perhaps"), "pricemodified"),
        (told(IsActive=2), "isactive"),
    ),
)
def test_what_is_wrong_is_named(body: bytes, named: str) -> None:
    """So that whoever registered the address finds out."""
    with pytest.raises(RejectedError, match=named):
        parse(body)


def test_an_absent_flag_is_not_false() -> None:
    """Of activity above all: an SKU must not be blocked for that."""
    [one] = parse(told(IsActive=None))

    assert one.active is None


@pytest.mark.parametrize("at", (None, "", "yesterday", 7))
def test_a_date_that_is_none_is_left_out(at: Any) -> None:
    """The time of arrival stands for it."""
    [one] = parse(told(DateModified=at))

    assert one.at is None


@pytest.mark.parametrize("account", ("acme", "ACME", " acme ", "acme.myvtex", "acme.myvtex.com"))
def test_an_account_is_recognised_however_it_is_written(account: str) -> None:
    """It was seen as a part of a host's name."""
    [one] = parse(told(An=account))

    assert one.account == "acme"
