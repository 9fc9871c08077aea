"""What becomes of a page of pending publishes: good records go on, whatever stands beside them."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.merchantops.mapping import parse_page
from connectors.merchantops.page import split_items
from connectors.merchantops.simulator_state import GUIDE_RECORD
from hub import codec
from hub.errors import BadPageError

GOOD = '{"record_key": "pr-good", "amount": 1.50}'


def page(*items: str) -> bytes:
    return ('{"target_key": "custom", "count": 9, "items": [' + ", ".join(items) + "]}").encode()


def test_the_record_of_the_guide_becomes_a_price_with_all_its_fields() -> None:
    """Every field that MerchantOps documents is in the payload, under its own name."""
    parsed = parse_page(page(json.dumps(GUIDE_RECORD)))

    (record,) = parsed.records
    assert record.stream == "price"
    assert record.key == "pr-a0861877922e"
    assert record.order_key == '["1000035585","1000035585-001-L2","map","USD"]'
    assert record.version == "2026-04-27"
    assert record.payload == {**GUIDE_RECORD, "amount": Decimal("32.85")}
    assert parsed.bad == []


def test_fields_that_nobody_documented_are_kept() -> None:
    """A mapping may use what MerchantOps adds tomorrow."""
    (record,) = parse_page(page('{"record_key": "a", "amount": 1, "tier": {"from": 10.250}}')).records

    assert record.payload["tier"] == {"from": Decimal("10.250")}


@pytest.mark.parametrize(
    ("body", "reason"),
    (
        (b"", "not JSON"),
        (b"<html>502</html>", "not JSON"),
        (b'{"items": [', "not JSON"),
        (b'{"items": [{"record_key": "a", "amount": 1}', "not JSON"),
        (b'{"items": [{"record_key": "a", "amount": NaN}', "not JSON"),
        (b'{"items": [NaN], "count": }', "not JSON"),
        (b'{"nested": {"items": [NaN]}}', "not JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"count": 0}', "no items"),
        (b'{"items": null}', "no list"),
        (b'{"items": {}}', "no list"),
        (b'{"items": ' + b"[" * 100_000, "not JSON"),
    ),
    ids=range(13),
)
def test_what_is_no_page_is_refused_whole(body: bytes, reason: str) -> None:
    """Nothing in it can be trusted, so all of it goes to quarantine."""
    with pytest.raises(BadPageError, match=reason) as refused:
        parse_page(body)

    assert refused.value.raw == body


@pytest.mark.parametrize(
    ("item", "reason"),
    (
        ('{"amount": 1}', "record_key: absent or null"),
        ('{"record_key": "", "amount": 1}', "record_key"),
        ('{"record_key": 12, "amount": 1}', "record_key: 12"),
        ('"pr-1"', "an item is a JSON object"),
        ("null", "an item is a JSON object"),
        ("[1]", "an item is a JSON object"),
        ('{"record_key": "b", "amount": NaN}', "amount: NaN"),
        ('{"record_key": "b", "amount": -Infinity}', "amount: -Infinity"),
        ('{"record_key": "b", "amount": 1, "upc_code": NaN}', "upc_code: NaN"),
        ('{"record_key": "b", "amount": 1, "tier": {"from": NaN}}', "not JSON"),
        ('{"record_key": "b", "amount": 1, "name": "\\ud800"}', "not JSON"),
        ('{"record_key": "b", "amount": 1, "name": "\\u0000"}', "NUL"),
        ('{"record_key": "b", "amount": 1, "name": tru}', "not JSON"),
        ('{"record_key": "b", "amount": 1,}', "not JSON"),
        ('{"record_key": "b", "amount": 1e99999999999999999999}', "out of range"),
        ('{"record_key": "b", "amount": 1, "effective_from": "soon"}', 'effective_from: "soon"'),
        ('{"record_key": "b", "amount": 1, "effective_from": 20260427}', "effective_from: 20260427"),
        ('{"record_key": "b", "amount": ' + "[" * 50_000 + "]" * 50_000 + "}", "not JSON"),
    ),
    ids=range(18),
)
def test_one_bad_item_fails_alone_with_its_raw_text_and_the_reason(item: str, reason: str) -> None:
    """Both neighbours are admitted as if it were not there."""
    parsed = parse_page(page(GOOD, item, '{"record_key": "pr-other", "amount": 2}'))

    (bad,) = parsed.bad
    assert [record.key for record in parsed.records] == ["pr-good", "pr-other"]
    assert reason in bad.reason
    assert bad.raw == item
    assert parsed.count == 3


def test_all_that_is_wrong_with_an_item_is_said_at_once() -> None:
    """So that it is mended once."""
    (bad,) = parse_page(page('{"record_key": "b", "amount": null, "effective_from": "soon"}')).bad

    assert "amount: absent or null" in bad.reason
    assert "effective_from" in bad.reason
    assert bad.key == "b"


def test_bytes_that_are_no_text_spoil_one_record_alone() -> None:
    """A single broken byte does not take the page with it."""
    parsed = parse_page(
        page(GOOD, '{"record_key": "b", "amount": 1, "product_name": "?"}').replace(b"?", b"\xff")
    )

    assert [record.key for record in parsed.records] == ["pr-good"]
    assert len(parsed.bad) == 1


def test_a_key_that_comes_twice_in_a_page_counts_once() -> None:
    """The page's own count still says how full it was."""
    parsed = parse_page(page(GOOD, GOOD, '{"record_key": "pr-other", "amount": 2}'))

    assert [record.key for record in parsed.records] == ["pr-good", "pr-other"]
    assert parsed.count == 3


