"""Categories make a tree, whatever the order in which they come."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hub.records import JSON
from hub.store.catalog import tree
from tests.catalog.shelf import Shelf


def category(key: str, parent: str | None = None, **more: Any) -> JSON:
    """A category below another one, or with ``parent`` None one without a word about that."""
    return {"kind": "category", "key": key, **({} if parent is None else {"parent": parent}), **more}


def chain(name: str, levels: int) -> list[JSON]:
    """``a1`` with ``a2`` below it, and so on."""
    return [
        category(f"{name}{level}", f"{name}{level - 1}" if level > 1 else None)
        for level in range(1, levels + 1)
    ]


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


def test_what_only_enriches_neither_waits_for_the_parent_that_it_names_nor_is_refused_for_it(
    shelf: Shelf,
) -> None:
    """That parent is not written: the category stays where its own system has put it."""
    shelf.write("shop", category("a"), category("b", "a"))
    facets = {"facets": [{"attribute": "color"}], "enriches": True, "wait_for_parent": True}

    circle, unknown = shelf.write("erp", category("a", "b", **facets), category("b", "nobody", **facets))

    assert [(one.effect, one.errors, one.unknown, one.warnings) for one in (circle, unknown)] == [
        ("updated", (), (), [])
    ] * 2
    assert (shelf.read("category", "b") or {})["path"] == ["a", "b"]


def test_a_category_stands_where_its_own_system_has_put_it_for_the_others_of_a_batch_too(
    shelf: Shelf,
) -> None:
    """The parent that an enriching category names closes no circle for those below it."""
    shelf.write("shop", category("a"), category("b"))

    _, moved = shelf.write("erp", category("a", "b", enriches=True), category("b", "a"))

    assert moved.errors == ()
    assert (shelf.read("category", "b") or {})["path"] == ["a", "b"]


def test_what_is_left_to_its_owner_is_not_there_for_the_others_of_its_batch(shelf: Shelf) -> None:
    """They wait for it, and so do those below them."""
    shelf.own("shop", "categories.managed")

    answers = shelf.write(
        "erp",
        {"kind": "product", "key": "p", "categories": ["below"], "wait_for_categories": True},
        category("below", "child", wait_for_parent=True),
        category("child", "owned", wait_for_parent=True),
        category("owned", "nobody", managed=True, wait_for_parent=True),
        category("free", "owned"),
    )

    assert [one.unknown for one in answers] == [["below"], ["child"], ["owned"], (), ()]
    assert answers[3].left == {"categories.managed": "shop"}
    assert answers[4].warnings == [
        'parent: nobody knows the category "owned" yet; the link holds as soon as it comes'
    ]


def test_what_is_refused_or_deleted_is_not_there_for_the_others_of_its_batch(shelf: Shelf) -> None:
    """A product waits for it."""
    shelf.write("shop", category("old"))

    answers = shelf.write(
        "shop",
        category("self", "self"),
        {"kind": "category", "key": "old", "operation": "delete"},
        {"kind": "product", "key": "p", "categories": ["self", "old"], "wait_for_categories": True},
    )

    assert answers[2].unknown == ["self", "old"]


def test_a_product_does_not_wait_for_categories_that_it_does_not_write(shelf: Shelf) -> None:
    """Assignments are another's, or the whole product is."""
    product = {"kind": "product", "key": "p", "categories": ["c"], "wait_for_categories": True}
    shelf.own("shop", "products")

    (not_made,) = shelf.write("erp", product)
    shelf.write("shop", {"kind": "product", "key": "p"})
    (there,) = shelf.write("erp", product)
    shelf.own("shop", "assignments")
    (assigned,) = shelf.write("erp", product)

    assert (not_made.unknown, not_made.left) == ([], {"products": "shop"})
    assert there.unknown == ["c"]
    assert (assigned.unknown, assigned.warnings, assigned.left) == ([], [], {"assignments": "shop"})


def test_a_category_moves_with_all_that_stands_below_it(shelf: Shelf) -> None:
    """The lowest of them must not get deeper than a tree may be."""
    shelf.write("shop", *chain("a", 60), *chain("b", 41))

    (too_deep,) = shelf.write("shop", category("b1", "a60"))
    (deep_enough,) = shelf.write("shop", category("b1", "a59"))

    assert too_deep.errors == ("parent: the tree is deeper than 100 levels",)
    assert deep_enough.errors == ()
    assert len((shelf.read("category", "b41") or {})["path"]) == 100


