"""Writers of one tenant that meet: each merges before its turn comes, and what comes of it is as if they had queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from hub.catalog import Written, parse
from hub.records import JSON
from hub.store.catalog.writer import OutdatedError
from hub.store.database import Database
from tests.catalog.shelf import PATIENCE, Shelf


def product(**fields: object) -> JSON:
    return {"kind": "product", "key": "shoe", **fields}


FIRST = product(brand="Nike", variants=[{"key": "v1", "stock": [{"on_hand": 1}]}])


@pytest.mark.parametrize(
    ("meanwhile", "then", "left"),
    (
        (product(enabled=True), product(brand="Puma"), product(brand="Puma", enabled=True)),
        (product(brand="Puma"), product(brand="Puma"), product(brand="Puma")),
        (product(operation="delete"), product(brand="Puma"), product(brand="Puma")),
    ),
)
def test_what_was_written_meanwhile_is_merged_with(
    postgres_db: Database, meanwhile: JSON, then: JSON, left: JSON
) -> None:
    """And not written over."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", FIRST)

    _write_while(shelf, meanwhile, then)

    found = shelf.read("product", "shoe")
    assert found is not None
    assert {name: found.get(name) for name in left if name != "kind"} == {
        name: value for name, value in left.items() if name != "kind"
    }
    assert ("enabled" in found) == ("enabled" in left)


def test_what_both_write_for_the_first_time_is_created_once(postgres_db: Database) -> None:
    """The one who comes second finds it there."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")

    (second,) = _write_while(shelf, FIRST, FIRST)

    assert second.effect == "unchanged"
    assert [len(shelf.rows()[table]) for table in ("catalog_product", "catalog_variant")] == [1, 1]


def test_a_complete_list_of_variants_ends_those_that_came_meanwhile(postgres_db: Database) -> None:
    """Whoever names all variants names all."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", FIRST)

    _write_while(
        shelf, product(variants=[{"key": "v2"}]), product(variants=[{"key": "v3"}], all_variants=True)
    )

    found = shelf.read("product", "shoe")
    assert found is not None
    assert [variant["key"] for variant in found["variants"]] == ["v3"]


def test_a_variant_that_came_meanwhile_ends_though_nothing_else_of_its_product_changed(
    postgres_db: Database,
) -> None:
    """No row of those that were read was written: only the list of variants tells."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", FIRST)
    shelf.write("erp", product(brand="Nike"))

    _write_while(
        shelf, product(variants=[{"key": "v2"}]), product(variants=[{"key": "v3"}], all_variants=True)
    )

    found = shelf.read("product", "shoe")
    assert found is not None
    assert [variant["key"] for variant in found["variants"]] == ["v3"]


def test_a_product_waits_for_its_category_no_more_when_that_came_meanwhile(postgres_db: Database) -> None:
    """Nobody would wake it."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")

    (second,) = _write_while(
        shelf, {"kind": "category", "key": "c"}, product(categories=["c"], wait_for_categories=True)
    )

    assert not second.unknown
    assert second.effect == "created"


def test_what_has_got_an_owner_meanwhile_is_left_to_it(postgres_db: Database) -> None:
    """Whoever is told so afterwards has written what was not its own."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", FIRST)

    (second,) = _write_while(
        shelf, {"kind": "location", "key": "l"}, product(brand="Puma"), owns=["products"]
    )

    assert second.left == {"products": "erp"}
    found = shelf.read("product", "shoe")
    assert found is not None
    assert found["brand"] == "Nike"


def test_who_catches_that_he_was_overtaken_is_told_again(postgres_db: Database) -> None:
    """A destination that writes one by one, and takes any error for that entity's own, has answered for the first one."""
    shelf = Shelf(postgres_db, "acme", "shop", "erp")
    shelf.write("shop", FIRST)

    with shelf.open_transaction() as tx:
        writer = shelf.writer(tx, "shop", hasty=True)
        writer.write([parse(product(brand="Puma"))])
        shelf.write("erp", product(enabled=True))
        for _ in range(2):
            with pytest.raises(OutdatedError):
                writer.write([parse(product(brand="Puma"))])
        with pytest.raises(OutdatedError):
            writer.carry_out()


def test_whose_turn_it_is_waits_for_no_other(postgres_db: Database) -> None:
    """What follows a category is written at once: nobody else comes in between."""
    shelf = Shelf(postgres_db, "acme", "shop")

    with shelf.open_transaction() as tx:
        writer = shelf.writer(tx, "shop", hasty=True)
        writer.write([parse({"kind": "category", "key": "c"})])
        writer.write([parse(FIRST)])
        assert writer.products_of(["v1"]) == {"v1": "shoe"}


def _write_while(shelf: Shelf, meanwhile: JSON, then: JSON, *, owns: Sequence[str] = ()) -> Sequence[Written]:
    """``erp`` writes ``meanwhile`` and commits when ``shop``, which writes ``then``, has its turn to wait for. From that
    commit on it ``owns`` some parts."""
    answers: list[Sequence[Written]] = []
    writer = threading.Thread(target=lambda: answers.append(shelf.write("shop", then)))
    with shelf.open_transaction() as tx:
        shelf.write_within(tx, "erp", meanwhile)
        shelf.own_within(tx, "erp", owns)
        writer.start()
        _until_somebody_waits(shelf)
    writer.join()
    return answers[0]


def _until_somebody_waits(shelf: Shelf) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        with shelf.open_transaction() as tx:
            waiting = shelf.db.execute(
                tx,
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            ).first()
        if waiting is not None:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
