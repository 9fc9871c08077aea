"""JMESPath with exact numbers: what is found, and what is refused before anything runs."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.expression import Expression, ExpressionError

PAYLOAD = codec.loads(
    b"""{"amount": 32.85, "sku": "a-1", "whole": 4, "tags": ["a", "b"], "huge": 1e999999,
         "prices": [1.10, 2, 3.30], "offers": [{"p": 2.50, "n": "x"}, {"p": 1.75, "n": "y"}]}"""
)


@pytest.mark.parametrize(
    ("text", "found"),
    (
        ("amount", Decimal("32.85")),
        ("abs(`-1.25`)", Decimal("1.25")),
        ("sum(prices)", Decimal("6.40")),
        ("sum(`[]`)", 0),
        ("sum(`[1, 2]`)", 3),
        ("avg(`[1, 2]`)", Decimal("1.5")),
        ("avg(`[]`)", None),
        ("max(prices)", Decimal("3.30")),
        ("min(prices)", Decimal("1.10")),
        ("sort(prices)", [Decimal("1.10"), 2, Decimal("3.30")]),
        ("sort_by(offers, &p)[0].n", "y"),
        ("max_by(offers, &p).n", "x"),
        ("min_by(offers, &p).n", "y"),
        ("ceil(amount)", 33),
        ("floor(amount)", 32),
        ("type(amount)", "number"),
        ("type(sku)", "string"),
        ("type(missing)", "null"),
        ("offers[?p > `1.75`].n", ["x"]),
        ("offers[?p >= `1.75`].n", ["x", "y"]),
        ("amount == `32.85`", True),
        ("amount != `32.85`", False),
        ("whole == `4.0`", True),
        ("contains(prices, `1.1`)", True),
        ("contains(sku, 'a-')", True),
        ("contains(sku, whole)", False),
        ("to_string(amount)", "32.85"),
        ("to_string(prices)", "[1.10,2,3.30]"),
        ("to_string(sku)", "a-1"),
        ("to_number('32.850')", Decimal("32.850")),
        ("to_number('32')", 32),
        ("to_number('nan')", None),
        ("to_number('1_000')", None),
        ("to_number(tags)", None),
        ("not_null(missing, amount)", Decimal("32.85")),
        ("!amount", False),
        ("!`0`", False),
        ("amount || 'none'", Decimal("32.85")),
        ("map(&to_string(@), prices)", ["1.10", "2", "3.30"]),
        ("{a: amount, b: `0.1`}", {"a": Decimal("32.85"), "b": Decimal("0.1")}),
        ("missing.deeper", None),
        ("'`EUR`'", "`EUR`"),
        ("'it\\'s'", "it's"),
        ("contains('`', sku)", False),
        ('`"a\\`b"`', "a`b"),
    ),
)
def test_decimals_stay_decimals(text: str, found: Any) -> None:
    """Every function and comparison takes and gives the number that the source wrote."""
    result = Expression(text).search(PAYLOAD)

    assert result == found
    assert repr(result) == repr(found)


@pytest.mark.parametrize(
    ("text", "complaint"),
    (
        ("", "it is empty"),
        ("amount[", "it ends too early"),
        ("a..b", "column 3: '.b' is not expected"),
        ("a-b", "column 2: Unknown token '-'"),
        ('"abc', "column 1: Unclosed"),
        ("upper(sku)", "there is no function upper(), only abs, avg,"),
        ("abs()", "abs() takes 1 argument, not 0"),
        ("join(sku)", "join() takes 2 arguments, not 1"),
        ("not_null()", "not_null() takes at least 1 argument, not 0"),
        ("abs(`true`)", "abs() takes number, not boolean true"),
        ('sum(`[1, "a"]`)', 'sum() takes array of number, not string "a"'),
        ("map(&upper(@), tags)", "there is no function upper()"),
        ("sort_by(offers, p)", "write it with &"),
        ("abs(&amount)", "leave out the &"),
        ("[&amount]", "& belongs before an argument"),
        ("sku == `EUR`", "column 8: `EUR` is no JSON; write a text as 'text'"),
        ("``", "column 1: `` is no JSON"),
        ("tags[::0]", "the step of a slice must not be 0"),
        ("`1.2345678901234567`", "has more than 15 digits"),
        ('`[{"a": 1e400}]`', "not finite"),
        ("!" * 60 + "a", "nested too deeply"),
        ("!" * 1999 + "a", "nested too deeply"),
        ("a" * 2001, "longer than 2000 characters"),
    ),
)
def test_a_wrong_expression_is_refused_when_it_is_written(text: str, complaint: str) -> None:
    """Syntax, names, the number of arguments, and the types of constants are known beforehand."""
    with pytest.raises(ExpressionError) as caught:
        Expression(text)

    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    (
        ("abs(sku)", 'abs() takes number, not string "a-1"; convert it, or give it a default with ||'),
        ("join(',', missing)", "join() takes array of string, not null; convert it"),
        ("join(',', prices)", "join() takes array of string, not number 1.10; convert it"),
        ("sku > amount", "it cannot be worked out for {"),
        ("ceil(huge)", "infinite or has more than 100 digits"),
        ("sum([huge, amount])", "infinite or has more than 100 digits"),
    ),
)
def test_a_value_that_does_not_suit_is_named(text: str, complaint: str) -> None:
    """What can only be known with a value says which value it was."""
    with pytest.raises(ExpressionError) as caught:
        Expression(text).search(PAYLOAD)

    assert complaint in str(caught.value)


def test_a_sum_that_would_be_rounded_is_refused() -> None:
    """100 digits are enough for every price; a sum that needs more would not be exact."""
    with pytest.raises(ExpressionError):
        Expression("sum(@)").search([Decimal("1e90"), Decimal("1e-90")])


def test_the_librarys_cache_keeps_its_own_literals() -> None:
    """Making literals exact does not change what another user of the library gets for the same text."""
    import jmespath

    assert Expression("`1.25`").search(None) == Decimal("1.25")

    assert type(jmespath.search("`1.25`", None)) is float


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)

pieces = st.sampled_from(
    (
        *(
            "a",
            "b",
            "c",
            "@",
            "`1.5`",
            "`[1]`",
            "'x'",
            "*",
            "a[0]",
            "a[]",
            "[1:]",
            "a[?b > c]",
            "{x: a, y: b}",
        ),
        *("abs(a)", "sum(a)", "avg(a)", "max(@)", "sort(a)", "sort_by(a, &b)", "min_by(a, &b)", "keys(@)"),
        *(
            "ceil(a)",
            "floor(a)",
            "to_string(@)",
            "to_number(a)",
            "contains(a, b)",
            "join('', a)",
            "merge(a, b)",
        ),
        *(
            "length(a)",
            "reverse(a)",
            "type(@)",
            "values(@)",
            "map(&abs(@), a)",
            "not_null(a, b)",
            "starts_with(a, b)",
        ),
    )
)
texts = st.builds(
    lambda left, operator, right: f"{left} {operator} {right}",
    pieces,
    st.sampled_from(("|", "||", "&&", "==", "!=", "<", ">=", ".")),
    pieces,
)


@given(text=pieces | texts | st.text("abc.[]()&|`'\"@*?{}:,!0", max_size=12), value=json_values)
def test_nothing_but_an_expression_error_comes_out(text: str, value: Any) -> None:
    """Whatever is written and whatever it meets."""
    with suppress(ExpressionError):
        Expression(text).search(value)


@given(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1, max_size=30))
def test_a_sum_of_prices_is_exact(prices: list[Decimal]) -> None:
    """Added as integers of the smallest unit the same sum comes out."""
    total = Expression("sum(@)").search(prices)

    assert total == Decimal(sum(int(price.scaleb(4)) for price in prices)).scaleb(-4)
