"""A tenant's catalog, written as an import into it would; run by itself, it writes many products as fast as it can.

python -m benchmarks.shelf CONNECTION COUNT [--first 0]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from hub.catalog import parse
from hub.records import JSON
from hub.settings import Settings
from hub.store.catalog.writer import StoredCatalogWriter
from hub.store.database import Database
from hub.store.ledger.lock import lock

#: Products that are written in one transaction.
BATCH = 100


class Shelf:
    """The catalog of the tenant that a connection belongs to."""

    def __init__(self, db: Database, connection: str) -> None:
        self._db = db
        with db.transaction() as tx:
            found = db.execute(tx, "SELECT id FROM connection WHERE name = :name", name=connection)
            self._connection_id = int(found.scalar_one())
            self._tenant_id = lock(db, tx, self._connection_id).tenant_id

    def write(self, bodies: Sequence[JSON]) -> None:
        """In one transaction."""
        with self._db.transaction() as tx:
            writer = StoredCatalogWriter(db=self._db, tx=tx, tenant_id=self._tenant_id, connection_id=0)
            writer.write([parse(body) for body in bodies])

    def price(self, sku: str, amount: int) -> float:
        """Commit a price; the moment after it."""
        self.write([{"kind": "price", "variant": sku, "currency": "BRL", "amount": amount}])
        return time.monotonic()


def product(sku: str) -> JSON:
    """One with a name, a price and stock; its only variant has the key ``sku``."""
    variant = {
        "key": sku,
        "prices": [{"currency": "BRL", "amount": 100}],
        "stock": [{"on_hand": 9}],
    }
    names = [{"language": "en", "name": f"Product {sku}"}]
    return {"kind": "product", "key": f"product-{sku}", "translations": names, "variants": [variant]}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("connection")
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    options = parser.parse_args()
    url = Settings().database_url
    if url is None:
        sys.exit("name the store in HUB_DATABASE_URL")
    db = Database(url.get_secret_value())
    shelf, end = Shelf(db, options.connection), options.first + options.count
    for start in range(options.first, end, BATCH):
        shelf.write([product(f"sku-{number}") for number in range(start, min(start + BATCH, end))])
    db.close()


if __name__ == "__main__":
    main()