def test_what_waited_below_a_category_counts_when_it_comes(shelf: Shelf) -> None:
    """Also in one batch, and where it was deleted before."""
    shelf.write("shop", *chain("a", 60), *chain("b", 41))
    shelf.write("shop", {"kind": "category", "key": "b1", "operation": "delete"})

    back, again = shelf.write("shop", category("b1", "a60"), category("b1", "a59"))
    low, high = shelf.write("shop", category("c2", "c1"), category("c1", "b41"))

    assert (back.errors, again.errors) == (("parent: the tree is deeper than 100 levels",), ())
    assert (low.errors, high.errors) == ((), ("parent: the tree is deeper than 100 levels",))


def test_a_circle_that_comes_at_once_is_refused_as_a_whole(shelf: Shelf) -> None:
    """Whoever stood in it before stays, what was moved on in the same batch is none, and others go in beside it."""
    shelf.write("shop", category("a"), category("b"), category("c", "a"), category("d", "a"))

    answers = shelf.write(
        "shop",
        category("d", "a", enabled=True),
        category("a", "b"),
        category("b", "c"),
        category("e", "d"),
        category("f", "e"),
        category("e", "a"),
        category("d", "f"),
    )

    assert [bool(one.errors) for one in answers] == [False, True, True, False, False, False, False]
    assert (shelf.read("category", "c") or {})["path"] == ["a", "c"]
    assert (shelf.read("category", "d") or {})["path"] == ["a", "e", "f", "d"]


def test_a_link_that_stood_is_not_refused_for_one_that_would_close_a_circle(shelf: Shelf) -> None:
    """It comes again in the same batch."""
    shelf.write("shop", category("a"), category("b", "a"))

    again, closing = shelf.write("shop", category("b", "a", enabled=True), category("a", "b"))

    assert (again.effect, len(closing.errors)) == ("updated", 1)


def test_a_circle_with_somebody_who_waits_is_none(shelf: Shelf) -> None:
    """What waits is not written."""
    answers = shelf.write(
        "shop",
        category("x", "y"),
        category("y", "owned", wait_for_parent=True),
        category("y", "x", wait_for_parent=True, enriches=True),
    )

    assert [bool(one.errors) for one in answers] == [True, False, True]
    assert answers[1].unknown == ["owned"]


def test_a_batch_without_links_asks_nothing_more(shelf: Shelf) -> None:
    """Products without categories are most of what is written."""
    statements: list[str] = []
    execute = shelf.db.execute
    shelf.db.execute = lambda tx, sql, **given: statements.append(sql) or execute(tx, sql, **given)  # type: ignore[method-assign]

    shelf.write("shop", {"kind": "product", "key": "p"})

    assert not any("catalog_category" in sql for sql in statements)


@pytest.mark.parametrize("seed", range(8))
def test_no_order_of_moves_makes_a_circle_or_a_tree_too_deep(
    shelf: Shelf, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is moved, deleted, left to its owner, enriched or waited for, in batches of any kind."""
    monkeypatch.setattr(tree, "MAX_DEPTH", 5)
    shelf.own("shop", "categories.managed")
    dice = random.Random(seed)

    for _ in range(15):
        shelf.write(dice.choice(["shop", "erp"]), *(_any_category(dice) for _ in range(dice.randint(1, 8))))

        rows = [row for row in shelf.rows()["catalog_category"] if row["gone_at"] is None]
        parents = {row["key"]: row["parent_key"] for row in rows}
        assert all(_depth(key, parents) <= 5 for key in parents), parents


def _any_category(dice: random.Random) -> JSON:
    if dice.random() < 0.1:
        return {"kind": "category", "key": dice.choice("abcdefghij"), "operation": "delete"}
    return category(
        dice.choice("abcdefghij"),
        dice.choice("abcdefghij") if dice.random() < 0.9 else None,
        wait_for_parent=dice.random() < 0.3,
        enriches=dice.random() < 0.2,
        managed=dice.random() < 0.2,
    )


def _depth(key: str | None, parents: dict[str, str | None]) -> int:
    depth = 0
    while key is not None and depth <= len(parents) + 1:
        key, depth = parents.get(key), depth + 1
    return depth
