"""What holds for every mapping and every payload."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.errors import ConfigurationError, RejectedError
from hub.mapping import Mapping
from hub.money import CURRENCY_DIGITS

amounts = st.decimals(-(10**12), 10**12, places=4)
currencies = st.sampled_from(sorted(code for code, digits in CURRENCY_DIGITS.items() if digits is not None))
names = st.sampled_from(("a", "b", "c", "long name", "ü"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from(("USD", "JPY", "2026-04-27", "true", "32.85", "1e3", ""))
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(names, json_values, max_size=5)
casts = st.sampled_from(("decimal", "string", "integer", "boolean", "date", "datetime"))
paths = st.sampled_from(("a", "b", "c", "a.b", "a[0]", "@", "sum(a)", "to_string(b)", "a > b", '"ü" || c'))
entries = (
    paths
    | st.fixed_dictionaries({"path": paths, "cast": casts})
    | st.fixed_dictionaries({"path": paths, "cast": casts, "required": st.booleans()})
    | st.fixed_dictionaries(
        {
            "path": paths,
            "cast": st.sampled_from(("minor_units", "major_units")),
            "currency": paths | currencies,
        }
    )
    | st.fixed_dictionaries({"path": paths, "omit_null": st.booleans()})
    | st.fixed_dictionaries({"value": json_values})
)
targets = st.sampled_from(("x", "y", "z", "n.a", "n.b", "n.m.c"))


@given(amount=amounts)
def test_a_decimal_comes_out_as_it_went_in(amount: Decimal) -> None:
    """From the text of the source to the text of the destination, digit for digit."""
    payload = codec.loads(codec.dumps({"amount": amount}))
    mapping = Mapping.compile(
        {
            "plain": "amount",
            "cast": {"path": "amount", "cast": "decimal"},
            "text": {"path": "amount", "cast": "string"},
        }
    )

    body = codec.loads(codec.dumps(mapping.apply(payload)))

    assert body["plain"] == body["cast"] == Decimal(body["text"]) == amount
    assert f"{body['cast']:f}" == body["text"] == f"{amount:f}"


@given(units=st.integers(-(10**15), 10**15), currency=currencies)
def test_minor_units_and_back_is_the_same_amount(units: int, currency: str) -> None:
    """For every currency of ISO 4217 that has a minor unit."""
    to_major = Mapping.compile({"v": {"path": "v", "cast": "major_units", "currency": currency}})
    to_minor = Mapping.compile({"v": {"path": "v", "cast": "minor_units", "currency": "c"}})

    major = to_major.apply({"v": units})["v"]

    assert to_minor.apply({"v": major, "c": currency}) == {"v": units}
    assert to_minor.apply({"v": str(major), "c": currency}) == {"v": units}
    assert -major.as_tuple().exponent == CURRENCY_DIGITS[currency]


@given(amount=amounts, currency=currencies)
def test_minor_units_are_exact_or_refused(amount: Decimal, currency: str) -> None:
    """Nothing is ever rounded away."""
    mapping = Mapping.compile({"v": {"path": "v", "cast": "minor_units", "currency": currency}})
    digits = CURRENCY_DIGITS[currency] or 0

    try:
        units = mapping.apply({"v": amount})["v"]
    except RejectedError:
        assert amount != amount.quantize(Decimal(1).scaleb(-digits))
    else:
        assert type(units) is int
        assert Decimal(units).scaleb(-digits) == amount


@given(values=st.dictionaries(targets, json_values, min_size=1))
def test_each_target_is_found_where_it_was_put(values: dict[str, Any]) -> None:
    """Nesting loses none and mixes none up."""
    payload = {f"f{index}": value for index, value in enumerate(values.values())}
    mapping = Mapping.compile({target: f"f{index}" for index, target in enumerate(values)})

    body = mapping.apply(payload)

    assert {target: _at(body, target) for target in values} == values
    assert _leaves(body, values) == set(values)


@given(config=st.dictionaries(targets, entries, min_size=1, max_size=4), payload=payloads)
def test_a_record_is_mapped_or_rejected_and_nothing_else(
    config: dict[str, Any], payload: dict[str, Any]
) -> None:
    """Whatever comes, one error type goes out, and it says something about each field that failed."""
    mapping = Mapping.compile({name: _without_conflicts(entry) for name, entry in config.items()})
    before = codec.dumps(payload)

    body, errors = _applied(mapping, payload)

    assert codec.dumps(payload) == before
    assert codec.dumps(body)
    assert len(errors) <= len(config)
    assert all(": " in error for error in errors)


@given(
    st.dictionaries(
        st.text(max_size=4) | targets,
        json_values
        | st.dictionaries(
            st.sampled_from(
                ("path", "value", "cast", "currency", "format", "output", "default", "required", "omit_null")
            ),
            json_values | paths | casts | currencies | st.floats(),
        ),
    )
)
def test_a_configuration_is_taken_or_refused_and_nothing_else(config: dict[str, Any]) -> None:
    """Whatever a person writes, the answer is a mapping or an error that names the entry."""
    refused = _refused(config)

    names = {f"destination.mapping.{name}" for name in config}
    if refused is not None and refused.field is not None:
        assert refused.field in names
    elif refused is not None:  # several faults, each with its entry
        assert sum(f"{name}: " in str(refused) for name in names) > 1


def _applied(mapping: Mapping, payload: dict[str, Any]) -> tuple[Any, Sequence[str]]:
    try:
        return mapping.apply(payload), ()
    except RejectedError as error:
        return None, error.errors


def _refused(config: dict[str, Any]) -> ConfigurationError | None:
    try:
        Mapping.compile(config)
    except ConfigurationError as error:
        return error
    return None


def _at(body: Any, target: str) -> Any:
    for name in target.split("."):
        body = body[name]
    return body


def _leaves(body: Any, values: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in body.items():
        path = prefix + name
        found |= {path} if path in values else _leaves(value, values, f"{path}.")
    return found


def _without_conflicts(entry: Any) -> Any:
    """A constant of a decimal or a huge integer is fine in a payload and cannot be written in a file."""
    if isinstance(entry, dict) and "value" in entry:
        return {"value": codec.dumps(entry["value"]).decode()}
    return entry
