"""Objects of a bulk result are put together from its lines, in whatever order those come and however many are looked up at
once."""

from __future__ import annotations

import random
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify import spool as module
from connectors.shopify.spool import Spool
from hub import codec
from hub.records import JSON

#: Of each product the media of its variants.
PRODUCTS = st.lists(st.lists(st.integers(0, 2), max_size=4), max_size=12)


def lines_of(products: list[list[int]]) -> tuple[list[JSON], list[JSON]]:
    """The lines of products with variants with media, and the products as they are to be found."""
    lines: list[JSON] = []
    whole: list[JSON] = []
    for number, variants in enumerate(products):
        gid = f"gid://shopify/Product/{number}"
        lines.append({"__typename": "Product", "id": gid})
        whole.append({"id": gid, "variants": [], "media": [], "metafields": []})
        for place, media in enumerate(variants):
            below = f"gid://shopify/ProductVariant/{number}-{place}"
            pictures = [f"gid://shopify/MediaImage/{at}" for at in range(media)]
            lines.append({"__typename": "ProductVariant", "id": below, "__parentId": gid})
            lines += [{"__typename": "MediaImage", "id": one, "__parentId": below} for one in pictures]
            whole[-1]["variants"].append({"id": below, "media": [{"id": one} for one in pictures]})
    return lines, whole


@given(PRODUCTS, st.integers(1, 5), st.integers(1, 4), st.integers(1, 900), st.randoms(use_true_random=False))
def test_objects_are_found_whole_and_once(
    products: list[list[int]], most: int, together: int, most_bytes: int, dice: random.Random
) -> None:
    """Page by page, with all that hangs below them."""
    lines, whole = lines_of(products)
    roots = [one for one in lines if "__parentId" not in one]
    rest = [one for one in lines if "__parentId" in one]
    if dice.random() < 0.5:  # what hangs below is in order, and need not stand behind its object
        lines = dice.choice(([*roots, *rest], [*rest, *roots]))
    spool = Spool()
    spool.add([codec.dumps(one) for one in lines])
    spool.finish()

    found: list[JSON] = []
    after, more = 0, True
    with mock.patch.multiple(module, _TOGETHER=together):
        while more:
            page, after, more = spool.objects(after, most=most, most_bytes=most_bytes)
            assert len(page) <= most
            found += page
    spool.close()

    assert found == whole


def test_a_page_ends_behind_the_object_with_which_it_is_large_enough() -> None:
    """However many were looked up with it."""
    lines, whole = lines_of([[0]] * 5)
    spool = Spool()
    spool.add([codec.dumps(one) for one in lines])
    spool.finish()

    assert spool.objects(0, most=10, most_bytes=1) == (whole[:1], 1, True)
    assert spool.objects(1, most=2, most_bytes=10**6) == (whole[1:3], 5, True)
    assert spool.objects(5, most=10, most_bytes=10**6) == (whole[3:], 9, False)


def test_no_more_is_looked_up_than_a_page_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs below an object may be much, and stand anywhere: memory holds little of it, and none is read many times."""
    lines, whole = lines_of([[2] * 50] * 60)
    lines.sort(key=lambda one: "__parentId" in one)
    spool = Spool()
    spool.add([codec.dumps(one) for one in lines])
    spool.finish()
    below, read, page_bytes = Spool._below, list[int](), 60_000

    def noted(self: Spool, *given: Any) -> Any:
        found = below(self, *given)
        read.append(found[1])
        return found

    monkeypatch.setattr(Spool, "_below", noted)
    found: list[JSON] = []
    after, more = 0, True
    while more:
        page, after, more = spool.objects(after, most=500, most_bytes=page_bytes)
        found += page
    spool.close()

    assert found == whole
    assert max(read) < page_bytes + 200
    assert sum(read) < 3 * sum(len(codec.dumps(one)) for one in lines)
