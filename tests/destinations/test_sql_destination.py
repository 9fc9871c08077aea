"""The SQL destination on real databases: SQLite, PostgreSQL, and one that has no upsert of its own."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from connectors.destinations.sql import SqlDestination
from hub.connector import Ports
from hub.errors import ConfigurationError, ReauthorizationError, RetryableError
from hub.records import Item, Rejected, Success
from hub.testing.servers import Postgres

MakeItem = Callable[..., Item]
Make = Callable[..., SqlDestination]

TABLE = """
CREATE TABLE prices (
    sku varchar(20) PRIMARY KEY,
    price numeric(10, 2) NOT NULL,
    currency varchar(3) DEFAULT 'USD' NOT NULL,
    stock integer CHECK (stock >= 0),
    idem text
)
"""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A database of the test's own."""

    url: str

    def run(self, statement: str) -> Sequence[Any]:
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    def wait_for_a_lock(self) -> None:
        """Until somebody waits for somebody else's row."""
        while not self.run(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            time.sleep(0.01)

    def prices(self) -> Sequence[Any]:
        return self.run("SELECT sku, price, currency, stock FROM prices ORDER BY sku")


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> Shop:
    (tmp_path / "shop.db").touch()
    return Shop(url=f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture(scope="module")
def shop_database(postgres_server: Postgres) -> Iterator[Shop]:
    with postgres_server.database(f"shop_{uuid.uuid4().hex}") as url:
        yield Shop(url=url)


@pytest.fixture
def postgres_shop(shop_database: Shop) -> Shop:
    """The same database for all tests of this process, emptied: quicker than one for each."""
    shop_database.run("DROP SCHEMA IF EXISTS erp CASCADE")
    shop_database.run("DROP SCHEMA public CASCADE")
    shop_database.run("CREATE SCHEMA public")
    return shop_database


@pytest.fixture(params=("sqlite", "postgres", "generic"))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


on_postgres = pytest.mark.parametrize("kind", ("postgres",))
on_sqlite = pytest.mark.parametrize("kind", ("sqlite",))


@pytest.fixture
def shop(kind: str, request: pytest.FixtureRequest) -> Shop:
    """With the table of prices. ``generic`` is a SQLite that is written to as if nobody knew its upsert."""
    found: Shop = request.getfixturevalue("postgres_shop" if kind == "postgres" else "sqlite_shop")
    found.run(TABLE)
    return found


@pytest.fixture
async def build(ports: Ports) -> AsyncIterator[Callable[..., SqlDestination]]:
    """Builds destinations for any URL, and closes them."""
    built: list[SqlDestination] = []

    def make(url: str, **settings: Any) -> SqlDestination:
        facts = {"table": "prices", "keys": ["sku"], "timeout": 5} | settings
        destination = SqlDestination(
            SqlDestination.Settings.model_validate(facts),  # type: ignore[arg-type]
            SqlDestination.Credentials.model_validate({"url": url}),  # type: ignore[arg-type]
            ports,
        )
        built.append(destination)
        return destination

    yield make
    for destination in built:
        await destination.close()


@pytest.fixture
def make(shop: Shop, kind: str, build: Make) -> Make:
    """Builds destinations for the test's database."""

    def made(**settings: Any) -> SqlDestination:
        destination = build(shop.url, **settings)
        if kind == "generic":
            known = destination._known_target()
            destination._target = replace(known, dialect="generic", _writers={})
        return destination

    return made


def price(item: MakeItem, number: int, amount: Any = "32.85", **more: Any) -> Item:
    return item(number, {"sku": f"sku-{number}", "price": Decimal(amount), **more})


async def test_a_record_is_inserted_and_then_updated(shop: Shop, make: Make, item: MakeItem) -> None:
    """By its key, digit for digit; a repetition changes nothing."""
    destination = make()

    first = await destination.push([price(item, 1), price(item, 2, "7", stock=3)])
    await destination.push([price(item, 1, "0.10"), price(item, 3)])
    await destination.push([price(item, 1, "0.10"), price(item, 3)])

    assert [(type(result), result.external_id) for result in first] == [
        (Success, "sku-1"),
        (Success, "sku-2"),
    ]
    assert all(result.duration_ms is not None for result in first)
    assert [(sku, Decimal(str(amount))) for sku, amount, *_ in shop.prices()] == [
        ("sku-1", Decimal("0.10")),
        ("sku-2", Decimal(7)),
        ("sku-3", Decimal("32.85")),
    ]


async def test_columns_that_a_record_lacks_stay_as_they_are(shop: Shop, make: Make, item: MakeItem) -> None:
    """New rows get the table's defaults; null is written where a record has null."""
    destination = make()
    await destination.push([price(item, 1, currency="EUR", stock=5), price(item, 2)])

    await destination.push([price(item, 1), price(item, 2, stock=None)])

    assert [row[2:] for row in shop.prices()] == [("EUR", 5), ("USD", None)]


async def test_records_of_one_row_are_written_in_their_order(shop: Shop, make: Make, item: MakeItem) -> None:
    """The last one wins, though the columns of the one between are others."""
    records = [
        price(item, 1, "1"),
        price(item, 1, "2", stock=2),
        price(item, 1, "3"),
        price(item, 1, "4", stock=4),
    ]

    await make().push(records)

    assert [(int(row[1]), row[3]) for row in shop.prices()] == [(4, 4)]


async def test_a_key_of_several_columns_and_nothing_else(shop: Shop, make: Make, item: MakeItem) -> None:
    """A row that is all key is inserted once."""
    shop.run("CREATE TABLE shelf (shop integer, sku text, PRIMARY KEY (shop, sku))")
    destination = make(table="shelf", keys=["sku", "shop"])

    for _ in range(2):
        results = await destination.push([item(1, {"sku": "a", "shop": 7}), item(2, {"sku": "a", "shop": 8})])

    assert [result.external_id for result in results] == ["a:7", "a:8"]
    assert shop.run("SELECT shop, sku FROM shelf ORDER BY shop") == [(7, "a"), (8, "a")]


async def test_one_bad_record_is_rejected_alone(shop: Shop, make: Make, item: MakeItem) -> None:
    """The database refuses it, and the others of its slice are there."""
    results = await make().push([price(item, 1), price(item, 2, stock=-1), price(item, 3)])

    assert [type(result) for result in results] == [Success, Rejected, Success]
    assert results[1].errors[0].startswith("the database refused it: ")
    assert "stock" in results[1].errors[0]
    assert [row[0] for row in shop.prices()] == ["sku-1", "sku-3"]


async def test_all_that_is_wrong_with_a_record_is_said_at_once(
    shop: Shop, make: Make, item: MakeItem
) -> None:
    """Before the database is asked."""
    body = {"sku": None, "price": None, "colour": "red", "stock": "1.5", "idem": "x", "currency": "EURO"}

    results = await make(idempotency_column="idem").push(
        [item(1, body), item(2, ["no", "object"]), price(item, 3)]
    )

    assert [type(result) for result in results] == [Rejected, Rejected, Success]
    assert [error.split(":")[0] for error in results[0].errors] == [
        "colour",
        "idem",
        "sku",
        "price",
        "currency",
        "stock",
    ]
    assert "a row needs an object" in results[1].errors[0]
    assert [row[0] for row in shop.prices()] == ["sku-3"]


async def test_the_idempotency_key_can_be_kept(shop: Shop, make: Make, item: MakeItem) -> None:
    """So that somebody can see which version a row holds."""
    await make(idempotency_column="idem").push([price(item, 1), price(item, 2)])

    assert shop.run("SELECT idem FROM prices ORDER BY sku") == [("key-1",), ("key-2",)]


@pytest.mark.parametrize("kind", ("sqlite", "postgres"))
async def test_a_key_that_no_index_covers_is_found_by_check(shop: Shop, make: Make) -> None:
    """With the statement that mends it; a partial index covers only some rows."""
    shop.run("CREATE UNIQUE INDEX some_idem ON prices (idem) WHERE stock > 0")

    with pytest.raises(ConfigurationError) as caught:
        await make(keys=["idem"]).check()

    assert caught.value.field == "destination.settings.keys"
    assert "CREATE UNIQUE INDEX ON prices (idem)" in str(caught.value)


async def test_check_shows_what_a_record_has_to_bring(shop: Shop, make: Make) -> None:
    """Columns with their types, and those without a default."""
    facts = (await make().check()).facts

    assert facts["required"] == [name for name in ("sku", "price") if name in facts["required"]]
    assert "price" in facts["required"]
    assert list(facts["columns"]) == ["sku", "price", "currency", "stock", "idem"]


@pytest.mark.parametrize(
    ("settings", "field", "remedy"),
    (
        ({"table": "price"}, "table", "no table 'price'; there are: prices"),
        ({"keys": ["sku", "shop"]}, "keys", "has no column 'shop'; there are: sku, price"),
        ({"idempotency_column": "key"}, "idempotency_column", "has no column 'key'"),
    ),
)
async def test_what_the_table_lacks_is_found_by_check(
    shop: Shop, build: Make, *, settings: Any, field: str, remedy: str
) -> None:
    """By the name of the setting."""
    with pytest.raises(ConfigurationError) as caught:
        await build(shop.url, **settings).check()

    assert caught.value.field == f"destination.settings.{field}"
    assert remedy in str(caught.value)


async def test_a_table_that_changes_is_looked_at_again(
    shop: Shop, make: Make, item: MakeItem, kind: str
) -> None:
    """Dropped, it fails for now; made anew, it is used as it is then."""
    destination = make()
    await destination.push([price(item, 1)])
    shop.run("DROP TABLE prices")

    with pytest.raises(RetryableError):
        await destination.push([price(item, 1)])

    shop.run(TABLE.replace("idem", "colour"))
    results = await destination.push([price(item, 1, colour="red")])
    assert [type(result) for result in results] == [Success]


async def test_a_push_that_nobody_waits_for_any_more_is_not_committed(
    shop: Shop, make: Make, item: MakeItem, kind: str
) -> None:
    """A worker that stops hands its records back; its thread must not write them later, over newer ones."""
    destination = make()
    await destination.push([price(item, 1)])
    target = destination._known_target()
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(connection: Any, rows: Any) -> None:
        type(target).write(target, connection, rows)
        begun.set()
        go_on.wait(10)

    destination._target = replace(target)
    object.__setattr__(destination._target, "write", slow)
    original = destination._push

    def told(*args: Any) -> Any:
        try:
            return original(*args)
        finally:
            ended.set()

    destination._push = told  # type: ignore[method-assign]
    task = asyncio.create_task(destination.push([price(item, 1, "99")]))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.to_thread(ended.wait, 10)

    assert Decimal(str(shop.prices()[0][1])) == Decimal("32.85")


async def test_two_writers_of_one_row_both_succeed(shop: Shop, make: Make, item: MakeItem) -> None:
    """Whoever comes second updates what the first one has inserted."""
    one, two = make(), make()

    for number in range(20):
        results = await asyncio.gather(one.push([price(item, number)]), two.push([price(item, number)]))
        assert [type(result) for (result,) in results] == [Success, Success]

    assert len(shop.prices()) == 20


async def test_a_large_slice_is_one_transaction(shop: Shop, make: Make, item: MakeItem) -> None:
    """All of it, and its results in order."""
    results = await make().push([price(item, number) for number in range(500)])

    assert [result.external_id for result in results] == [f"sku-{number}" for number in range(500)]
    assert len(shop.prices()) == 500


@on_postgres
async def test_every_type_takes_its_json_value(shop: Shop, make: Make, item: MakeItem) -> None:
    """Exactly, numbers within JSON included."""
    shop.run(
        """CREATE TABLE wide (id uuid PRIMARY KEY, amount numeric, day date, at timestamptz, local timestamp,
           clock time, doc jsonb, plain json, flag boolean, big bigint, ratio double precision, tags text[],
           twice integer GENERATED ALWAYS AS (1 + 1) STORED)"""
    )
    body = {
        "id": "6f1c0b6e-3c1e-4f5e-9d5c-0a4d4b2f5c11",
        "amount": "1234567890123456789.123456789",
        "day": "2026-04-27",
        "at": "2026-04-27T10:00:00+02:00",
        "local": "2026-04-27T10:00:00",
        "clock": "10:00:00",
        "doc": {"price": Decimal("0.10"), "list": [1]},
        "plain": [Decimal("1.10")],
        "flag": True,
        "big": 2**62,
        "ratio": Decimal("0.5"),
        "tags": ["a", "b"],
    }

    results = await make(table="wide", keys=["id"]).push([item(1, body)])

    assert [type(result) for result in results] == [Success]
    (row,) = shop.run("SELECT id, amount, day, at, local, flag, big, ratio, tags FROM wide")
    assert row == (
        uuid.UUID(body["id"]),
        Decimal(body["amount"]),
        date(2026, 4, 27),
        datetime(2026, 4, 27, 8, tzinfo=UTC),
        datetime(2026, 4, 27, 10),  # noqa: DTZ001
        True,
        2**62,
        0.5,
        ["a", "b"],
    )
    assert shop.run("SELECT doc::text, plain::text FROM wide") == [('{"list": [1], "price": 0.10}', "[1.10]")]


@on_postgres
async def test_null_in_a_json_column_is_no_value(shop: Shop, make: Make, item: MakeItem) -> None:
    """Not the JSON text null."""
    shop.run("CREATE TABLE docs (id text PRIMARY KEY, doc jsonb)")

    await make(table="docs", keys=["id"]).push([item(1, {"id": "a", "doc": None})])

    assert shop.run("SELECT doc IS NULL FROM docs") == [(True,)]


@pytest.mark.parametrize(
    ("statement", "bad", "word"),
    (
        ("ALTER TABLE prices ADD COLUMN n smallint", {"n": 70_000}, "out of range"),
        (
            "CREATE TYPE size AS ENUM ('s', 'm'); ALTER TABLE prices ADD COLUMN n size",
            {"n": "xl"},
            "takes one of s, m",
        ),
        ("ALTER TABLE prices ADD COLUMN n inet", {"n": "nowhere"}, "inet"),
        ("ALTER TABLE prices ADD COLUMN n inet", {"n": 7}, "inet"),
        ("ALTER TABLE prices ADD COLUMN n text", {"n": "a\0b"}, "NUL"),
        (
            """CREATE TABLE known (c text PRIMARY KEY);
            ALTER TABLE prices ADD COLUMN n text REFERENCES known DEFERRABLE INITIALLY DEFERRED""",
            {"n": "unknown"},
            "foreign key",
        ),
        (
            """CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.stock = 13 THEN
            RAISE EXCEPTION 'thirteen is refused'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON prices FOR EACH ROW EXECUTE FUNCTION no()""",
            {"stock": 13},
            "thirteen",
        ),
    ),
)
@on_postgres
async def test_whatever_the_database_refuses_is_rejected_alone(
    shop: Shop, make: Make, item: MakeItem, *, statement: str, bad: Any, word: str
) -> None:
    """Ranges, enums, texts, constraints at the end of the transaction, triggers."""
    shop.run(statement)

    results = await make().push([price(item, 1), price(item, 2, **bad), price(item, 3)])

    assert [type(result) for result in results] == [Success, Rejected, Success]
    assert word in results[1].errors[0]
    assert [row[0] for row in shop.prices()] == ["sku-1", "sku-3"]


@on_postgres
async def test_a_computed_column_is_left_to_the_database(shop: Shop, make: Make, item: MakeItem) -> None:
    """With the remedy, and only for the record that brings it."""
    shop.run("ALTER TABLE prices ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED")

    results = await make().push([price(item, 1, twice=1), price(item, 2)])

    assert results[0].errors == ("twice: is computed by the database; leave it out of the mapping",)
    assert type(results[1]) is Success


@on_postgres
async def test_a_schema_of_its_own(shop: Shop, make: Make, item: MakeItem) -> None:
    """Named by the setting ``schema``."""
    shop.run("CREATE SCHEMA erp")
    shop.run(TABLE.replace("prices", "erp.prices"))

    await make(schema="erp").push([price(item, 1)])

    assert shop.prices() == []
    assert shop.run("SELECT sku FROM erp.prices") == [("sku-1",)]


@on_postgres
async def test_a_refused_login_asks_for_a_new_one(shop: Shop, build: Make, item: MakeItem) -> None:
    """And never shows the password."""
    url = make_url(shop.url).set(drivername="postgresql", username="nobody", password="s3cret")
    destination = build(url.render_as_string(hide_password=False))

    with pytest.raises(ReauthorizationError) as caught:
        await destination.push([price(item, 1)])

    assert "nobody" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@on_postgres
async def test_a_lock_that_lasts_is_tried_again(shop: Shop, make: Make, item: MakeItem) -> None:
    """A statement ends with the timeout, and no record is blamed."""
    destination = make(timeout=1)
    await destination.push([price(item, 1)])
    engine = create_engine(shop.url)
    with engine.connect() as other:
        other.execute(text("UPDATE prices SET stock = 1"))

        with pytest.raises(RetryableError) as caught:
            await destination.push([price(item, 1)])
        other.rollback()
    engine.dispose()

    assert "statement timeout" in str(caught.value)
    assert "32.85" not in str(caught.value.__cause__), "a traceback shows no record"
    assert [type(result) for result in await destination.push([price(item, 1)])] == [Success]


@on_postgres
async def test_a_connection_that_was_cut_is_made_anew(shop: Shop, make: Make, item: MakeItem) -> None:
    """A restart of the database costs one look."""
    destination = make()
    await destination.push([price(item, 1)])
    shop.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    results = await destination.push([price(item, 2)])

    assert [type(result) for result in results] == [Success]


@on_postgres
async def test_an_insert_that_another_writer_was_quicker_with_becomes_an_update(
    shop: Shop, make: Make, item: MakeItem
) -> None:
    """At once, also where the database has no statement for both in one."""
    destination = make()
    target = replace(destination._known_target(), dialect="generic", _writers={})

    def write() -> None:
        with destination._engine.begin() as connection:
            target.write(connection, [target.row(price(item, 1, "2"))])

    engine = create_engine(shop.url)
    with engine.connect() as other:
        other.execute(text("INSERT INTO prices (sku, price) VALUES ('sku-1', 1)"))
        written = asyncio.create_task(asyncio.to_thread(write))
        await asyncio.to_thread(shop.wait_for_a_lock)
        other.commit()
    engine.dispose()
    await written

    assert [row[1] for row in shop.prices()] == [Decimal(2)]


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    (
        ("numeric", "0.1234567890123456", "SQLite keeps 15 digits; use a text column"),
        ("integer", 2**63, "SQLite's integers end at"),
        ("date", "27.04.2026", "takes a date as a text in its standard form"),
        ("timestamp", "2026-04-27T10:00:00Z", "keeps no time zone"),
        ("boolean", "yes", "takes true or false"),
        ("text", 5, 'takes text, not 5; map it with cast = "string"'),
        ("varchar(2)", "abc", "holds 2 characters"),
        ("blob", "abc", "holds bytes"),
        ("text", "\ud800", "is no Unicode"),
        ("", {"a": 1}, "takes a single value"),
        ("float", "x", "takes a number"),
        ("numeric", [1], "takes a number"),
    ),
)
@on_sqlite
async def test_what_would_be_changed_on_its_way_is_rejected(
    shop: Shop, make: Make, item: MakeItem, *, column: str, value: Any, complaint: str
) -> None:
    """SQLite takes almost anything for any column, and rounds."""
    shop.run(f"ALTER TABLE prices ADD COLUMN v {column}")

    results = await make().push([price(item, 1, v=value), price(item, 2)])

    assert [type(result) for result in results] == [Rejected, Success]
    assert complaint in results[0].errors[0]


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, build: Make) -> None:
    """A typing error in the path is an error."""
    with pytest.raises(RetryableError) as caught:
        await build(f"sqlite:///{tmp_path}/typo.db").check()

    assert "unable to open database file" in str(caught.value)
    assert not (tmp_path / "typo.db").exists()


@on_sqlite
async def test_a_database_that_is_locked_is_tried_again(shop: Shop, make: Make, item: MakeItem) -> None:
    """After the timeout."""
    destination = make(timeout=1)
    engine = create_engine(shop.url)
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")

        with pytest.raises(RetryableError) as caught:
            await destination.push([price(item, 1)])
        other.rollback()
    engine.dispose()

    assert "database is locked" in str(caught.value)


async def test_a_database_that_is_away_is_tried_again(build: Make, item: MakeItem) -> None:
    """And its name is all that is shown of its URL."""
    destination = build("postgresql://user:s3cret@127.0.0.1:1/erp?application_name=s3cret")

    with pytest.raises(RetryableError) as caught:
        await destination.push([price(item, 1)])

    assert "postgresql://127.0.0.1:1/erp" in str(caught.value)
    assert "s3cret" not in str(caught.value)
