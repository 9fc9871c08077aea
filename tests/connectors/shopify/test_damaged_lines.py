"""A line of a bulk result that cannot be read costs the object that it is of, and not the import."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.shopify.bulk import BulkOperations
from connectors.shopify.spool import Spool
from tests.connectors.shopify.conftest import NAME, Serve, counts

SHIRT, HAT = (b'{"id":"gid://shopify/Product/%d","__typename":"Product","title":"x"}' % n for n in (1, 2))
VARIANT = (
    b'{"id":"gid://shopify/ProductVariant/%d","__typename":"ProductVariant","__parentId":"%s","title":"%s"}'
)


def spooled(*lines: bytes) -> Spool:
    """A whole result of these lines."""
    spool = Spool()
    spool.add(lines)
    spool.finish()
    return spool


@pytest.mark.parametrize("text", (b"\xff", b"\xc3", rb"\ud800", rb"\ud800x", b"\xed\xa0\x80"))
@pytest.mark.parametrize("of", ("root", "child"))
def test_an_object_with_a_line_that_cannot_be_read_is_left_out(text: bytes, of: str) -> None:
    """Without a variant it would say that the variant is gone."""
    damaged = SHIRT.replace(b'"x"', b'"%s"' % text) if of == "root" else SHIRT
    line = VARIANT % (1, b"gid://shopify/Product/1", text if of == "child" else b"y")
    spool = spooled(damaged, HAT, line, VARIANT % (2, b"gid://shopify/Product/2", b"z"))

    found, last, more = spool.objects(0, most=10, most_bytes=10**6)

    assert [(one["id"], len(one["variants"])) for one in found] == [("gid://shopify/Product/2", 1)]
    assert (last, more) == (2, False)
    assert len(spool.bad) == 1


@pytest.mark.parametrize("field", (b'"id":"', b'"title":"'))
def test_a_line_that_is_no_utf_8_is_bad_wherever_that_is(field: bytes) -> None:
    """In its id as well; what it hangs below is not whole."""
    line = VARIANT % (1, b"gid://shopify/Product/1", b"y")
    spool = spooled(SHIRT, line.replace(field, field + b"\xff"), HAT)

    found, _, _ = spool.objects(0, most=10, most_bytes=10**6)

    assert [one["id"] for one in found] == ["gid://shopify/Product/2"]
    assert len(spool.bad) == 1


async def test_an_import_with_such_a_line_ends_and_deletes_nothing(
    importing: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is reported, and the pass not complete."""
    options = {"pages_up_to": 0, "resources": ["products"]}
    take_in = BulkOperations._take_in

    async def damaged(self: Any, text: bytearray, spool: Spool) -> bytearray:
        first, _, rest = bytes(text).partition(b"\n")
        return await take_in(
            self, bytearray(first.replace(b'"title":"', b'"title":"\xff', 1) + b"\n" + rest), spool
        )

    async with importing(options, products=5) as shop:
        await shop.run()
        monkeypatch.setattr(BulkOperations, "_take_in", damaged)
        report = await shop.run()
        there = await shop.catalog("product")
        quarantined = shop.hub._query("quarantine", NAME)

    assert len(there) == 5
    products = report["resources"]["products"]
    assert (products["complete"], products["gone"], products["bad"]) == (False, 0, 1)
    assert "damaged result" in products["warnings"]
    assert [row["stream"] for row in quarantined] == ["products"]
    assert counts(report)["products"][0] == 4
