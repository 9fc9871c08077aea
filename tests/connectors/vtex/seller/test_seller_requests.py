"""Every request of a seller's life, and every answer that it gives, is as VTEX describes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.vtex.openapi_of_a_test import check, check_request
from tests.connectors.vtex.recorder import Recorder
from tests.connectors.vtex.seller.seller_world import SellerWorld, selling

#: What is called in a life that leaves nothing out, ``a-v`` and the like as ``SKU``.
EVERY_CALL = {
    ("POST", "/api/{change}/pvt/skuseller/changenotification/seller/SKU"),
    ("POST", "/api/notificator/seller/changenotification/SKU/price"),
    ("POST", "/api/notificator/seller/changenotification/SKU/inventory"),
    ("GET", "/simulated/suggestions/seller/SKU"),
    ("PUT", "/simulated/suggestions/seller/SKU"),
    ("DELETE", "/simulated/suggestions/seller/SKU"),
}


async def live(world: SellerWorld) -> None:
    """Suggested, updated, denied and suggested again, approved, changed, taken back, looked at once more."""
    pipeline = await world.hub.runtime.pipeline(world.hub.connection("market").id)
    await pipeline.connector.check()
    world.offer("a", "b", "c")
    world.offer("d", attributes={"Größe": ["L", "XL"], "Farbe": ["blau"]}, media=[])
    await world.sync()
    world.offer("a", brand="Puma")
    world.offer("c", enabled=False)
    await world.sync()
    world.tell("deny", skus=["b-v"], reason="the brand is wrong")
    await world.later(60)
    world.offer("b", brand="Fila")
    await world.sync()
    world.tell("approve")
    await world.later(60)
    world.price("a", "299.90")
    world.stock("a", 0)
    await world.sync()
    told = await world.tell(
        "checkout", items=[{"id": "a-v", "quantity": 2}, {"id": "b-v"}, {"id": "unknown"}]
    )
    assert told["problems"] == []
    world.shelf.write("shop", {"kind": "product", "key": "b", "operation": "delete"})
    world.rewind()
    await world.sync()


@pytest.mark.parametrize("route", ("classic", "sku-binding"))
async def test_all_requests_and_all_simulations_are_as_described(
    hub_home: Path, sqlite_url: str, route: str
) -> None:
    """From the check of the connection to the last change; the marketplace demands both headers everywhere."""
    asked, answered = Recorder(), Recorder()
    async with selling(
        hub_home, sqlite_url, asked=asked, answered=answered, approve="manual", require_headers=True
    ) as world:
        defaults = {"image": "https://cdn.example/none.jpg"}
        await world.connect(change_route=route, resend_denied=True, measures_as="whole", defaults=defaults)
        await live(world)
        problems = {sku: one["problems"] for sku, one in world.market["offers"]["seller"].items()}

    for request in asked.requests:
        check_request(request, base="/simulated")
    for exchange in answered.exchanges:
        check(exchange, "seller-fulfillment", base="/c/market/api")
    calls = {(one.method, _without_sku(one.url.path)) for one in asked.requests}
    change = {"classic": "catalog_system", "sku-binding": "sku-binding"}[route]
    assert calls == {(method, path.replace("{change}", change)) for method, path in EVERY_CALL}
    assert {one.status_code for one in asked.exchanges} <= {200, 202, 204, 404}
    assert {one.status_code for one in answered.exchanges} == {200}
    assert any(not one.json()["items"] for one in answered.exchanges)
    assert set(problems) == {"a-v", "b-v", "d-v"}
    assert problems["a-v"] == problems["d-v"] == []


def _without_sku(path: str) -> str:
    return "/".join("SKU" if part.endswith("-v") or part == "hub-check" else part for part in path.split("/"))
