"""The next bulk result is fetched while one is taken in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.shopify import bulk
from connectors.shopify.spool import Spool
from hub.loop import imports
from hub.records import Page, PollRequest
from hub.store import connections
from hub.testing.faults import Faults
from tests.connectors.shopify.conftest import NAME, Import, Serve, counts

#: Products are taken in in two steps, and stock behind them.
TWO = {"pages_up_to": 0, "resources": ["products", "stock"]}
SHOP = {"products": 510, "variants": 1, "media": 0, "locations": 1}


async def until_started(shop: Import) -> dict[str, str]:
    """Up to where the results are written and none has been fetched; the files that they are in."""
    connections.rewind(shop.hub.db, NAME, full_pass=True)
    while not shop.counters["bulk_operations"]:
        await shop.hub.poll(NAME)
    platform = shop.shop.platform.bulk
    await platform.idle()
    return {
        name: platform._operations[one["id"]].file_name for name, one in shop.cursor()["pass"]["ops"].items()
    }


async def until_products_are_taken_in(shop: Import) -> Any:
    """Up to where some are and others are not; what is fetched meanwhile."""
    for _ in range(2000):
        if shop.cursor()["pass"]["after"]:
            break
        await shop.hub.poll(NAME)
    assert shop.cursor()["pass"]["left"] == ["products", "stock"]
    connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
    return connector._bulk


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> dict[Spool, bool]:
    """All that were made, and whether they are still there."""
    there: dict[Spool, bool] = {}

    class Noted(Spool):
        def __init__(self) -> None:
            super().__init__()
            there[self] = True

        def close(self) -> None:
            super().close()
            there[self] = False

    monkeypatch.setattr(bulk, "Spool", Noted)
    return there


async def test_stock_is_fetched_while_products_are_taken_in(importing: Serve) -> None:
    """And not again when its turn comes."""
    async with importing(TWO, **SHOP) as shop:
        await until_started(shop)
        fetched = await until_products_are_taken_in(shop)
        await asyncio.gather(*fetched._fetching.values())
        ahead = shop.counters["bulk_downloads"]
        await shop.polls()
        report = counts(await shop.report())

    assert ahead == shop.counters["bulk_downloads"] == 2
    assert [report[name][0] for name in ("products", "stock")] == [510, 510]


async def test_the_next_part_of_a_result_may_be_asked_for_in_advance_and_again(importing: Serve) -> None:
    """It is the same one, the shop is asked for nothing, and what is gone is still known in the end."""
    async with importing(TWO, **SHOP) as shop:
        await until_started(shop)
        await until_products_are_taken_in(shop)
        connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        await asyncio.gather(*connector._bulk._fetching.values())
        request, before = PollRequest(cursor=shop.cursor()), dict(shop.counters)
        pages = [await connector.poll(request) for _ in range(2)]
        assert shop.counters == before
        await shop.polls()
        report = counts(await shop.report())

    assert pages[0] == pages[1]
    assert [record.stream for record in pages[0].records] == ["products"] * 10 + ["stock"] * 500
    assert [report[name][0] for name in ("products", "stock")] == [510, 510]


async def test_only_within_a_result_may_the_next_part_be_asked_for_in_advance(importing: Serve) -> None:
    """Anything else may ask the shop, or begin something there."""
    async with importing(TWO, **SHOP) as shop:
        connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        connections.rewind(shop.hub.db, NAME, full_pass=True)
        poll, reads_on = connector.poll, list[tuple[str, bool]]()

        async def noted(request: PollRequest) -> Page:
            page: Page = await poll(request)
            if page.records:
                reads_on.append((page.records[-1].stream, page.read_on))
            else:
                assert not page.read_on
            return page

        connector.poll = noted
        await shop.polls()

    assert reads_on == [("products", True), ("stock", True), ("stock", False)]


@pytest.mark.parametrize("status", (404, 410))
async def test_a_result_that_is_not_there_ahead_is_made_again_when_its_turn_comes(
    importing: Serve, status: int
) -> None:
    """It is asked for once until then, and what is being taken in is not disturbed."""
    async with importing(TWO, **SHOP) as shop:
        files = await until_started(shop)
        app = shop.shop.app.faults
        app.set([Faults(error=1.0, error_status=status, match=files["stock"])])
        fetched = await until_products_are_taken_in(shop)
        await asyncio.wait(fetched._fetching.values())
        products = shop.cursor()["pass"]
        await shop.polls()
        resources = (await shop.report())["resources"]

    assert app.injected == {"error": 1}
    assert {name: one["tries"] for name, one in products["ops"].items()} == {"products": 0, "stock": 0}
    assert shop.counters["bulk_operations"] == 3
    assert all(one["complete"] for one in resources.values()), resources
    assert [resources[name]["read"] for name in ("products", "stock")] == [510, 510]


async def test_a_cancelled_import_leaves_no_result_behind(
    importing: Serve, spools: dict[Spool, bool]
) -> None:
    """Neither what was being taken in, nor what is on its way: that is not fetched to its end."""
    async with importing(TWO, **SHOP) as shop:
        files = await until_started(shop)
        shop.shop.app.faults.set([Faults(stall=1.0, match=files["stock"])])
        fetched = await until_products_are_taken_in(shop)
        [on_its_way] = fetched._fetching.values()
        made = len(spools)
        await imports.cancel(shop.hub.runtime, NAME)
        await shop.hub.poll(NAME)
        await asyncio.wait({on_its_way}, timeout=10)

    assert made == 2
    assert on_its_way.cancelled()
    assert not any(spools.values())


async def test_what_came_ahead_of_a_cancelled_import_is_let_go(
    importing: Serve, spools: dict[Spool, bool]
) -> None:
    """Though nobody has asked for it."""
    async with importing(TWO, **SHOP) as shop:
        await until_started(shop)
        fetched = await until_products_are_taken_in(shop)
        await asyncio.gather(*fetched._fetching.values())
        await imports.cancel(shop.hub.runtime, NAME)
        await shop.hub.poll(NAME)

        assert list(spools.values()) == [False, False]
        assert not fetched._fetching