def test_records_are_ordered_by_product_variant_price_type_and_currency_and_not_by_their_joined_text() -> (
    None
):
    """Parts that only look alike when they are joined are different prices; absent is not the empty text."""
    parts = [
        {"product_key": "a", "variant_key": "b|c"},
        {"product_key": "a|b", "variant_key": "c"},
        {"product_key": "a", "variant_key": ""},
        {"product_key": "a"},
        {"product_key": "a", "currency": "USD"},
        {"product_key": "a", "price_type": "USD"},
    ]
    items = [json.dumps({"record_key": f"r{i}", "amount": 1, **part}) for i, part in enumerate(parts)]

    assert len({record.order_key for record in parse_page(page(*items)).records}) == len(parts)


def test_a_record_that_names_no_product_is_replaced_by_no_other() -> None:
    """Two of them would share everything they are ordered by, and be nothing alike."""
    (record,) = parse_page(
        page('{"record_key": "a", "amount": 1, "price_type": "map", "currency": "USD"}')
    ).records

    assert record.order_key is None


@pytest.mark.parametrize(
    ("written", "version"),
    (
        ('"2026-04-27"', "2026-04-27"),
        ('"20260427"', "2026-04-27"),
        ('"2026-04-27T08:30:00Z"', "2026-04-27"),
        ("null", None),
        ('""', None),
    ),
)
def test_the_version_is_the_date_from_which_a_price_holds(written: str, version: str | None) -> None:
    """As an ISO date, so that versions compare as text; without one, order of arrival decides."""
    (record,) = parse_page(page(f'{{"record_key": "a", "amount": 1, "effective_from": {written}}}')).records

    assert record.version == version
    assert codec.dumps(record.payload["effective_from"]) == written.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=6), st.sampled_from(["", "NaN", '{"a": Infinity}', '"\\ud800"']))
def test_items_are_split_as_json_would_split_them(values: list[object], broken: str) -> None:
    """Brackets, quotes and commas within texts split nothing, in a page that is JSON and in one that is not quite."""
    items = [json.dumps(value) for value in values]
    at = len(items) // 2
    spoiled = [*items[:at], *([broken] if broken else []), *items[at:]]
    before = json.dumps({"note": 'of "items": [1, 2]', "nested": {"items": [1]}})[:-1]

    split = split_items(f'{before}, "items" : [{" , ".join(spoiled)} ], "count": 3}}'.encode())

    assert [text.decode().strip() for text in split] == spoiled


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:items\\NaN0 ', max_size=60).map(str.encode))
def test_no_page_whatsoever_raises_anything_but_a_bad_page(body: bytes) -> None:
    """Whatever a proxy, a bug or an attacker puts there."""
    for text in (
        body,
        b'{"items": [' + body + b"]}",
        b'{"items": [{"record_key": "a", "amount": ' + body + b"}]}",
    ):
        with suppress(BadPageError):
            parsed = parse_page(text)
            assert len(parsed.records) + len(parsed.bad) <= parsed.count


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_good_records_come_through_in_order_wherever_the_bad_ones_stand(
    order: list[int], bad: set[int]
) -> None:
    """Each record is judged by itself."""
    items = [f'{{"record_key": "r{i}", "amount": {"NaN" if i in bad else i}}}' for i in order]
    parsed = parse_page(page(*items))

    assert [record.key for record in parsed.records] == [f"r{i}" for i in order if i not in bad]
    assert [record.key for record in parsed.bad] == [f"r{i}" for i in order if i in bad]
