"""The mapping as VTEX Mapper may post it, whose shape nobody documents."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.category_payload import OURS, THEIRS, UnreadMappingError, read
from hub import codec

PAIRS = {"1": "A", "22": "B-7"}


def pairs(document: Any) -> Any:
    return read(codec.dumps(document)).pairs


@pytest.mark.parametrize(
    "document",
    (
        {
            "mappings": [
                {"categoryId": 1, "marketplaceCategoryId": "A"},
                {"categoryId": "22", "marketplaceCategoryId": "B-7"},
            ]
        },
        [
            {"VtexCategoryId": "1", "MarketplaceCategoryId": "A"},
            {"vtex_category_id": 22, "marketplace_category_id": "B-7"},
        ],
        {"1": "A", "22": "B-7"},
        {"an": "shop", "connectorId": "x-y", "mapping": {"1": {"id": "A"}, "22": {"id": "B-7", "name": "B"}}},
        [
            {"category": {"id": 1, "name": "Home"}, "marketplaceCategory": {"id": "A"}},
            {"from": 22, "to": "B-7"},
        ],
        {
            "categories": [
                {
                    "id": 1,
                    "name": "Home",
                    "mappedCategoryId": "A",
                    "children": [{"id": "22", "mappedCategoryId": "B-7", "children": []}],
                }
            ]
        },
        {
            "data": {
                "items": [
                    {"source": {"categoryId": 1}, "target": {"categoryId": "A"}},
                    {"vtexId": 22, "externalId": "B-7"},
                ]
            }
        },
        [[{"categoryId": 1, "marketplaceCategoryId": "old"}], {"1": "A", "22": "B-7"}],
    ),
)
def test_a_mapping_is_found_in_many_shapes(document: Any) -> None:
    """Lists and objects, nested, spelt in many ways; the last one counts."""
    assert pairs(document) == PAIRS


def test_null_ends_a_mapping() -> None:
    """And numbers are ids, too."""
    assert pairs(
        [{"categoryId": 1, "marketplaceCategoryId": None}, {"categoryId": 2, "marketplaceCategoryId": 7}]
    ) == {
        "1": None,
        "2": "7",
    }
    assert pairs({"mappings": []}) == pairs([]) == {}


def test_half_a_pair_is_counted() -> None:
    """What is whole beside it is taken."""
    found = read(
        codec.dumps([{"categoryId": 1, "marketplaceCategoryId": "A"}, {"marketplaceCategoryId": "B"}])
    )

    assert (found.pairs, found.unread) == ({"1": "A"}, 1)


@pytest.mark.parametrize(
    "body",
    (
        b"",
        b"{",
        b"{}",
        b"null",
        b'"text"',
        b'{"categoryId": 1}',
        b'[{"categoryId": "shoes", "marketplaceCategoryId": "A"}]',
        b'[{"categoryId": 1, "marketplaceCategoryId": true}]',
        b'[{"categoryId": true, "marketplaceCategoryId": "A"}]',
        b'{"mappings": [{"anything": 1}]}',
        b"[" * 100_000,
        codec.dumps([{"categoryId": 1, "marketplaceCategoryId": "x" * 300}]),
    ),
)
def test_what_is_no_mapping_is_refused(body: bytes) -> None:
    """Naming what was expected."""
    with pytest.raises(UnreadMappingError, match="expected is a mapping"):
        read(body)


def test_more_pairs_than_any_shop_has_are_refused() -> None:
    """Before they fill the memory."""
    with pytest.raises(UnreadMappingError, match="more than 100000 pairs"):
        read(codec.dumps({str(number): "A" for number in range(1, 100_002)}))


SPELT = st.sampled_from([str.upper, str.title, str])


@given(
    st.dictionaries(
        st.integers(1, 10**12).map(str),
        st.text(string.ascii_letters + string.digits + "-_/", min_size=1, max_size=20),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(OURS),
    st.sampled_from(THEIRS),
    SPELT,
    st.integers(0, 5),
)
def test_pairs_are_found_under_every_name_at_any_depth(
    told: dict[str, str], ours: str, theirs: str, spelt: Any, depth: int
) -> None:
    """As they were told."""
    document: Any = [{spelt(ours): one, spelt(theirs): other} for one, other in told.items()]
    for level in range(depth):
        document = {"data": document} if level % 2 else [document, {"n": level}]

    assert pairs(document) == told


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "1", "to", "from", "categoryId", "x"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    )
)
def test_any_document_is_read_or_refused(document: Any) -> None:
    """With the one error; what is read has ids alone."""
    try:
        found = read(codec.dumps(document))
    except UnreadMappingError:
        return

    assert all(one.isdigit() for one in found.pairs)
    assert all(other is None or other for other in found.pairs.values())


@given(st.binary(max_size=60))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Whatever it is."""
    try:
        read(body)
    except UnreadMappingError:
        return
