"""Categories make a tree, whatever the order in which they come."""

from __future__ import annotations

from tests.catalog.shelf import Shelf


def test_a_category_knows_its_path(shelf: Shelf) -> None:
    """From the root to itself, also where parents came later."""
    shelf.write("shop", {"kind": "category", "key": "shoes", "parent": "men"})
    shelf.write(
        "shop", {"kind": "category", "key": "men"}, {"kind": "category", "key": "dress", "parent": "shoes"}
    )

    assert (shelf.read("category", "dress") or {})["path"] == ["men", "shoes", "dress"]


def test_a_category_must_not_stand_above_itself(shelf: Shelf) -> None:
    """In a batch or over several: who closes the circle is refused, and the others stay."""
    shelf.write("shop", {"kind": "category", "key": "a"}, {"kind": "category", "key": "b", "parent": "a"})

    (written,) = shelf.write("shop", {"kind": "category", "key": "a", "parent": "b"})
    circle = shelf.write(
        "shop",
        {"kind": "category", "key": "x", "parent": "y"},
        {"kind": "category", "key": "y", "parent": "x"},
    )

    assert written.errors == ('parent: "b" would make this category its own ancestor',)
    assert all(one.errors for one in circle)
    assert (shelf.read("category", "b") or {})["path"] == ["a", "b"]
    assert shelf.read("category", "x") is None


def test_a_batch_waits_together(shelf: Shelf) -> None:
    """What waits for something that has to wait itself waits too."""
    answers = shelf.write(
        "shop",
        {"kind": "category", "key": "leaf", "parent": "twig", "wait_for_parent": True},
        {"kind": "category", "key": "twig", "parent": "root", "wait_for_parent": True},
        {"kind": "product", "key": "p", "categories": ["leaf"], "wait_for_categories": True},
    )

    assert [one.unknown for one in answers] == [["twig"], ["root"], ["leaf"]]
    assert shelf.heard("erp") == set()


def test_a_managed_category_of_another_system_only_enriches_an_unmanaged_one(shelf: Shelf) -> None:
    """Merchstack sends such a category for its facets and related items; the rest is its system's own."""
    shelf.write("shop", {"kind": "category", "key": "1", "custom_fields": {"a": "b"}, "enabled": True})

    shelf.write(
        "erp",
        {
            "kind": "category",
            "key": "1",
            "managed": True,
            "enabled": False,
            "facets": [{"attribute": "color"}],
            "enriches": True,
        },
        {"kind": "category", "key": "2", "managed": True, "enabled": False, "enriches": True},
    )

    one, two = shelf.read("category", "1") or {}, shelf.read("category", "2") or {}
    assert (one["enabled"], one.get("managed"), one["facets"]) == (True, None, [{"attribute": "color"}])
    assert (two["enabled"], two["managed"]) == (False, True)
