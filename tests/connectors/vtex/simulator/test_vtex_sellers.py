"""Change notifications, bindings and forbidden writes."""

from __future__ import annotations

import pytest

from tests.connectors.vtex.simulator.conftest import CHANGED, Serve

BINDING = "/api/sku-binding/pvt/skuseller/changenotification/seller"
TEXT = "Seller StockKeepingUnit `A-9` not found for this seller id `seller`"


@pytest.mark.parametrize(("status", "answered"), (("204", 204), ("200", 200)))
async def test_a_known_sku_is_answered_as_the_option_says(account: Serve, status: str, answered: int) -> None:
    """The SKU bindings API says 200 in any case."""
    async with account(changenotification_status=status) as vtex:
        await vtex.tell("bind", skus=["A-1"])
        classic = await vtex.ask("POST", f"{CHANGED}/A-1")
        binding = await vtex.ask("POST", f"{BINDING}/A-1")

    assert (classic.status_code, binding.status_code) == (answered, 200)
    assert classic.content == binding.content == b""


@pytest.mark.parametrize(
    ("not_found", "text", "kind"),
    (
        ("text", TEXT, "text/plain; charset=utf-8"),
        ("json", f'"{TEXT}"', "application/json; charset=utf-8"),
        ("empty", "", None),
        ("html", "<!DOCTYPE html>", "text/html"),
        ("other", "Account not found", "text/plain; charset=utf-8"),
    ),
)
@pytest.mark.parametrize("route", (CHANGED, BINDING))
async def test_an_unknown_sku_is_404_with_a_body_by_option(
    account: Serve, not_found: str, text: str, kind: str | None, route: str
) -> None:
    """The documented one, and what else may come."""
    async with account(not_found=not_found) as vtex:
        answer = await vtex.ask("POST", f"{route}/A-9")

    assert answer.status_code == 404
    assert answer.text.startswith(text)
    assert bool(answer.text) == bool(text)
    assert answer.headers.get("content-type") == kind


async def test_an_unknown_seller_is_404_with_another_text(account: Serve) -> None:
    """So that it is not taken for a new SKU."""
    async with account() as vtex:
        answer = await vtex.ask("POST", CHANGED.replace("/seller", "/stranger") + "/A-1")

    assert (answer.status_code, answer.text) == (404, "Seller `stranger` not found")


@pytest.mark.parametrize("api", ("catalog_system", "sku-binding"))
async def test_one_segment_is_the_marketplaces_own_id(account: Serve, api: str) -> None:
    """A seller's SKU id is not found there, digits or not."""
    async with account() as vtex:
        number = (await vtex.tell("bind", skus=["123"]))["bound"]["123"]
        route = f"/api/{api}/pvt/skuseller/changenotification"
        statuses = [
            (await vtex.ask("POST", f"{route}/{one}")).status_code
            for one in (number, 123, "A-1", "²", "9" * 30)
        ]
        details = await vtex.get(f"/api/{api}/pvt/skuseller/seller/123")
        missing = await vtex.ask("GET", f"/api/{api}/pvt/skuseller/seller/124")

    assert statuses == [200, 404, 404, 404, 404]
    assert (details["StockKeepingUnitId"], details["SellerStockKeepingUnitId"]) == (number, "123")
    assert details["IsActive"] is True
    assert details["RequestedUpdateDate"] is not None
    assert missing.status_code == 404


async def test_a_binding_can_be_removed_and_its_number_is_not_given_again(account: Serve) -> None:
    """By command; from then on the SKU is new."""
    async with account() as vtex:
        first = (await vtex.tell("bind", skus=["A-1"]))["bound"]["A-1"]
        gone = await vtex.tell("bind", skus=["A-1", "A-2"], removed=True)
        unknown = await vtex.ask("POST", f"{CHANGED}/A-1")
        second = (await vtex.tell("bind", skus=["A-3"]))["bound"]["A-3"]

    assert (gone, unknown.status_code, second) == ({"unbound": 1}, 404, first + 1)


@pytest.mark.parametrize(
    ("method", "path"),
    (
        ("POST", "product"),
        ("POST", "stockkeepingunit"),
        ("PUT", "product/5"),
        ("PUT", "stockkeepingunit/5"),
    ),
)
async def test_sellers_do_not_write_to_the_catalog(account: Serve, method: str, path: str) -> None:
    """403, and it is counted."""
    async with account() as vtex:
        answer = await vtex.ask(method, f"/api/catalog/pvt/{path}", {"Name": "Lamp"})
        summary = await vtex.summary()

    assert (answer.status_code, summary["direct_writes"]) == (403, 1)
