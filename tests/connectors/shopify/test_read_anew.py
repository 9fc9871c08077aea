"""A record may only name what changed: it is read when it is worked."""

from __future__ import annotations

import pytest

from hub import codec
from hub.connector import WebhookRequest
from hub.records import Item
from tests.connectors.shopify.conftest import NAME, Serve

PRODUCT = "gid://shopify/Product/8000000000001"


async def test_what_is_named_is_read_as_a_pass_reads_it(importing: Serve) -> None:
    """The body is the pass's own, so that the next pass finds nothing new."""
    async with importing({"pages_up_to": 0}, products=3, collections=3) as shop:
        await shop.run()
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        [whole] = [row for row in shop.hub.rows(NAME) if row["key"] == PRODUCT]
        item = Item(id=1, stream="products", key=PRODUCT, payload={"read": PRODUCT})
        [read] = await connector.fetch([item])

    assert read.payload == codec.loads(whole["payload"])


async def test_what_is_not_there_any_more_is_marked_as_gone(importing: Serve) -> None:
    """Whoever named it was late."""
    async with importing({}, products=3) as shop:
        shop.tell("delete", ids=[PRODUCT], webhooks=False)
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        [read] = await connector.fetch(
            [Item(id=1, stream="products", key=PRODUCT, payload={"read": PRODUCT})]
        )

    assert read.payload == {"kind": "product", "operation": "delete", "key": PRODUCT}


async def test_a_name_that_waits_is_not_replaced_by_content_that_may_be_older(importing: Serve) -> None:
    """Reading anew brings the latest."""
    async with importing({}, products=1) as shop:
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector

    assert connector.merge({"read": "a"}, {"kind": "product"}) == {"read": "a"}
    assert connector.merge({"kind": "product"}, {"read": "a"}) == {"read": "a"}


async def test_the_ledger_tells_the_hash_of_what_came_last(importing: Serve) -> None:
    """Of keys that never came it tells nothing."""
    async with importing({"resources": ["locations"]}) as shop:
        await shop.run()
        ports = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector.ports
        assert ports.ledger is not None
        keys = [row["key"] for row in shop.hub.rows(NAME)]
        hashes = await ports.ledger.hashes("locations", [*keys, "unknown"])

    assert hashes == {row["key"]: row["content_hash"] for row in shop.hub.rows(NAME)}


@pytest.mark.parametrize("part", ("name", "email", "phone"))
async def test_what_the_app_may_not_see_is_left_as_it_is(importing: Serve, part: str) -> None:
    """Null is what the platform answers for it, and says nothing about the customer."""
    async with importing({"resources": ["customers"]}, customers=6) as shop:
        await shop.run()
        before = await shop.catalog("customer")
        shop.tell("protect", fields=[part])
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        items = [Item(id=1, stream="customers", key=key, payload={"read": key}) for key in before]
        read = [item.payload for item in await connector.fetch(items)]

    fields = {"name": {"first_name", "last_name"}}.get(part, {part})
    held = [one for one, was in zip(read, before.values(), strict=True) if any(map(was.get, fields))]
    assert held
    assert not any(fields & one.keys() for one in held)
    assert all({"first_name", "email", "phone"} - fields <= one.keys() for one in read)


@pytest.mark.parametrize("there", (True, False))
async def test_a_delete_is_looked_for_before_it_is_believed(importing: Serve, there: bool) -> None:
    """Topic and shop stand in headers, which nobody signs."""
    async with importing({"resources": ["products"]}, products=3) as shop:
        connector = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        told = WebhookRequest(
            method="POST",
            path="",
            query={},
            headers={"x-shopify-topic": "products/delete"},
            body=b'{"id": 8000000000001}',
        )
        record = connector._record("products/delete", told)  # type: ignore[attr-defined]
        if not there:
            shop.tell("delete", ids=[PRODUCT], webhooks=False)
        [read] = await connector.fetch([Item(id=1, stream="products", key=PRODUCT, payload=record.payload)])

    assert record.key == PRODUCT
    assert (read.payload.get("operation") == "delete") is not there
