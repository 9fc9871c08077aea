"""A record may only name what changed: it is read when it is worked."""

from __future__ import annotations

from hub import codec
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
