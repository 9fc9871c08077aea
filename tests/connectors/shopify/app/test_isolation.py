"""Two tenants with one shop, and one tenant with two: nothing of one is seen by the other."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from hub import registry
from hub.cli.app import app
from hub.loop.disconnect import disconnect
from hub.records import Record
from tests.connectors.shopify.app.shops import OTHER, SECRET, SHOP, Shop, Shops
from tests.web.driver import FERNET_KEY

Command = Callable[..., Any]


def goods(shop: str, number: int) -> list[Record]:
    """A product and a customer that name their shop."""
    product, person = f"gid://shopify/Product/{number}", f"gid://shopify/Customer/{number}"
    return [
        Record(stream="products", key=product, payload={"kind": "product", "key": product, "brand": shop}),
        Record(
            stream="customers",
            key=person,
            payload={"kind": "customer", "key": person, "email": f"{shop}@example.com"},
        ),
    ]


@pytest.fixture
def own_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_logging: None) -> Command:
    """Runs ``hub …`` on the same store, and gives its document."""
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE_URL", database_url)
    monkeypatch.setenv("HUB_SECRET_KEYS", FERNET_KEY)
    loaded = registry.load()
    known = replace(loaded, connectors={**loaded.connectors, "shopify": Shop})
    monkeypatch.setattr(registry, "load", lambda: known)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        assert SECRET not in result.output
        assert "shpat_" not in result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
async def two(shops: Shops) -> Shops:
    """Alpha and Omega hold one shop, each with goods of their own."""
    north = await shops.connect("alpha-shop", tenant="alpha", token="shpat_alpha")
    south = await shops.connect("omega-shop", tenant="omega", token="shpat_omega")
    await shops.bring(north, *goods("alpha", 1))
    await shops.bring(south, *goods("omega", 2))
    return shops


async def test_commands_show_a_tenant_nothing_of_the_other(two: Shops, command: Command) -> None:
    """Whatever they are asked about one connection or one tenant."""
    for mine, theirs in (("alpha", "omega"), ("omega", "alpha")):
        name = f"{mine}-shop"
        shown = [
            command("connection", "list", "--tenant", mine),
            command("connection", "show", name),
            command("connection", "history", name),
            command("records", "list", name),
            command("runs", "list", name),
            command("quarantine", "list", name),
            command("catalog", "products", "list", "--tenant", mine),
            command("catalog", "customers", "list", "--tenant", mine),
            command(
                "tenant",
                "held",
                mine,
                "--person",
                "gid://shopify/Customer/1",
                "--person",
                "gid://shopify/Customer/2",
            ),
        ]
        text = json.dumps(shown)
        assert mine in text
        assert theirs not in text


async def test_a_disconnect_leaves_the_other_tenant_connected(two: Shops) -> None:
    """With its credentials, records and catalog as they were."""
    before = await snapshot(two, "omega-shop")

    await disconnect(two.runtime, (await two.connection("alpha-shop")).id)

    assert await snapshot(two, "omega-shop") == before
    assert (await two.connection("alpha-shop")).state == "inactive"


async def test_a_webhook_of_one_shop_reaches_one_of_a_tenants_two(shops: Shops) -> None:
    """Their goods stand in one catalog, and still each shop speaks for its own connection."""
    first = await shops.connect("first", tenant="north")
    second = await shops.connect("second", tenant="north", shop=OTHER)

    await shops.send("products/update", {"id": 1})
    await shops.send("products/delete", {"id": 2}, shop=OTHER)
    await shops.send("app/uninstalled", {"myshopify_domain": OTHER}, shop=OTHER)
    await shops.settled()

    assert [key for key, _ in await shops.records(first)] == ["gid://shopify/Product/1"]
    assert [key for key, _ in await shops.records(second)] == ["gid://shopify/Product/2"]
    assert (await shops.connection("first")).state == "live"
    assert (await shops.connection("second")).state == "inactive"


async def test_the_shop_that_has_to_go_takes_nothing_of_the_tenants_other_one(shops: Shops) -> None:
    """Each customer belongs to whoever gave it."""
    first = await shops.connect("first", tenant="north")
    second = await shops.connect("second", tenant="north", shop=OTHER)
    await shops.bring(first, *goods("first", 1))
    await shops.bring(second, *goods("second", 2))

    await shops.send("shop/redact", {"shop_domain": SHOP})
    await shops.settled()

    customers = {row["key"]: row["gone_at"] is not None for row in await shops.table("catalog_customer")}
    assert customers == {"gid://shopify/Customer/1": True, "gid://shopify/Customer/2": False}
    assert [payload != {} for _, payload in await shops.records(second)] == [True, True]


async def test_a_tenants_erasure_touches_nobody_else(two: Shops, command: Command) -> None:
    """All of it is gone but a line of history."""
    before = await snapshot(two, "omega-shop")

    command("tenant", "erase", "alpha", "--everything", "--yes")

    assert await snapshot(two, "omega-shop") == before
    for name in ("connection", "record", "catalog_customer", "catalog_product", "app_hold"):
        assert {row["tenant_id"] for row in await two.table(name)} == {2}
    [line] = [row for row in await two.table("history") if row["tenant_id"] == 1]
    assert line["what"] == "tenant erased"


async def test_an_answer_does_not_tell_who_holds_a_shop(two: Shops) -> None:
    """Held by two, by nobody: the same status, body and headers."""
    held = await two.send("products/update", {"id": 5})
    nobodys = await two.send("products/update", {"id": 5}, shop=OTHER)

    def plain(answer: Any) -> Any:
        return answer.status_code, answer.content, sorted(set(answer.headers) - {"date"})

    assert plain(held) == plain(nobodys)


async def snapshot(shops: Shops, name: str) -> Any:
    """All that a tenant has, row by row."""
    stored = await shops.connection(name)
    tables = (
        "connection",
        "record",
        "schedule",
        "history",
        "catalog_product",
        "catalog_customer",
        "app_hold",
    )
    return {
        table: [row for row in await shops.table(table) if row["tenant_id"] == stored.tenant_id]
        for table in tables
    }


async def test_an_app_stays_installed_while_others_use_it(two: Shops) -> None:
    """To uninstall it would take the other tenant's access away; the last one does."""
    Shop.voided.clear()
    alpha, omega = await two.connection("alpha-shop"), await two.connection("omega-shop")

    first = await disconnect(two.runtime, alpha.id)
    assert first is not None
    assert (first.revoked, Shop.voided) == (None, [])
    assert "omega" not in (first.warning or "")

    second = await disconnect(two.runtime, omega.id)
    assert second is not None
    assert (second.revoked, Shop.voided) == (True, ["shpat_omega"])
