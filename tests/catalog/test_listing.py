"""The catalog as people look at it: by key, narrowed down, one thing with its origin, and counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hub.records import JSON
from hub.store import connections
from hub.store.catalog import listing
from hub.store.catalog.drafts import price_key, stock_key
from hub.store.catalog.kinds import KINDS
from tests.catalog.shelf import Shelf

SHOE = {
    "kind": "product",
    "key": "shoe",
    "source_id": "gid/7",
    "brand": "Nike",
    "categories": ["shoes", "sale"],
    "variants": [
        {
            "key": "shoe-1",
            "sku": "661595-01",
            "prices": [{"currency": "USD", "amount": "39.99"}],
            "stock": [{"on_hand": 2, "threshold": 2}],
        },
        {"key": "shoe-2", "sku": "661595-02", "stock": [{"location": "berlin", "on_hand": 1}]},
    ],
}
SOCK = {
    "kind": "product",
    "key": "sock",
    "categories": ["socks"],
    "variants": [{"key": "sock-1", "sku": "S1", "prices": [{"currency": "EUR", "amount": 7}]}],
}


@pytest.fixture
def stocked(shelf: Shelf) -> Shelf:
    """Two products, and one that was deleted; another tenant has the same keys."""
    rival = Shelf(shelf.db, "globex", "rival")
    rival.write("rival", {**SHOE, "brand": "Puma"}, {"kind": "product", "key": "zebra"})
    shelf.write(
        "shop", SHOE, SOCK, {"kind": "product", "key": "old", "variants": [{"key": "old-1", "sku": "O"}]}
    )
    shelf.write("shop", {"kind": "product", "key": "old", "operation": "delete"})
    return shelf


def tenant(shelf: Shelf) -> int:
    return connections.require_tenant(shelf.db, shelf.tenant)


def keys(shelf: Shelf, kind: str, **options: Any) -> list[str]:
    """The keys that a list shows; filters are given by name."""
    paging = {name: options.pop(name) for name in ("after", "limit", "gone") if name in options}
    rows = listing.listed(shelf.db, tenant(shelf), kind, filters=options, **paging)
    return [row["key"] for row in rows]


def shown(shelf: Shelf, kind: str, key: str) -> JSON:
    found = listing.shown(shelf.db, tenant(shelf), kind, key)
    assert found is not None
    return found


def test_a_list_goes_by_key_and_in_pages(stocked: Shelf) -> None:
    """The last key of a page is where the next one begins; what another tenant has is never there."""
    assert keys(stocked, "product") == ["shoe", "sock"]
    assert keys(stocked, "product", limit=1) == ["shoe"]
    assert keys(stocked, "product", limit=1, after="shoe") == ["sock"]
    assert keys(stocked, "product", after="sock") == []


def test_deleted_ones_are_listed_when_asked_for(stocked: Shelf) -> None:
    """With when they went; also by the variants that went with them."""
    assert keys(stocked, "product", gone=True) == ["old", "shoe", "sock"]
    assert keys(stocked, "product", gone=True, sku="O") == ["old"]
    assert keys(stocked, "product", sku="O") == []


def test_prices_and_stock_of_a_deleted_variant_are_listed_with_the_deleted_ones(stocked: Shelf) -> None:
    """They stay, since they belong to whoever sends them; those of a variant that nobody has sent yet are no such."""
    stocked.write("shop", {"kind": "price", "variant": "new", "currency": "USD", "amount": 1})
    stocked.write("shop", {"kind": "product", "key": "shoe", "operation": "delete"})
    price, stock = price_key("shoe-1", "sale", "USD", None), stock_key("shoe-1", "default")
    of_new = price_key("new", "sale", "USD", None)

    assert keys(stocked, "price") == sorted([price_key("sock-1", "sale", "EUR", None), of_new])
    assert keys(stocked, "stock") == []
    assert keys(stocked, "price", variant="shoe-1") == []
    assert keys(stocked, "price", variant="shoe-1", gone=True) == [price]
    (row,) = listing.listed(stocked.db, tenant(stocked), "stock", gone=True, filters={"variant": "shoe-1"})
    assert (row["key"], row["gone_at"]) == (stock, shown(stocked, "variant", "shoe-1")["gone_at"])


def test_products_are_found_by_sku_and_by_category(stocked: Shelf) -> None:
    """A filter that is None does not count."""
    assert keys(stocked, "product", sku="661595-02") == ["shoe"]
    assert keys(stocked, "product", category="socks") == ["sock"]
    assert keys(stocked, "product", category="socks", sku="661595-02") == []
    assert keys(stocked, "product", category="sock") == []
    assert keys(stocked, "product", category=None) == ["shoe", "sock"]


def test_links_that_were_cleared_lead_nowhere(stocked: Shelf) -> None:
    """They are found by no category, and none of them is marked as unresolved."""
    stocked.write("shop", {"kind": "product", "key": "sock", "categories": None})
    stocked.write("shop", {"kind": "category", "key": "root", "parent": None})

    assert keys(stocked, "product", category="socks") == []
    assert keys(stocked, "product", category="sale") == ["shoe"]
    for kind, key in (("product", "sock"), ("category", "root")):
        found = listing.shown(stocked.db, tenant(stocked), kind, key)
        assert found is not None
        assert found["unresolved_categories"] == []


def test_a_sku_that_only_a_deleted_variant_had_finds_nothing(stocked: Shelf) -> None:
    """The product is there, that variant is not; asked for what is gone, it is found."""
    stocked.write("shop", {**SHOE, "variants": [{"key": "shoe-1"}], "all_variants": True})

    assert keys(stocked, "product", sku="661595-02") == []
    assert keys(stocked, "product", sku="661595-02", gone=True) == ["shoe"]
    assert keys(stocked, "product", sku="661595-01") == ["shoe"]


def test_a_product_says_how_many_variants_it_has(stocked: Shelf) -> None:
    """Those that are there."""
    rows = listing.listed(stocked.db, tenant(stocked), "product", gone=True)

    assert {row["key"]: row["variants"] for row in rows} == {"old": 0, "shoe": 2, "sock": 1}


def test_stock_is_found_by_variant_location_and_need(stocked: Shelf) -> None:
    """Out of stock is at or below the threshold, or 0 where there is none; unknown is not out."""
    stocked.write(
        "shop",
        {"kind": "stock", "variant": "empty", "on_hand": 0},
        {"kind": "stock", "variant": "unknown", "threshold": 9},
    )
    shoe, berlin = stock_key("shoe-1", "default"), stock_key("shoe-2", "berlin")

    assert keys(stocked, "stock", variant="shoe-1") == [shoe]
    assert keys(stocked, "stock", location="berlin") == [berlin]
    assert keys(stocked, "stock", out_of_stock=True) == sorted([shoe, stock_key("empty", "default")])


def test_prices_are_found_by_variant_and_currency(stocked: Shelf) -> None:
    """With what identifies them in words."""
    (price,) = listing.listed(stocked.db, tenant(stocked), "price", filters={"currency": "EUR"})

    assert price["key"] == price_key("sock-1", "sale", "EUR", None)
    assert (price["variant"], price["price_kind"], price["currency"]) == ("sock-1", "sale", "EUR")
    assert price["content"] == {"amount": Decimal("7.00")}
    assert keys(stocked, "price", variant="sock-1", currency="USD") == []


def test_a_product_is_shown_with_all_that_belongs_to_it(stocked: Shelf) -> None:
    """Its document is what plugins read; each part says where it came from."""
    stocked.write("erp", {"kind": "price", "variant": "shoe-1", "currency": "USD", "amount": 41})
    found = shown(stocked, "product", "shoe")

    assert found["document"] == stocked.read("product", "shoe")
    assert [variant["key"] for variant in found["document"]["variants"]] == ["shoe-1", "shoe-2"]
    assert [(part["kind"], part["changed_by"]) for part in found["parts"]] == [
        ("variant", "shop"),
        ("variant", "shop"),
        ("price", "erp"),
        ("stock", "shop"),
        ("stock", "shop"),
    ]
    (price,) = (part for part in found["parts"] if part["kind"] == "price")
    assert {one["connection"]: one["fields"] for one in price["sources"]} == {"shop": [], "erp": ["amount"]}


def test_sources_are_named_by_connection(stocked: Shelf) -> None:
    """With the id there, when it came, and the fields that are from it."""
    stocked.write("erp", {"kind": "product", "key": "shoe", "source_id": "0007", "brand": "NIKE"})
    found = shown(stocked, "product", "shoe")

    shop, erp = found["sources"]
    assert (shop["connection"], shop["id"], shop["fields"]) == ("shop", "gid/7", ["categories"])
    assert (erp["connection"], erp["id"], erp["fields"]) == ("erp", "0007", ["brand"])
    assert found["changed_by"] == "erp"
    assert found["created_at"] <= shop["at"] <= erp["at"] == found["changed_at"]


def test_a_source_that_was_removed_has_no_name(stocked: Shelf) -> None:
    """What it brought stays."""
    connections.remove_connection(stocked.db, "shop")
    found = shown(stocked, "product", "sock")

    assert [source["connection"] for source in found["sources"]] == [None]
    assert found["changed_by"] is None


def test_categories_that_nobody_knows_are_marked(stocked: Shelf) -> None:
    """Of a product, and above a category; not any more once they have come."""
    stocked.write("shop", {"kind": "category", "key": "shoes", "parent": "apparel"})

    assert shown(stocked, "product", "shoe")["unresolved_categories"] == ["sale"]
    assert shown(stocked, "category", "shoes")["unresolved_categories"] == ["apparel"]
    stocked.write("shop", {"kind": "category", "key": "sale"}, {"kind": "category", "key": "apparel"})
    assert shown(stocked, "product", "shoe")["unresolved_categories"] == []
    assert shown(stocked, "category", "shoes")["document"]["path"] == ["apparel", "shoes"]


def test_what_is_gone_is_shown_as_it_was(stocked: Shelf) -> None:
    """With when it went, and who deleted it."""
    price = price_key("shoe-1", "sale", "USD", None)
    stocked.write("erp", {"kind": "price", "variant": "shoe-1", "currency": "USD", "operation": "delete"})
    found = shown(stocked, "price", price)

    assert found["gone_at"] == found["changed_at"]
    assert found["changed_by"] == "erp"
    assert found["document"] == {
        "kind": "price",
        "key": price,
        "variant": "shoe-1",
        "price_kind": "sale",
        "currency": "USD",
        "amount": Decimal("39.99"),
    }
    assert shown(stocked, "product", "old")["parts"] == []


def test_another_tenants_things_are_unknown(stocked: Shelf) -> None:
    """As if they did not exist; the same key is another thing."""
    assert listing.shown(stocked.db, tenant(stocked), "product", "zebra") is None
    assert shown(stocked, "product", "shoe")["document"]["brand"] == "Nike"


def test_counts_are_by_kind_and_tenant(stocked: Shelf) -> None:
    """What is there, what is gone, and when something changed last."""
    found = {row["kind"]: row for row in listing.counts(stocked.db, tenant(stocked))}

    assert list(found) == list(KINDS)
    assert (found["product"]["there"], found["product"]["gone"]) == (2, 1)
    assert (found["variant"]["there"], found["variant"]["gone"]) == (3, 1)
    assert found["product"]["changed_at"] == shown(stocked, "product", "old")["gone_at"]
    assert found["customer"] == {"kind": "customer", "there": 0, "gone": 0, "changed_at": None}


def test_owners_are_those_of_the_tenant(stocked: Shelf) -> None:
    """By part."""
    stocked.own("erp", "prices", "stock")

    assert listing.owned(stocked.db, tenant(stocked)) == {"prices": "erp", "stock": "erp"}
    assert listing.owned(stocked.db, connections.require_tenant(stocked.db, "globex")) == {}
