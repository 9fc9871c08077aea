"""What is written stands in the catalog as it was given, and the same again changes nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from hub import codec
from tests.catalog.shelf import Shelf

SHOE = {
    "kind": "product",
    "key": "456",
    "brand": "Nike",
    "enabled": True,
    "translations": [{"language": "en", "name": "Nike Air Force Ones", "slug": "nike-air-force-ones"}],
    "media": [{"key": "22314", "name": "95.jpg", "width": 159, "focal_point": {"x": 25, "y": 55}}],
    "attributes": {"color": ["black", "blue"]},
    "variants": [
        {
            "key": "101101",
            "sku": "661595-01",
            "prices": [{"currency": "USD", "amount": "39.99", "compare_at": "29.9"}],
            "stock": [{"on_hand": 22, "threshold": 2}],
        }
    ],
}


def test_a_product_is_read_as_it_was_written(shelf: Shelf) -> None:
    """With its variants, prices and stock; amounts have the digits of their currency."""
    assert shelf.effects("shop", SHOE) == ["created"]

    assert shelf.read("product", "456") == {
        **SHOE,
        "variants": [
            {
                "key": "101101",
                "sku": "661595-01",
                "prices": [
                    {
                        "kind": "sale",
                        "currency": "USD",
                        "amount": Decimal("39.99"),
                        "compare_at": Decimal("29.90"),
                    }
                ],
                "stock": [{"location": "default", "on_hand": 22, "threshold": 2}],
            }
        ],
    }


def test_the_same_content_again_writes_no_row(shelf: Shelf) -> None:
    """Nor does it move anything that a follower sees."""
    shelf.write("shop", SHOE)
    before = shelf.rows()

    assert shelf.effects("shop", SHOE) == ["unchanged"]
    assert shelf.rows() == before


def test_absent_null_and_empty_are_three_things(shelf: Shelf) -> None:
    """Absent leaves what is there, null clears it, empty is stored as such; and each can be told from the others."""
    shelf.write("shop", {**SHOE, "tags": ["new"]})

    shelf.write("shop", {"kind": "product", "key": "456", "brand": None, "tags": []})

    stored = shelf.read("product", "456") or {}
    assert stored["brand"] is None
    assert stored["tags"] == []
    assert stored["translations"] == SHOE["translations"]
    assert "status" not in stored


def test_null_is_kept_of_what_was_never_there(shelf: Shelf) -> None:
    """The same again changes nothing, and a value that comes later takes its place."""
    cleared = {
        "kind": "product",
        "key": "1",
        "brand": None,
        "extra": None,
        "variants": [{"key": "v", "sku": None, "prices": [{"currency": "USD", "amount": None}]}],
    }
    shelf.write("shop", cleared)
    before = shelf.rows()

    assert shelf.effects("shop", cleared) == ["unchanged"]
    assert shelf.rows() == before
    price = {"kind": "sale", "currency": "USD", "amount": None}
    variant = {"key": "v", "sku": None, "prices": [price], "stock": []}
    assert shelf.read("product", "1") == {"kind": "product", "key": "1", "brand": None, "variants": [variant]}
    assert shelf.effects("erp", {"kind": "product", "key": "1", "status": None}) == ["updated"]
    assert shelf.effects("erp", {"kind": "product", "key": "1", "brand": "b"}) == ["updated"]
    assert (shelf.read("product", "1") or {})["brand"] == "b"


def test_fields_that_the_catalog_has_no_name_for_are_kept_beside_each_other(shelf: Shelf) -> None:
    """Two sources that both send some do not wipe out each other's."""
    shelf.write("shop", {"kind": "product", "key": "1", "extra": {"season": "fall", "old": 1}})
    shelf.write("erp", {"kind": "product", "key": "1", "extra": {"bin": "A7", "old": None}})

    assert (shelf.read("product", "1") or {})["extra"] == {"season": "fall", "bin": "A7"}


def test_media_are_changed_one_by_one(shelf: Shelf) -> None:
    """Added, laid over what is there, and taken away."""
    shelf.write("shop", {**SHOE, "media": [{"key": "a", "width": 1}, {"key": "b", "width": 2}]})

    shelf.write(
        "shop",
        {
            "kind": "product",
            "key": "456",
            "media_changes": [
                {"operation": "update", "medium": {"key": "a", "height": 7, "width": None}},
                {"operation": "delete", "medium": {"key": "b"}},
                {"operation": "add", "medium": {"key": "c", "type": "IMAGE"}},
            ],
        },
    )

    assert (shelf.read("product", "456") or {})["media"] == [
        {"key": "a", "width": None, "height": 7},
        {"key": "c", "type": "IMAGE"},
    ]


