"""How rows are looked up by their keys, whatever PostgreSQL believes of their table."""

from __future__ import annotations

import pytest

from hub.store.catalog.keys import found_by
from hub.store.database import Database, rowset
from tests.catalog.shelf import Shelf


@pytest.mark.parametrize("analyzed", (False, True))
@pytest.mark.parametrize("column", ("key", "variant_key"))
def test_keys_are_looked_up_by_an_index(postgres_db: Database, column: str, analyzed: bool) -> None:
    """A table that was just filled counts as empty, and would be read as a whole once for each key."""
    shelf = Shelf(postgres_db, "acme", "erp")
    shelf.write("erp", {"kind": "product", "key": "p", "variants": [{"key": f"v{n}"} for n in range(500)]})
    shelf.write(
        "erp", *({"kind": "price", "variant": f"v{n}", "currency": "BRL", "amount": n} for n in range(500))
    )
    if analyzed:
        with postgres_db.transaction() as tx:
            postgres_db.execute(tx, "ANALYZE catalog_price")

    with postgres_db.transaction() as tx:
        tenant = postgres_db.execute(tx, "SELECT id FROM tenant").scalar_one()
        plan = postgres_db.execute(
            tx,
            f"EXPLAIN SELECT t.content FROM {found_by(postgres_db, 'catalog_price', column)} WHERE t.gone_at IS NULL",
            keys=rowset([{"key": "v1"}]),
            tenant=tenant,
        )
        steps = "\n".join(plan.scalars())

    assert f"AND ({column} = v.key)" in steps, steps
    assert "Seq Scan" not in steps
