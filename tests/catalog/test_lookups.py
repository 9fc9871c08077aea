"""How rows are looked up by their keys, whatever PostgreSQL believes of their table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store import migrate
from hub.store.catalog.keys import found_by
from hub.store.database import Database, rowset
from tests.catalog.shelf import Shelf


@pytest.fixture
def fresh_db(empty_postgres_url: str) -> Iterator[Database]:
    """A store of which PostgreSQL remembers nothing."""
    db = Database(empty_postgres_url)
    migrate.upgrade(db)
    yield db
    db.close()


def fill(db: Database, tenant: str) -> None:
    """500 prices."""
    erp = f"erp-of-{tenant}"
    shelf = Shelf(db, tenant, erp)
    shelf.write(erp, {"kind": "product", "key": "p", "variants": [{"key": f"v{n}"} for n in range(500)]})
    prices = [{"kind": "price", "variant": f"v{n}", "currency": "BRL", "amount": n} for n in range(500)]
    shelf.write(erp, *prices)


@pytest.mark.parametrize("analyzed", ("never", "empty", "without the tenant", "now"))
@pytest.mark.parametrize("column", ("key", "variant_key"))
def test_keys_are_looked_up_by_an_index(fresh_db: Database, column: str, analyzed: str) -> None:
    """A table or a tenant that is newer than the statistics counts as empty: all rows would be read for each key."""
    for moment in ("empty", "other", "without the tenant", "acme", "now"):
        if moment in ("other", "acme"):
            fill(fresh_db, moment)
        elif moment == analyzed:
            with fresh_db.transaction() as tx:
                fresh_db.execute(tx, "ANALYZE catalog_price")

    with fresh_db.transaction() as tx:
        tenant = fresh_db.execute(tx, "SELECT id FROM tenant WHERE name = 'acme'").scalar_one()
        plan = fresh_db.execute(
            tx,
            f"EXPLAIN SELECT t.content FROM {found_by(fresh_db, 'catalog_price', column)} WHERE t.gone_at IS NULL",
            keys=rowset([{"key": "v1"}]),
            tenant=tenant,
        )
        steps = "\n".join(plan.scalars())

    assert f"AND ({column} = v.key)" in steps, steps
    assert "Seq Scan" not in steps
