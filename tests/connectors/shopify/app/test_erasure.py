"""A person who has to go is gone from every text that a tenant keeps, on both databases, and the history says so."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from hub.loop.disconnect import disconnect
from hub.loop.errands import work_off
from hub.records import BadRecord, Record
from hub.store import connections
from hub.store.catalog import tables as _catalog  # noqa: F401 - declares its tables
from hub.store.erasure import held_of
from hub.store.ledger import claim
from hub.store.ledger.sweep import prune
from hub.store.tables import metadata
from hub.testing.books import assert_tallies_are_the_rows
from tests.connectors.shopify.app.shops import OTHER, SHOP, Shops

ANN, BEN = "gid://shopify/Customer/1", "gid://shopify/Customer/2"
#: All that stands for Ann, in the ways in which it got here.
TRACES = (
    "ann.smith@example.com",
    "ANN.SMITH@example.com",
    "+49 170 1234567",
    "Ann Zoë Smith",
    "Elm Street 9",
)
REDACT = {
    "shop_domain": SHOP,
    "customer": {"id": 1, "email": "ann.smith@example.com", "phone": "+49 170 1234567"},
    "orders_to_redact": [],
}


def customer(key: str, first: str, last: str, email: str, phone: str, street: str) -> Record:
    """A customer as an import brings one."""
    body = {
        "kind": "customer",
        "key": key,
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": phone,
        "addresses": [{"address1": street, "phone": phone}],
    }
    return Record(stream="customers", key=key, payload=body)


ANN_RECORD = customer(ANN, "Ann Zoë", "Smith", "ann.smith@example.com", "+49 170 1234567", "Elm Street 9")
BEN_RECORD = customer(BEN, "Ben", "Jones", "ben@example.com", "+49 170 7654321", "Oak Street 1")
PRODUCT = Record(
    stream="products",
    key="gid://shopify/Product/7",
    payload={"kind": "product", "key": "gid://shopify/Product/7", "brand": "Ann Zoë Smith"},
)


async def traces(shops: Shops, *texts: str, tenant: str | None = None) -> list[str]:
    """Every place where one of the texts stands: all text columns of all tables are looked through."""
    found = []
    ids = {row["name"]: row["id"] for row in await shops.table("tenant")}
    for table in metadata.sorted_tables:
        for row in await shops.table(table.name):
            if tenant is not None and row.get("tenant_id") != ids[tenant]:
                continue
            for column in table.columns:
                if isinstance(column.type, sqlalchemy.String) and row[column.name]:
                    text = str(row[column.name]).lower()
                    found += [f"{table.name}.{column.name}: {one}" for one in texts if one.lower() in text]
    return found


async def spread(shops: Shops, name: str, *, tenant: str, shop: str = SHOP) -> Any:
    """A connection whose customers stand in the catalog, in records of every state, and in texts of all kinds."""
    stored = await shops.connect(name, tenant=tenant, shop=shop)
    await shops.bring(stored, ANN_RECORD, BEN_RECORD, PRODUCT)
    await shops.bring(
        stored,
        Record(stream="stock", key="about", payload={"kind": "nothing", "note": "for ANN.SMITH@example.com"}),
        bad=[
            BadRecord(
                reason="no key: Ann Zoë Smith", raw=f'{{"id": "{ANN}", "name": "Zoë"}}', stream="customers"
            )
        ],
    )
    await shops.bring(
        stored,
        Record(stream="customers", key="raw-1", payload={"id": ANN, "firstName": "Zoë", "note": "call her"}),
        work=False,
    )
    await shops.db.run(plant, shops, stored.id)
    return stored


def plant(shops: Shops, connection_id: int) -> None:
    """Texts that other parts of the hub may leave behind."""
    db = shops.db
    with db.transaction() as tx:
        given = {"id": connection_id, "tenant": 0}
        row = db.execute(
            tx,
            "SELECT id, tenant_id FROM record WHERE connection_id = :id AND key = :key",
            id=connection_id,
            key=ANN,
        ).first()
        assert row is not None
        given |= {"tenant": row.tenant_id, "record": row.id}
        for sql in (
            (
                "INSERT INTO attempt (tenant_id, record_id, stage, number, at, result, error) "
                "VALUES (:tenant, :record, 'push', 1, 0, 'retry', 'Ann Zoë Smith is taken') "
            ),
            (
                "INSERT INTO document (connection_id, name, tenant_id, body) "
                "VALUES (:id, 'import:last', :tenant, '{\"last\": \"ann.smith@example.com\"}')"
            ),
            (
                "INSERT INTO id_map (connection_id, kind, key, tenant_id, external_id) "
                "VALUES (:id, 'customer', 'ann.smith@example.com', :tenant, 'Ann Zoë Smith')"
            ),
            (
                "INSERT INTO id_map (connection_id, kind, key, tenant_id, external_id) "
                "VALUES (:id, 'customer', 'x', :tenant, '+49 170 1234567')"
            ),
            (
                "INSERT INTO memory (connection_id, stream, key, tenant_id, record_id, order_key, number, content_hash, state, "
                "error, total_attempts) VALUES (:id, 'customers', 'old', :tenant, 0, 'ann.smith@example.com', 1, 'h', "
                "'rejected', 'ann.smith@example.com', 1)"
            ),
            "UPDATE schedule SET last_error = 'no answer for ann.smith@example.com' WHERE connection_id = :id",
            (
                "INSERT INTO history (tenant_id, connection_id, name, at, what, who, facts) "
                "VALUES (:tenant, :id, 'x', 0, 'refused', 'hub', '{\"reason\": \"ann.smith@example.com\"}')"
            ),
            (
                f"INSERT INTO history (tenant_id, connection_id, name, at, what, who, facts) "
                f"VALUES (:tenant, :id, 'x', 0, 'data requested', 'platform', '{{\"keys\": [\"{ANN}\"]}}')"
            ),
        ):
            used = {name: value for name, value in given.items() if f":{name}" in sql}
            db.execute(tx, sql.replace('":', '"\\:').replace("import:last", "import\\:last"), **used)


async def test_a_person_is_gone_from_every_text(shops: Shops) -> None:
    """And the other customer, and what Ann has in common with goods, are as they were."""
    await spread(shops, "one", tenant="a")
    assert {trace.partition(":")[2].strip() for trace in await traces(shops, *TRACES)} == set(TRACES)

    answer = await shops.send("customers/redact", REDACT)
    await shops.settled()

    assert answer.status_code == 200
    left = await traces(shops, *TRACES, "Zoë")
    assert {place.partition(":")[0] for place in left} == {"catalog_product.content"}
    rows = {row["key"]: row for row in await shops.table("catalog_customer")}
    assert rows[ANN]["gone_at"] is not None
    assert "Jones" in rows[BEN]["content"]
    assert (await shops.lines("one"))[-1] == "person erased"
    assert await traces(shops, "ben@example.com")
    await shops.db.run(assert_tallies_are_the_rows, shops.db)


async def test_who_follows_the_catalog_hears_of_it(shops: Shops) -> None:
    """An export has to take the person out on the other side."""
    one = await spread(shops, "one", tenant="a")
    pipeline = await shops.runtime.pipeline(one.id)
    catalog = pipeline.connector.ports.catalog
    assert catalog
    seen = await catalog.changes(["customer"], after={}, counterpart="one")

    await shops.send("customers/redact", REDACT)
    await shops.settled()

    after = await catalog.changes(["customer"], after=seen.cursor, counterpart="one")
    assert [(change.key, change.gone) for change in after.changes] == [(ANN, True)]


async def test_every_tenant_that_held_the_shop_is_reached(shops: Shops) -> None:
    """Also who disconnected it, and who removed the connection; and nobody else."""
    await spread(shops, "one", tenant="a")
    two = await spread(shops, "two", tenant="b")
    await spread(shops, "three", tenant="c")
    await spread(shops, "other", tenant="d", shop=OTHER)
    await disconnect(shops.runtime, two.id)
    await shops.db.run(lambda: connections.remove_connection(shops.db, "three", even_if_open=True))
    kept = await traces(shops, *TRACES, tenant="d")

    await shops.send("customers/redact", REDACT)
    await shops.settled()

    for tenant in ("a", "b", "c"):
        assert {place.partition(":")[0] for place in await traces(shops, *TRACES, tenant=tenant)} <= {
            "catalog_product.content"
        }
    assert await traces(shops, *TRACES, tenant="d") == kept
    assert (await shops.lines("three"))[-2:] == ["removed", "person erased"]
    assert (await shops.lines("other"))[-1] == "connected"


async def test_what_waits_to_be_done_is_not_readable(shops: Shops) -> None:
    """The webhook itself is personal data."""
    await shops.connect("one", tenant="a")
    from hub.connector import PersonErased
    from hub.loop.errands import written
    from hub.store import errands, holds

    [holder] = await shops.db.run(holds.holders, shops.db, "shopify", SHOP)
    told = shops.runtime.secrets.encrypt(written(PersonErased(keys=[ANN], texts=["ann.smith@example.com"])))
    await shops.db.run(lambda: errands.keep(shops.db, [(holder, [told])], webhook_id="w"))

    assert await shops.table("errand")
    assert await traces(shops, *TRACES) == []
    assert await work_off(shops.runtime) == 1
    assert await shops.table("errand") == []


async def test_a_record_in_hands_is_waited_for(shops: Shops) -> None:
    """A worker would write the person into the catalog afterwards."""
    one = await shops.connect("one", tenant="a")
    await shops.bring(one, ANN_RECORD, work=False)
    held = await shops.db.run(
        lambda: claim.claim_work(shops.db, one.id, worker="w", lease=60_000_000, limit=10)
    )
    assert held

    await shops.send("customers/redact", REDACT)
    await shops.runtime.db.run(lambda: None)
    assert await work_off(shops.runtime) == 0
    assert len(await shops.table("errand")) == 1

    with shops.db.transaction() as tx:
        shops.db.execute(tx, "UPDATE record SET claim_id = NULL, state = 'waiting'")
        shops.db.execute(tx, "UPDATE tally SET waiting = waiting + working, working = 0")
    await shops.settled()

    assert await traces(shops, *TRACES) == []
    assert [row["state"] for row in await shops.table("record")] == ["discarded"]
    await shops.db.run(assert_tallies_are_the_rows, shops.db)


async def test_what_was_pruned_is_reached(shops: Shops) -> None:
    """Its memory says nothing of the person any more, and the person may come again."""
    one = await shops.connect("one", tenant="a")
    await shops.bring(one, ANN_RECORD)
    await shops.db.run(prune, shops.db, keep=-1_000_000)
    before = (await shops.table("memory"))[0]["content_hash"]

    await shops.send("customers/redact", REDACT)
    await shops.settled()

    [row] = await shops.table("memory")
    assert before != row["content_hash"] == ""
    await shops.bring(one, ANN_RECORD)
    assert "Zoë" in (await shops.table("catalog_customer"))[0]["content"]


async def test_a_shop_that_has_to_go_leaves_goods_alone(shops: Shops) -> None:
    """Customers, and all that is kept as it came, are erased; what the tenant imported of goods is theirs."""
    one = await spread(shops, "one", tenant="a")
    await spread(shops, "other", tenant="a", shop=OTHER)
    await shops.send("app/uninstalled", {"myshopify_domain": SHOP})
    await shops.settled()

    await shops.send("shop/redact", {"shop_id": 1, "shop_domain": SHOP})
    await shops.settled()

    rows = await shops.table("record")
    assert {row["payload"] for row in rows if row["connection_id"] == one.id} == {"{}"}
    products = await shops.table("catalog_product")
    assert [row["gone_at"] for row in products] == [None]
    assert "brand" in products[0]["content"]
    assert (await shops.lines("one"))[-1] == "account erased"
    [hold] = [row for row in await shops.table("app_hold") if row["name"] == "one"]
    assert hold["erased_at"] is not None
    await shops.db.run(assert_tallies_are_the_rows, shops.db)


async def test_a_customer_that_two_shops_gave_keeps_what_the_other_gave(shops: Shops) -> None:
    """Field by field."""
    one = await shops.connect("one", tenant="a")
    two = await shops.connect("two", tenant="a", shop=OTHER)
    await shops.bring(one, ANN_RECORD)
    await shops.bring(
        two, Record(stream="customers", key=ANN, payload={"kind": "customer", "key": ANN, "tags": ["vip"]})
    )

    await shops.send("shop/redact", {"shop_id": 1, "shop_domain": SHOP})
    await shops.settled()

    [row] = await shops.table("catalog_customer")
    assert (row["content"], row["gone_at"]) == ('{"tags":["vip"]}', None)
    assert await traces(shops, *TRACES) == []


async def test_another_shops_records_of_the_same_person_are_left_alone(shops: Shops) -> None:
    """Open ones are still to be worked, and what it gave and gives of the person is as it came."""
    one = await shops.connect("one", tenant="a")
    two = await shops.connect("two", tenant="a", shop=OTHER)
    await shops.bring(one, ANN_RECORD)
    theirs = Record(stream="customers", key=ANN, payload={"kind": "customer", "key": ANN, "email": TRACES[0]})
    bad = BadRecord(reason="twice", raw=f'{{"id": "{ANN}", "email": "{TRACES[0]}"}}', stream="customers")
    await shops.bring(two, theirs, bad=[bad])
    await shops.bring(two, ANN_RECORD, work=False)
    before = [row for row in await shops.table("record") if row["connection_id"] == two.id]
    assert "waiting" in {row["state"] for row in before}

    await shops.send("shop/redact", {"shop_id": 1, "shop_domain": SHOP})
    await shops.settled()

    rows = await shops.table("record")
    assert [row for row in rows if row["connection_id"] == two.id] == before
    assert {row["payload"] for row in rows if row["connection_id"] == one.id} == {"{}"}
    assert [row["raw"] for row in await shops.table("quarantine")] == [bad.raw]
    assert [row["content"] for row in await shops.table("catalog_customer")] == [f'{{"email":"{TRACES[0]}"}}']
    await shops.db.run(assert_tallies_are_the_rows, shops.db)


async def test_a_request_for_data_is_noted_and_can_be_answered(shops: Shops) -> None:
    """By number alone, and by a command that shows what is held."""
    one = await spread(shops, "one", tenant="a")

    await shops.send(
        "customers/data_request", REDACT | {"orders_requested": [], "data_request": {"id": 9999}}
    )
    await shops.settled()

    assert (await shops.lines("one"))[-1] == "data requested"
    facts = (await shops.table("history"))[-1]["facts"]
    assert facts == f'{{"keys":["{ANN}"],"reference":"9999"}}'
    held = await shops.db.run(held_of, shops.db, one.tenant_id, [ANN])
    assert held["catalog"][0]["content"]["email"] == "ann.smith@example.com"
    assert [record["key"] for record in held["records"]] == [ANN]
    assert len(held["quarantine"]) == 1


async def test_a_key_that_begins_like_anothers_names_somebody_else(shops: Shops) -> None:
    """Customer 12 is not customer 1: neither erased nor shown with them."""
    one = await shops.connect("one", tenant="a")
    for number in (1, 12):
        raw = f'{{"id": "gid://shopify/Customer/{number}"}}'
        await shops.bring(one, bad=[BadRecord(reason="no name", raw=raw, stream="customers")])
        body = {"shop_domain": SHOP, "customer": {"id": number}, "data_request": {"id": 9999}}
        await shops.send("customers/data_request", body)
    await shops.settled()
    held = await shops.db.run(held_of, shops.db, one.tenant_id, [ANN])

    await shops.send("customers/redact", {"shop_domain": SHOP, "customer": {"id": 1}})
    await shops.settled()

    assert [row["raw"] for row in held["quarantine"]] == [f'{{"id": "{ANN}"}}']
    assert [row["raw"] for row in await shops.table("quarantine")] == ['{"id": "gid://shopify/Customer/12"}']
    asked = [row["facts"] for row in await shops.table("history") if row["what"] == "data requested"]
    assert sorted(asked) == [
        '{"keys":["gid://shopify/Customer/12"],"reference":"9999"}',
        "{}",
    ]


@pytest.mark.parametrize("text", ("short", "", "a@b"))
async def test_odd_texts_erase_nobody_elses(shops: Shops, text: str) -> None:
    """What the platform says may be anything."""
    await spread(shops, "one", tenant="a")
    body = REDACT | {"customer": {"id": 77, "email": text, "phone": None}}

    assert (await shops.send("customers/redact", body)).status_code == 200
    await shops.settled()

    assert await traces(shops, "ben@example.com")
    assert len(await traces(shops, "ann.smith@example.com")) > 3
