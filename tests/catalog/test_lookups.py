"""How rows are looked up by their keys, whatever PostgreSQL believes of their table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection

from hub.store import migrate
from hub.store.catalog.keys import found_by
from hub.store.database import Database, rowset
from tests.catalog.shelf import Shelf

#: Few, so that some are the same, of all that a database may take for something else.
PARTS = st.sampled_from(
    ("a", "A", "a ", "", "é", "e\u0301", "'", '"', "\\", "%", ":tenant", "null", "1", "\U0001f600", None)
)


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


@pytest.fixture(scope="module", params=("sqlite", "postgres"))
def shelves(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Both databases, each with a table of nobody's."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('found') / 'hub.db'}"
        else:
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database(f"found_{uuid.uuid4().hex}"))
        db = Database(url)
        with db.transaction() as tx:
            db.execute(
                tx, "CREATE TABLE things (tenant_id bigint NOT NULL, stream text, key text, id integer)"
            )
            db.execute(tx, "CREATE INDEX things_by_key ON things (tenant_id, stream, key)")
        yield db
        db.close()


@given(
    stored=st.lists(st.tuples(st.integers(1, 2), PARTS, PARTS), max_size=12),
    asked=st.lists(st.tuples(PARTS, PARTS), max_size=12),
)
@example(stored=[(1, "a", "k")], asked=[])
@example(stored=[(1, "a", "k")] * 2, asked=[("a", "k")] * 3)
@example(stored=[(1, None, "k"), (1, "a", None)], asked=[(None, "k"), ("a", None), (None, None)])
def test_what_is_found_is_what_fits(
    shelves: Database, stored: list[tuple[int, Any, Any]], asked: list[tuple[Any, Any]]
) -> None:
    """Each row once for each time that it is asked for, of one tenant alone; nothing fits where there is no value."""
    with shelves.transaction() as tx:
        shelves.execute(tx, "DELETE FROM things")
        rows = [(*thing, number) for number, thing in enumerate(stored)]
        shelves.insert_new(tx, "things", ("tenant_id", "stream", "key", "id"), rows)
        found = _found(shelves, tx, asked)

    fitting = (row for stream, key in asked for row in rows if row[:3] == (1, stream, key))
    assert sorted(found) == sorted(row[3] for row in fitting if None not in row)


def test_as_many_as_anybody_asks_for_are_found(shelves: Database) -> None:
    """Each of them, in one question."""
    keys = [f"k{number}" for number in range(10_000)]
    with shelves.transaction() as tx:
        shelves.execute(tx, "DELETE FROM things")
        rows = [(tenant, "s", key, number) for number, key in enumerate(keys) for tenant in (1, 2)]
        shelves.insert_new(tx, "things", ("tenant_id", "stream", "key", "id"), rows)
        found = _found(shelves, tx, [("s", key) for key in keys])

    assert sorted(found) == list(range(10_000))


def _found(db: Database, tx: Connection, asked: Sequence[tuple[Any, Any]]) -> list[int]:
    fits = "t.tenant_id = :tenant AND t.stream = v.stream AND t.key = v.key"
    source = db.found("keys", "things", "t", fits, stream="text", key="text")
    keys = rowset([{"stream": stream, "key": key} for stream, key in asked])
    return [row.id for row in db.execute(tx, f"SELECT t.id FROM {source}", keys=keys, tenant=1)]
