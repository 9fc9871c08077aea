"""A part of the catalog has one system of record; what others write of it is left out."""

from __future__ import annotations

from tests.catalog.shelf import Shelf

SHOE = {"kind": "product", "key": "p", "variants": [{"key": "v", "sku": "1"}]}
DELETED = {"kind": "product", "key": "p", "operation": "delete"}


def test_a_delete_that_is_left_to_the_owner_deletes_nothing(shelf: Shelf) -> None:
    """Not the variants either, whoever owns those."""
    shelf.own("shop", "products")
    shelf.write("shop", SHOE)

    (written,) = shelf.write("erp", DELETED)

    assert (written.effect, written.left) == ("unchanged", {"products": "shop"})
    assert [one["key"] for one in (shelf.read("product", "p") or {})["variants"]] == ["v"]


def test_a_product_takes_its_variants_with_it_whoever_owns_them(shelf: Shelf) -> None:
    """When its owner deletes it."""
    shelf.own("erp", "variants")
    shelf.write("shop", {"kind": "product", "key": "p"})
    shelf.write("erp", SHOE)

    shelf.write("shop", DELETED)

    assert shelf.read("product", "p") is None
    assert shelf.read("variant", "v") is None


def test_nothing_is_added_to_a_product_that_its_owner_has_not_made(shelf: Shelf) -> None:
    """Neither variants nor their prices."""
    shelf.own("shop", "products")

    (written,) = shelf.write("erp", SHOE)

    assert (written.effect, written.left) == ("unchanged", {"products": "shop"})
    assert shelf.read("variant", "v") is None


def test_others_add_to_a_product_that_is_there(shelf: Shelf) -> None:
    """What nobody owns is anybody's."""
    shelf.own("shop", "products")
    shelf.write("shop", {"kind": "product", "key": "p", "brand": "shop"})

    (written,) = shelf.write("erp", {**SHOE, "brand": "erp", "translations": [{"language": "en"}]})

    stored = shelf.read("product", "p") or {}
    assert (written.effect, written.left) == ("updated", {"products": "shop"})
    assert (stored["brand"], stored["translations"]) == ("shop", [{"language": "en"}])
    assert [one["key"] for one in stored["variants"]] == ["v"]