def test_what_is_deleted_is_gone_and_can_come_back(shelf: Shelf) -> None:
    """A deleted product takes its variants with it; what comes back begins anew."""
    shelf.write("shop", SHOE)

    assert shelf.effects("shop", {"kind": "product", "key": "456", "operation": "delete"}) == ["updated"]
    assert shelf.read("product", "456") is None
    assert shelf.read("variant", "101101") is None
    assert shelf.effects("shop", {"kind": "product", "key": "456", "operation": "delete"}) == ["unchanged"]

    assert shelf.effects("shop", {"kind": "product", "key": "456", "brand": "Puma"}) == ["created"]
    assert shelf.read("product", "456") == {
        "kind": "product",
        "key": "456",
        "brand": "Puma",
        "variants": [],
        "gone_variants": [{"key": "101101", "sku": "661595-01"}],
    }


def test_only_a_complete_list_of_variants_lets_others_go(shelf: Shelf) -> None:
    """A source that sends some of them says nothing of the rest."""
    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "a"}, {"key": "b"}]})

    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "b"}]})
    assert variants_of(shelf, "1") == ["a", "b"]

    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "b"}], "all_variants": True})
    assert variants_of(shelf, "1") == ["b"]


def test_a_product_names_the_variants_that_it_lost(shelf: Shelf) -> None:
    """By key, with the last SKU; not those that went to another product, or came back."""
    variants = [{"key": "d", "sku": "1"}, {"key": "a"}, {"key": "b", "sku": "2"}, {"key": "c"}]
    shelf.write("shop", {"kind": "product", "key": "1", "variants": variants})
    assert "gone_variants" not in (shelf.read("product", "1") or {})

    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "d", "sku": "3"}]})
    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "b"}], "all_variants": True})
    shelf.write("shop", {"kind": "product", "key": "2", "variants": [{"key": "c"}]})

    found = shelf.read("product", "1") or {}
    assert found["gone_variants"] == [{"key": "a"}, {"key": "d", "sku": "3"}]
    assert variants_of(shelf, "1") == ["b"]
    assert "gone_variants" not in (shelf.read("product", "2") or {})
    shelf.write("shop", {"kind": "product", "key": "1", "variants": [{"key": "a"}, {"key": "d"}]})
    assert "gone_variants" not in (shelf.read("product", "1") or {})


def test_prices_and_stock_may_come_on_their_own(shelf: Shelf) -> None:
    """From sources that know nothing of the rest, also before the product comes."""
    effects = shelf.effects(
        "erp",
        {"kind": "price", "variant": "101101", "currency": "JPY", "amount": 3999},
        {"kind": "stock", "variant": "101101", "location": "berlin", "on_hand": 3},
    )
    shelf.write("shop", SHOE)

    assert effects == ["created", "created"]
    variant = shelf.read("variant", "101101") or {}
    assert [one["currency"] for one in variant["prices"]] == ["JPY", "USD"]
    assert {one["location"]: one["on_hand"] for one in variant["stock"]} == {"berlin": 3, "default": 22}


def test_a_batch_may_name_a_thing_twice(shelf: Shelf) -> None:
    """In order: the later one is laid over the earlier one."""
    effects = shelf.effects(
        "shop",
        {"kind": "product", "key": "1", "brand": "a", "status": "new"},
        {"kind": "product", "key": "1", "brand": "b"},
    )

    assert effects == ["created", "updated"]
    assert shelf.read("product", "1") == {
        "kind": "product",
        "key": "1",
        "brand": "b",
        "status": "new",
        "variants": [],
    }


