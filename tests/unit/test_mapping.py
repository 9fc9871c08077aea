"""The mapping from payload to body: what each setting does, what is refused at once, what rejects a record."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from hub import codec
from hub.errors import ConfigurationError, RejectedError
from hub.mapping import Mapping

PAYLOAD = codec.loads(
    b"""{"variant_key": "1000035585-001-L2", "amount": 32.85, "currency": "USD", "yen": 32, "dinar": "1.234",
         "cents": 3285, "effective_from": "2026-04-27", "german": "27.04.2026", "stamp": "2026-04-27T23:30:00+02:00",
         "upc_code": null, "active": "TRUE", "stock": 7.0, "million": 1e6}"""
)


def mapped(toml: str, payload: Any = PAYLOAD) -> Any:
    return Mapping.compile(tomllib.loads(toml)).apply(payload)


def test_the_mapping_of_the_connection_file() -> None:
    """The example that everyone starts from."""
    body = mapped('sku = "variant_key"\nprice = "amount"\ncurrency = "currency"')

    assert codec.dumps(body) == b'{"sku":"1000035585-001-L2","price":32.85,"currency":"USD"}'


@pytest.mark.parametrize("config", (None, {}))
def test_an_empty_mapping_passes_the_payload_through(config: Any) -> None:
    """What the source offered is what the destination gets."""
    assert Mapping.compile(config).apply(PAYLOAD) is PAYLOAD


@pytest.mark.parametrize(
    ("entry", "body"),
    (
        ('x = { path = "amount", cast = "decimal" }', b"32.85"),
        ('x = { path = "dinar", cast = "decimal" }', b"1.234"),
        ('x = { path = "million", cast = "string" }', b'"1000000"'),
        ('x = { path = "amount", cast = "string" }', b'"32.85"'),
        ('x = { path = "`true`", cast = "string" }', b'"true"'),
        ('x = { path = "stock", cast = "integer" }', b"7"),
        ('x = { path = "\' 12 \'", cast = "integer" }', b"12"),
        ('x = { path = "active", cast = "boolean" }', b"true"),
        ('x = { path = "`0`", cast = "boolean" }', b"false"),
        ('x = { path = "amount", cast = "minor_units", currency = "currency" }', b"3285"),
        ('x = { path = "yen", cast = "minor_units", currency = "JPY" }', b"32"),
        ('x = { path = "dinar", cast = "minor_units", currency = "KWD" }', b"1234"),
        ('x = { path = "`-0.01`", cast = "minor_units", currency = "USD" }', b"-1"),
        ('x = { path = "\'32.8500\'", cast = "minor_units", currency = "USD" }', b"3285"),
        ('x = { path = "cents", cast = "major_units", currency = "currency" }', b"32.85"),
        ('x = { path = "yen", cast = "major_units", currency = "JPY" }', b"32"),
        ('x = { path = "`1234`", cast = "major_units", currency = "KWD" }', b"1.234"),
        ('x = { path = "`3200`", cast = "major_units", currency = "USD" }', b"32.00"),
        ('x = { path = "effective_from", cast = "date" }', b'"2026-04-27"'),
        ('x = { path = "stamp", cast = "date" }', b'"2026-04-27"'),
        ('x = { path = "german", cast = "date", format = "%d.%m.%Y" }', b'"2026-04-27"'),
        ('x = { path = "effective_from", cast = "date", output = "%d/%m/%y" }', b'"27/04/26"'),
        ('x = { path = "stamp", cast = "datetime" }', b'"2026-04-27T23:30:00+02:00"'),
        ('x = { path = "german", cast = "datetime", format = "%d.%m.%Y" }', b'"2026-04-27T00:00:00"'),
        ('x = { path = "stamp", cast = "datetime", output = "%H:%M" }', b'"23:30"'),
        ('x = "upc_code"', b"null"),
        ('x = { path = "upc_code", cast = "string" }', b"null"),
        ('x = { path = "upc_code", default = "none" }', b'"none"'),
        ('x = { path = "amount", required = true }', b"32.85"),
        ("x = { value = 19.90 }", b"19.9"),
        ("x = { value = 2026-04-27 }", b'"2026-04-27"'),
        ('x = { value = { list = [0.1, true, "a"] } }', b'{"list":[0.1,true,"a"]}'),
    ),
)
def test_each_entry_gives_what_the_documentation_says(entry: str, body: bytes) -> None:
    """One entry in, one JSON value out."""
    assert codec.dumps(mapped(entry)["x"]) == body


def test_omit_null_leaves_the_field_out() -> None:
    """For destinations that take null as an order to delete."""
    assert mapped('x = { path = "upc_code", omit_null = true }\ny = "yen"') == {"y": 32}


def test_a_dotted_target_builds_objects() -> None:
    """Entries with the same beginning share the object."""
    body = mapped('"price.net.amount" = "amount"\n"price.net.currency" = "currency"\n"price.list" = "yen"')

    assert body == {"price": {"net": {"amount": Decimal("32.85"), "currency": "USD"}, "list": 32}}


def test_a_constant_of_one_body_is_not_the_constant_of_the_next() -> None:
    """A body may be changed further on; the configuration stays as it is."""
    mapping = Mapping.compile({"x": {"value": {"list": []}}})

    mapping.apply({})["x"]["list"].append("mine")

    assert mapping.apply({}) == {"x": {"list": []}}


@pytest.mark.parametrize(
    ("config", "field", "remedy"),
    (
        ({"sku": "variant_key["}, "sku", 'the expression "variant_key[" is wrong: it ends too early'),
        ({"sku": "upper(variant_key)"}, "sku", "there is no function upper()"),
        ({"sku": "join(variant_key)"}, "sku", "join() takes 2 arguments, not 1"),
        ({"sku": 5}, "sku", "a constant is written as { value = … }"),
        ({"sku": {"pth": "x"}}, "sku", "does not know 'pth'; it knows path, value, cast"),
        ({"sku": {"cast": "string"}}, "sku", 'give path = "expression" or value = constant'),
        ({"sku": {"path": "a", "value": 1}}, "sku", 'give path = "expression" or value = constant'),
        ({"sku": {"value": 1, "cast": "string"}}, "sku", "a constant takes no other settings"),
        (
            {"sku": {"path": "a", "cast": "money"}},
            "sku",
            "there is no cast 'money'; there are decimal, string",
        ),
        ({"sku": {"path": "a", "required": "yes"}}, "sku", "required: Input should be a valid boolean"),
        ({"sku": {"path": "a", "required": True, "default": 1}}, "sku", "exclude each other: keep one"),
        ({"sku": {"value": float("nan")}}, "sku", "not finite"),
        ({"sku": {"value": 0.12345678901234567}}, "sku", "write it as a text and cast it"),
        ({"sku": {"value": b"x"}}, "sku", "must be plain JSON, not bytes"),
        (
            {"p": {"path": "a", "cast": "minor_units"}},
            "p",
            "currency goes with cast = minor_units or major_units",
        ),
        (
            {"p": {"path": "a", "currency": "USD"}},
            "p",
            "currency goes with cast = minor_units or major_units",
        ),
        ({"p": {"path": "a", "cast": "minor_units", "currency": "XAU"}}, "p", "XAU has no minor unit"),
        ({"p": {"path": "a", "cast": "minor_units", "currency": "a["}}, "p", "currency: the expression"),
        ({"d": {"path": "a", "cast": "date", "format": "%Q"}}, "d", "'Q' is a bad directive"),
        ({"d": {"path": "a", "cast": "date", "output": "%E"}}, "d", "output: 'E' is a bad directive"),
        ({"d": {"path": "a", "format": "%Y"}}, "d", "format and output go with cast = date or datetime"),
        ({"price": "a", "price.amount": "b"}, "price.amount", "makes an object of 'price'"),
        ({"a..b": "x"}, "a..b", "name 1 to 20 fields with a point between them"),
        ({"price": {"amount": "amount"}}, "price", "does not know 'amount'"),
    ),
)
def test_a_wrong_entry_is_refused_when_the_connection_is_saved(config: Any, field: str, remedy: str) -> None:
    """The error names the entry by its dotted path, and says what to do."""
    with pytest.raises(ConfigurationError) as caught:
        Mapping.compile(config)

    assert caught.value.field == f"destination.mapping.{field}"
    assert remedy in str(caught.value)


def test_a_mapping_that_is_no_table_is_refused() -> None:
    """A list says nothing about targets."""
    with pytest.raises(ConfigurationError) as caught:
        Mapping.compile(["sku"])  # type: ignore[arg-type]

    assert caught.value.field == "destination.mapping"


@pytest.mark.parametrize(
    ("entry", "error"),
    (
        (
            'x = { path = "variant_key", cast = "decimal" }',
            'x = variant_key: "1000035585-001-L2" is no number of at most 100 digits; send one such as 32.85',
        ),
        (
            'x = { path = "amount", cast = "minor_units", currency = "JPY" }',
            "x = amount: 32.85 has more than the 0 digits after the point that JPY has; round it at the source",
        ),
        (
            'x = { path = "amount", cast = "minor_units", currency = "upc_code" }',
            "x = amount: 32.85 has the currency null, which has no minor unit in ISO 4217; map a code such as USD",
        ),
        ('x = { path = "amount", cast = "integer" }', "x = amount: 32.85 is no whole number;"),
        (
            'x = { path = "amount", cast = "major_units", currency = "USD" }',
            "x = amount: 32.85 is no whole number;",
        ),
        ('x = { path = "variant_key", cast = "boolean" }', "is neither true nor false;"),
        ('x = { path = "@", cast = "string" }', "is no text, number or boolean;"),
        ('x = { path = "yen", cast = "date" }', "x = yen: 32 is no text; dates are read from texts"),
        (
            'x = { path = "german", cast = "date" }',
            'x = german: "27.04.2026" is no date in ISO 8601; say how',
        ),
        ('x = { path = "stamp", cast = "date", format = "%Y" }', "is not written as the format '%Y' says;"),
        ('x = { path = "upc_code", required = true }', "x = upc_code: found nothing in {"),
        ('x = "abs(variant_key)"', "x = abs(variant_key): abs() takes number, not string"),
    ),
)
def test_a_value_that_cannot_be_mapped_rejects_the_record(entry: str, error: str) -> None:
    """The error names target, expression and value, and says what to do."""
    with pytest.raises(RejectedError) as caught:
        mapped(entry)

    assert error in caught.value.errors[0]


def test_all_errors_of_a_record_come_at_once() -> None:
    """Nobody mends a record field by field."""
    with pytest.raises(RejectedError) as caught:
        mapped(
            'a = { path = "x", required = true }\nb = "abs(currency)"\nc = "amount"\n"d.e" = { path = "@", cast = "date" }'
        )

    assert [error.split(" = ")[0] for error in caught.value.errors] == ["a", "b", "d.e"]


def test_a_long_value_is_cut_in_the_error() -> None:
    """An error is a line, whatever the record holds."""
    with pytest.raises(RejectedError) as caught:
        mapped('x = { path = "text", cast = "decimal" }', {"text": "a" * 10_000})

    assert len(caught.value.errors[0]) < 250


@pytest.mark.parametrize(
    "value", ("", "1,000.00", "0x10", "1e400", "9" * 101, "NaN", "Infinity", "1_000", "٣", True, [1])
)
def test_what_is_no_plain_number_is_never_read_as_one(value: Any) -> None:
    """No guess, no rounding, and no number that fills the memory."""
    with pytest.raises(RejectedError):
        mapped('x = { path = "v", cast = "decimal" }', {"v": value})


def test_an_enormous_number_is_refused_before_it_is_written_out() -> None:
    """1e999999999 is twelve characters in a payload and a gigabyte as a text."""
    payload = {"v": Decimal("1e999999999")}

    for cast in ("string", "integer", "decimal"):
        with pytest.raises(RejectedError):
            mapped(f'x = {{ path = "v", cast = "{cast}" }}', payload)
