"""What a shop's answer leaves out is not taken for gone."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.shopify.by_pages import ByPages
from connectors.shopify.client import Answer
from connectors.shopify.joining import IncompleteError, joined
from connectors.shopify.planning import Scratch
from connectors.shopify.resources import ALL
from connectors.shopify.settings import ShopifySettings
from connectors.shopify.tally import new
from hub.errors import RetryableError
from hub.records import JSON
from tests.connectors.shopify.conftest import NAME, Import, Serve

END = {"hasNextPage": False, "endCursor": None}
MORE = {"hasNextPage": True, "endCursor": "here"}
ADDRESS = {"id": "gid://shopify/MailingAddress/1"}
ANN: JSON = {"id": "gid://shopify/Customer/1", "addressesV2": {"nodes": [ADDRESS], "pageInfo": END}}


class Told:
    """A client that is answered from a script, by document."""

    def __init__(self, **answers: JSON) -> None:
        self.answers = answers

    async def ask(self, name: str, **_: Any) -> Answer:
        return Answer(data=self.answers[name])


def begun() -> JSON:
    """The cursor of a full pass that reads customers."""
    under_way = {"name": "full-1", "kind": "full", "left": ["customers"], "stage": "read"}
    under_way |= {"after": None, "page": 0, "size": None, "tallies": {"customers": new()}}
    return {"pass": under_way, "shop": {"currency": "EUR", "max_variants": 100, "protected": []}}


async def step(page: Any, **answers: JSON) -> JSON:
    """One page of customers, read; the cursor afterwards."""
    cursor = begun()
    settings = ShopifySettings(shop="north.myshopify.com")
    client: Any = Told(customers_page={"customers": page}, **answers)
    made = await ByPages(client, settings, Scratch()).step(cursor, ALL["customers"])
    cursor["keys"] = [record.key for record in made.records]
    return cursor


@pytest.mark.parametrize(
    "page",
    (
        None,
        {"nodes": None, "pageInfo": END},
        {"nodes": [ANN], "pageInfo": None},
        {"nodes": [ANN], "pageInfo": {"hasNextPage": True, "endCursor": None}},
        {"nodes": [ANN], "pageInfo": {"hasNextPage": None}},
    ),
    ids=("no page", "no nodes", "no end", "no cursor", "neither yes nor no"),
)
async def test_a_page_that_is_not_there_is_asked_for_again(page: Any) -> None:
    """The pass stands where it stood."""
    with pytest.raises(RetryableError):
        await step(page)


@pytest.mark.parametrize(
    "page",
    (
        {"nodes": [ANN, None], "pageInfo": END},
        {"nodes": [ANN, ANN | {"addressesV2": None}], "pageInfo": END},
        {"nodes": [ANN, ANN | {"addressesV2": {"nodes": [None], "pageInfo": END}}], "pageInfo": END},
        {"nodes": [ANN, ANN | {"addressesV2": {"nodes": [], "pageInfo": MORE}}], "pageInfo": END},
    ),
    ids=("null", "no list", "null in a list", "owner gone meanwhile"),
)
async def test_an_object_that_did_not_come_whole_makes_its_resource_incomplete(page: Any) -> None:
    """The others are taken, and nothing is looked for that may be gone."""
    cursor = await step(page, rest_addresses={"owner": None})

    counts = begun()["pass"]["tallies"]["customers"] | cursor["pass"]["tallies"]["customers"]
    assert cursor["keys"] == [ANN["id"]]
    assert (counts["complete"], cursor["pass"]["left"]) == (False, [])
    assert "incomplete" in counts["warnings"]


async def test_a_whole_page_is_complete() -> None:
    """So that what is gone is looked for."""
    cursor = await step({"nodes": [ANN], "pageInfo": END})

    assert cursor["pass"]["stage"] == "gone"
    assert cursor["pass"]["tallies"]["customers"]["complete"]


async def test_a_shop_that_gives_the_same_page_forever_is_not_followed() -> None:
    """The rest of a list begins where it began."""
    rest = {"owner": {"rest": {"nodes": [ADDRESS], "pageInfo": MORE}}}
    client: Any = Told(rest_addresses=rest)

    with pytest.raises(IncompleteError):
        await joined(client, "customers", ANN | {"addressesV2": {"nodes": [], "pageInfo": MORE}})


async def _answering(shop: Import, *, spoil: Any) -> None:
    """The connector's pages are spoilt on their way."""
    connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
    ask = connector._client.ask

    async def spoilt(name: str, **variables: Any) -> Answer:
        answer: Answer = await ask(name, **variables)
        if name == "products_page":
            spoil(answer.data["products"])
        return answer

    connector._client.ask = spoilt


async def test_nulls_in_a_page_delete_nothing(importing: Serve) -> None:
    """The products are in the catalog from the pass before, and stay."""
    async with importing({"pages_up_to": 1_000_000, "resources": ["products"]}, products=5) as shop:
        await shop.run()
        await _answering(shop, spoil=lambda page: page["nodes"].__setitem__(2, None))
        report = await shop.run()
        there = await shop.catalog("product")

    assert len(there) == 5
    assert report["resources"]["products"]["gone"] == 0
    assert not report["resources"]["products"]["complete"]


async def test_what_was_read_and_is_forgotten_marks_nothing_as_gone(importing: Serve) -> None:
    """An erasure takes the documents in the middle of a pass; the next pass finds what is gone."""
    async with importing({"pages_up_to": 1_000_000, "resources": ["products"]}, products=5) as shop:
        await shop.run()
        shop.tell("delete", resource="products", count=2, webhooks=False)
        connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
        get = connector.ports.documents.get

        async def forgotten(name: str) -> JSON | None:
            return None if name.startswith("seen:") else await get(name)

        connector._passes._by_pages._documents.get = forgotten
        report = await shop.run()
        there = await shop.catalog("product")
        connector._passes._by_pages._documents.get = get
        healed = await shop.run()

    products = report["resources"]["products"]
    assert (len(there), products["gone"], "incomplete" in products["warnings"]) == (5, 0, True)
    assert healed["resources"]["products"]["gone"] == 2
