"""A shop comes in, again and again, without a duplicate."""

from __future__ import annotations

import pytest

from hub.catalog import parse
from hub.store import connections
from hub.store.catalog.writer import StoredCatalogWriter
from tests.connectors.shopify.conftest import Serve, counts

PAGES = {"pages_up_to": 1_000_000}
BULK = {"pages_up_to": 0}


@pytest.mark.parametrize("settings", (PAGES, BULK))
async def test_a_rerun_of_an_unchanged_shop_changes_nothing(
    importing: Serve, settings: dict[str, int]
) -> None:
    """Whichever way it is read."""
    async with importing(settings, products=30, locations=4, collections=6, customers=20) as shop:
        first = await shop.run()
        again = await shop.run()

    was, now = counts(first), counts(again)
    assert [one[0] for one in was.values()] == [one[1] for one in was.values()]
    assert all(one[0] == one[3] for one in now.values()), now
    assert was["products"][0] == 30


@pytest.mark.parametrize("settings", (PAGES, BULK))
async def test_a_rerun_counts_exactly_what_was_changed(importing: Serve, settings: dict[str, int]) -> None:
    """Changed, deleted and new products; what only has a new time is unchanged."""
    async with importing(settings, products=40, locations=3, customers=10) as shop:
        await shop.run()
        shop.tell("change", resource="products", count=12, webhooks=False)
        shop.tell("delete", resource="products", count=4, webhooks=False)
        shop.tell("add", resource="products", count=3, webhooks=False)
        now = counts(await shop.run())
        last = counts(await shop.run())

    assert now["products"] == [39, 3, 12, 24, 4, 0]
    assert now["customers"] == [10, 0, 0, 10, 0, 0]
    assert last["products"] == [39, 0, 0, 39, 0, 0]
    assert all(one[0] == one[3] for one in last.values()), last


async def test_pages_and_bulk_operations_give_the_same_catalog(importing: Serve) -> None:
    """So that a shop may grow, and an incremental pass follow a full one, without a false change."""
    options = {"products": 30, "largest": 60, "locations": 4, "collections": 6, "customers": 20, "media": 3}
    async with importing(PAGES, **options) as shop:
        await shop.connect(name="bulk", tenant="other", **BULK)
        await shop.run()
        await shop.run("bulk")
        kinds = ("location", "category", "product", "stock", "customer")
        by_pages = [await shop.catalog(kind) for kind in kinds]
        by_bulk = [await shop.catalog(kind, "bulk") for kind in kinds]

    assert by_pages == by_bulk
    assert all(by_pages)


async def test_an_incremental_pass_reads_what_was_updated(importing: Serve) -> None:
    """By pages, and with the same content as a full pass."""
    async with importing({"overlap_seconds": 0}, products=20, customers=6) as shop:
        await shop.run()
        shop.tell("clock", advance=3600)
        shop.tell("change", resource="products", count=5, webhooks=False)
        changed = await shop.run(full=False)
        again = counts(await shop.run())

    assert changed["kind"] == "incremental"
    assert counts(changed)["products"][1:4] == [0, 5, 0]
    assert all(one[0] == one[3] for one in again.values()), again


async def test_a_plan_says_what_an_import_then_does(importing: Serve) -> None:
    """Nothing is written, and equal states give equal hashes."""
    async with importing(PAGES, products=20, customers=6, protected="email") as shop:
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection("shop").id)).connector
        before = await connector.plan()
        same = await connector.plan()
        assert shop.hub.rows("shop") == []
        did = counts(await shop.run())
        nothing = await connector.plan()
        shop.tell("change", resource="products", count=5, webhooks=False)
        shop.tell("delete", resource="customers", count=2, webhooks=False)
        changes = await connector.plan()

    assert before.hash == same.hash != nothing.hash != changes.hash
    assert before.counts["products.created"] == did["products"][1] == 20
    assert {name: n for name, n in nothing.counts.items() if n and not name.endswith("unchanged")} == {}
    assert changes.counts["products.changed"] == 5
    assert changes.counts["customers.gone"] == 2
    assert any("email" in warning for warning in before.warnings)


async def test_what_a_webhook_brings_while_a_shop_is_read_is_not_gone(importing: Serve) -> None:
    """A bulk operation shows the shop as it was when it began."""
    async with importing(BULK, products=5, customers=0) as shop:
        await shop.run()
        connections.rewind(shop.hub.db, "shop", full_pass=True)
        for _ in range(20):
            await shop.hub.poll("shop")
            if shop.cursor()["pass"]["ops"]:
                break
        assert shop.cursor()["pass"]["left"][-1] == "customers"
        new = "gid://shopify/Product/999999999"
        me = shop.hub.connection("shop")
        with shop.hub.db.transaction() as tx:
            writer = StoredCatalogWriter(db=shop.hub.db, tx=tx, tenant_id=me.tenant_id, connection_id=me.id)
            writer.write([parse({"kind": "product", "key": new})])
        await shop.polls()

        assert new in await shop.catalog("product")
        assert (await shop.report())["resources"]["products"]["gone"] == 0
