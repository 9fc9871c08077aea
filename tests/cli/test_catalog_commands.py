"""`hub catalog`: what there is of a tenant's goods, by key, whole, and counted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.store.database import Database
from tests.catalog.shelf import Shelf
from tests.cli.conftest import Hub

SHOE = {
    "kind": "product",
    "key": "shoe",
    "brand": "Nike",
    "categories": ["shoes"],
    "translations": [{"language": "nl"}, {"language": "en", "name": "Air Force"}],
    "variants": [
        {
            "key": "shoe-1",
            "sku": "661595-01",
            "prices": [{"currency": "USD", "amount": "39.90"}],
            "stock": [{"on_hand": 2, "threshold": 2}],
        }
    ],
}


@pytest.fixture
def shelf(sqlite_url: str) -> Iterator[Shelf]:
    """The catalog of ``acme`` in the hub's own store: one product."""
    db = Database(sqlite_url)
    shelf = Shelf(db, "acme", "shop", "erp")
    shelf.write("shop", SHOE)
    yield shelf
    db.close()


@pytest.fixture
def docs_example() -> str:
    """The destination that the page shows, as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "destinations.md").read_text(encoding="utf-8")
    examples: list[str] = re.findall(r"```toml\n(.*?)```", page.split("\n## catalog\n")[1], re.DOTALL)
    return examples[0]


@pytest.fixture
def rival(shelf: Shelf) -> Shelf:
    """Another tenant, with a secret of its own under every kind."""
    rival = Shelf(shelf.db, "globex", "rival")
    rival.write(
        "rival",
        {**SHOE, "brand": "classified", "extra": {"note": "classified"}},
        {"kind": "category", "key": "classified"},
        {"kind": "location", "key": "classified"},
        {"kind": "customer", "key": "classified"},
        {"kind": "price", "variant": "classified", "currency": "USD", "amount": 1},
        {"kind": "stock", "variant": "classified", "on_hand": 0},
    )
    return rival


def test_products_are_listed_with_a_name(hub: Hub, shelf: Shelf) -> None:
    """In the first language that has one; the only tenant need not be named."""
    (row,) = hub.json("catalog", "products", "list")

    assert row["changed_at"].endswith("Z")
    assert {name: row[name] for name in row if name != "changed_at"} == {
        "key": "shoe",
        "name": "Air Force",
        "brand": "Nike",
        "status": None,
        "enabled": None,
        "variants": 1,
        "gone_at": None,
    }
    assert "Air Force" in hub.ok("catalog", "products", "list", "--tenant", "acme")


def test_filters_narrow_a_list_down(hub: Hub, shelf: Shelf) -> None:
    """Each list has its own."""
    shelf.write("shop", {"kind": "stock", "variant": "shoe-1", "location": "berlin", "on_hand": 9})

    def found(*arguments: str) -> int:
        return len(hub.json("catalog", *arguments))

    assert (found("products", "list", "--sku", "661595-01"), found("products", "list", "--sku", "1")) == (
        1,
        0,
    )
    assert found("products", "list", "--category", "shoes") == 1
    assert found("stock", "list", "--variant", "shoe-1") == 2
    assert found("stock", "list", "--location", "berlin") == 1
    assert [row["out_of_stock"] for row in hub.json("catalog", "stock", "list", "--out-of-stock")] == [True]
    assert found("prices", "list", "--variant", "shoe-1", "--currency", "USD") == 1
    assert found("prices", "list", "--currency", "EUR") == 0
    assert found("prices", "list", "--currency", "usd") == found("prices", "list", "--currency", "USD") == 1
    assert hub.refused("catalog", "prices", "list", "--currency", "euro").startswith(
        '--currency: "euro" is no ISO 4217 currency; use a code such as USD'
    )


def test_a_list_is_read_page_by_page(hub: Hub, shelf: Shelf) -> None:
    """People are told where the next one begins."""
    shelf.write("shop", *({"kind": "category", "key": f"it's {number}"} for number in range(3)))
    first = hub.json("catalog", "categories", "list", "--limit", "2")
    rest = hub.json("catalog", "categories", "list", "--limit", "2", "--after", first[-1]["key"])

    assert [row["key"] for row in [*first, *rest]] == ["it's 0", "it's 1", "it's 2"]
    assert """--after 'it'"'"'s 1'""" in hub.ok("catalog", "categories", "list", "--limit", "2")
    assert "--after" not in hub.ok("catalog", "categories", "list", "--limit", "3")


def test_what_was_deleted_is_listed_on_request_and_shown(hub: Hub, shelf: Shelf) -> None:
    """With when."""
    shelf.write("erp", {"kind": "product", "key": "shoe", "operation": "delete"})

    assert hub.json("catalog", "products", "list") == []
    (row,) = hub.json("catalog", "products", "list", "--gone")
    found = hub.json("catalog", "products", "show", "shoe")
    assert row["gone_at"] == found["gone_at"] == found["changed_at"]
    assert (found["changed_by"], found["document"]["brand"]) == ("erp", "Nike")


def test_a_product_is_shown_whole(hub: Hub, shelf: Shelf) -> None:
    """Variants, prices with all their digits, stock, sources, and the categories that are missing."""
    found = hub.json("catalog", "products", "show", "shoe")
    text = hub.ok("catalog", "products", "show", "shoe")

    assert found["document"]["variants"][0]["prices"][0]["amount"] == 39.9
    assert [source["connection"] for source in found["sources"]] == ["shop"]
    assert found["sources"][0]["at"] == found["changed_at"]
    assert found["unresolved_categories"] == ["shoes"]
    for part in ("39.90", "661595-01", "shoes (nobody knows them yet)", "where it came from", "shop"):
        assert part in text


@pytest.mark.parametrize(
    ("group", "key"),
    (
        ("prices", '["shoe-1","sale","USD",null]'),
        ("stock", '["shoe-1","default"]'),
        ("categories", "shoes"),
        ("locations", "berlin"),
        ("customers", "7"),
    ),
)
def test_every_kind_is_shown_by_the_key_that_its_list_has(
    hub: Hub, shelf: Shelf, group: str, key: str
) -> None:
    """As JSON and for people."""
    shelf.write(
        "shop",
        {"kind": "category", "key": "shoes"},
        {"kind": "location", "key": "berlin", "name": "Berlin"},
        {"kind": "customer", "key": "7", "email": "a@example.com"},
    )

    assert key in [row["key"] for row in hub.json("catalog", group, "list")]
    assert hub.json("catalog", group, "show", key)["key"] == key
    assert "where it came from" in hub.ok("catalog", group, "show", key)


def test_an_unknown_key_is_refused(hub: Hub, shelf: Shelf) -> None:
    """With what was asked for."""
    refusal = hub.refused("catalog", "products", "show", "shoes")

    assert refusal.startswith('"shoes" is none of the products of this tenant')
    assert "hub catalog products list" in refusal


def test_a_hub_with_several_tenants_has_to_be_told_which(hub: Hub, rival: Shelf) -> None:
    """It guesses none; an unknown one is refused."""
    assert hub.refused("catalog", "products", "list").startswith("--tenant: this hub has several tenants")
    assert hub.refused("catalog", "products", "show", "shoe").startswith("--tenant: ")
    assert "no tenant 'initech'" in hub.refused("catalog", "stats", "--tenant", "initech")


def test_a_hub_without_a_tenant_says_how_to_add_one(hub: Hub) -> None:
    """`hub tenant add`."""
    assert "hub tenant add" in hub.refused("catalog", "products", "list")
    assert hub.json("catalog", "stats") == []


def test_nothing_of_another_tenant_is_shown(hub: Hub, rival: Shelf) -> None:
    """Not by any list, key or count."""
    groups = ("products", "categories", "stock", "prices", "locations", "customers")
    shown = [hub.json("catalog", group, "list", "--tenant", "acme", "--gone") for group in groups]
    shown.append(hub.json("catalog", "products", "show", "shoe", "--tenant", "acme"))
    shown.append(hub.json("catalog", "stats", "--tenant", "acme"))

    assert "classified" not in json.dumps(shown)
    assert "globex" not in json.dumps(shown)
    for group in ("categories", "locations", "customers"):
        assert "of this tenant" in hub.refused("catalog", group, "show", "classified", "--tenant", "acme")


def test_stats_count_every_tenant_and_name_the_owners(hub: Hub, rival: Shelf, shelf: Shelf) -> None:
    """By kind; for people as tables."""
    shelf.own("erp", "prices")
    acme, globex = hub.json("catalog", "stats")

    kinds = {row["kind"]: row for row in acme["kinds"]}
    assert (acme["tenant"], globex["tenant"]) == ("acme", "globex")
    assert (kinds["product"]["there"], kinds["product"]["gone"]) == (1, 0)
    assert kinds["customer"]["changed_at"] is None
    assert kinds["price"]["changed_at"].endswith("Z")
    assert (acme["owners"], globex["owners"]) == ({"prices": "erp"}, {})
    assert "systems of record" in hub.ok("catalog", "stats")


def test_control_characters_do_not_reach_the_terminal(hub: Hub, shelf: Shelf) -> None:
    """Neither from names nor from keys."""
    shelf.write("shop", {"kind": "location", "key": "\x1b[31m", "name": "\x1b[32m"})

    assert "\x1b" not in hub.ok("catalog", "locations", "list")
    assert "\x1b" not in hub.ok("catalog", "locations", "show", "\x1b[31m")


def test_prices_of_merchantops_arrive_in_the_catalog(
    hub: Hub, acme: str, connection_file: Callable[..., str], docs_example: str
) -> None:
    """By the connection file of the destinations page, all twenty, and once."""
    path = connection_file()
    source = Path(path).read_text(encoding="utf-8").partition("[destination]")[0]
    path = hub.write(source + docs_example)
    hub.ok("connection", "add", "prices", "--tenant", acme, "--config", path)

    assert hub.json("run", "prices", "--drain")["succeeded"] == 20
    rows = hub.json("catalog", "prices", "list", "--variant", "1000035585-001-L2")
    assert [(row["price_kind"], row["currency"], row["amount"]) for row in rows] == [("map", "USD", 32.85)]
    assert hub.json("catalog", "stats")[0]["owners"] == {"prices": "prices"}