def test_it_is_kept_where_everything_came_from(shelf: Shelf) -> None:
    """By connection: its own id of the thing, the hash of what it sent, when, and which fields are from it."""
    shelf.write("shop", {"kind": "product", "key": "1", "source_id": "gid/1", "brand": "a", "status": "new"})
    shelf.write("erp", {"kind": "product", "key": "1", "source_id": "0001", "brand": "b"})

    (row,) = shelf.rows()["catalog_product"]
    sources: dict[str, Any] = codec.loads(row["sources"])
    shop, erp = sources[str(shelf.ids["shop"])], sources[str(shelf.ids["erp"])]
    assert (shop["id"], shop["fields"]) == ("gid/1", ["status"])
    assert (erp["id"], erp["fields"]) == ("0001", ["brand"])
    assert erp["at"] >= shop["at"] > 0
    assert erp["hash"] == codec.fingerprint({"brand": "b"})


def test_who_gives_what_others_gave_is_noted_without_a_change(shelf: Shelf) -> None:
    """It is a source from then on, and nobody who follows hears of it."""
    shelf.write("shop", {"kind": "product", "key": "1", "brand": "a"})
    (before,) = shelf.rows()["catalog_product"]

    assert shelf.effects("erp", {"kind": "product", "key": "1", "brand": "a"}) == ["unchanged"]

    (after,) = shelf.rows()["catalog_product"]
    assert set(codec.loads(after["sources"])) == {str(shelf.ids["shop"]), str(shelf.ids["erp"])}
    assert {name: after[name] for name in after if name != "sources"} == {
        name: before[name] for name in before if name != "sources"
    }


def test_tenants_do_not_see_each_other(shelf: Shelf) -> None:
    """The same key in another tenant is another thing."""
    other = Shelf(shelf.db, "globex", "rival")
    shelf.write("shop", {"kind": "product", "key": "1", "brand": "a"})

    assert other.effects("rival", {"kind": "product", "key": "1", "brand": "z"}) == ["created"]

    assert (shelf.read("product", "1") or {})["brand"] == "a"
    assert other.heard("rival") == set()
    assert shelf.heard("erp") == {("product", "1")}


def variants_of(shelf: Shelf, product: str) -> list[str]:
    return [variant["key"] for variant in (shelf.read("product", product) or {})["variants"]]


def test_a_variant_may_move_to_another_product(shelf: Shelf) -> None:
    """In one batch or in two, also where both products name all of their variants; both are told of."""
    shelf.write("shop", {"kind": "product", "key": "a", "variants": [{"key": "m1"}, {"key": "m2"}]})
    shelf.write("shop", {"kind": "product", "key": "b"})
    cursor = shelf.changes("erp").cursor

    shelf.write(
        "shop",
        {"kind": "product", "key": "b", "variants": [{"key": "m2"}], "all_variants": True},
        {"kind": "product", "key": "a", "variants": [{"key": "m1"}], "all_variants": True},
    )

    assert (variants_of(shelf, "a"), variants_of(shelf, "b")) == (["m1"], ["m2"])
    assert {("product", "a"), ("variant", "m2")} <= shelf.heard("erp", after=cursor)
    shelf.write(
        "shop",
        {"kind": "product", "key": "b", "all_variants": True},
        {"kind": "product", "key": "a", "variants": [{"key": "m1"}, {"key": "m2"}], "all_variants": True},
    )
    assert (variants_of(shelf, "a"), variants_of(shelf, "b")) == (["m1", "m2"], [])


def test_what_a_batch_deletes_and_brings_back_is_there(shelf: Shelf) -> None:
    """In the order of the batch."""
    shelf.write("shop", {"kind": "product", "key": "c", "variants": [{"key": "c1"}, {"key": "c2"}]})

    shelf.write(
        "shop",
        {"kind": "product", "key": "c", "operation": "delete"},
        {"kind": "product", "key": "c", "variants": [{"key": "c1"}, {"key": "c3"}]},
        {"kind": "product", "key": "d", "variants": [{"key": "d1"}, {"key": "d2"}]},
        {"kind": "product", "key": "d", "variants": [{"key": "d2"}], "all_variants": True},
    )

    assert (variants_of(shelf, "c"), variants_of(shelf, "d")) == (["c1", "c3"], ["d2"])


def test_a_key_that_nothing_can_have_is_unknown(shelf: Shelf) -> None:
    """And spoils no question for others: a marketplace may ask for anything."""
    shelf.write("shop", {"kind": "product", "key": "shoe"})
    asked = ["shoe", "sh\x00oe", "x" * 100_000]

    assert list(asyncio.run(shelf.catalog("shop").read("product", asked))) == ["shoe"]
    assert list(asyncio.run(shelf.catalog("shop").known("product", asked))) == ["shoe"]
