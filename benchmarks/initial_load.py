"""VTEX's certification test: 5,000 SKUs are loaded, and then 5,000 prices change. On PostgreSQL, with `hub up`.

    python -m benchmarks.initial_load [--skus 5000] [--rounds 3]

With a limit of 400 requests a second and a burst of 100 that the hub is not told: the least time that the fewest requests
take (one for each SKU, simulations in fifties, pages of a thousand) over the time taken, and how many were answered 429.
Without a limit: SKUs a second against the same calls on bare httpx with the transport of httpx-aiohttp. Between the two,
how soon a notification is answered at half of what the endpoint can take.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks import load
from benchmarks.command import options, scratch
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.store import Stage, Store, stage, store
from benchmarks.world import wait
from hub import codec
from hub.event_loop import run

RATE, BURST = 400, 100
#: SKUs of one simulation, and of one page of the list.
TOGETHER, PAGE = 50, 1000
#: Requests in flight of the bare client: as many as the hub's two workers have.
CONNECTIONS = 64
#: Seconds between two looks whether a load has ended: each costs the simulator and its caller some milliseconds.
LOOK_EVERY = 0.1
#: Seconds of each load of notifications, and how many are sent at once to find out how many are too many.
SECONDS, CALLERS = 5.0, 64
#: Goals.
EFFICIENCY, THROTTLED, SHARE_OF_BARE, ANSWERED_WITHIN = 0.8, 0.01, 0.5, 0.05


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Seconds, requests and those of them that were answered 429."""

    seconds: float
    requests: int
    throttled: int


def fewest(skus: int) -> int:
    """Requests that a load cannot do without: the list with its empty last page, each SKU, and the simulations."""
    return math.ceil(skus / PAGE) + 1 + skus + math.ceil(skus / TOGETHER)


def counts(one: Store) -> tuple[int, int]:
    """All requests that VTEX answered, and those with 429."""
    found = one.vtex.summary()
    return found["requests"] + found["throttled"], found["throttled"]


def loaded(one: Stage, skus: int) -> Loaded:
    """From the moment the connection is let go until the marketplace sells everything."""
    began, (asked, refused) = time.monotonic(), counts(one.store)
    one.hub.go()
    ended = wait(
        lambda: one.store.market.summary()["offers"] >= skus,
        "the marketplace to sell everything",
        every=LOOK_EVERY,
    )
    now, refused_now = counts(one.store)
    return Loaded(seconds=ended - began, requests=now - asked, throttled=refused_now - refused)


def repriced(one: Stage, skus: int) -> Loaded:
    """From the first notification until the marketplace has every new price."""
    before = one.store.market.summary()["requests"].get("PUT /offers/{}/price", 0)
    began, (asked, refused) = time.monotonic(), counts(one.store)
    one.store.vtex.command("change", count=skus, what="price")

    def told() -> bool:
        return bool(one.store.market.summary()["requests"].get("PUT /offers/{}/price", 0) - before >= skus)

    ended = wait(told, "every new price to arrive", every=LOOK_EVERY)
    now, refused_now = counts(one.store)
    return Loaded(seconds=ended - began, requests=now - asked, throttled=refused_now - refused)


def notified(one: Stage, skus: int) -> tuple[float, float]:
    """Notifications a second that the endpoint takes at most, and its 99th percentile at half of that, in seconds."""
    path = f"/hooks/{one.hub.name}/api/notification/"
    told = load.requests(path, [notification(2_000_001 + number % skus) for number in range(load.KINDS)])
    most = load.run(one.port, told, connections=CALLERS, seconds=SECONDS).rate
    steady = load.run_open(one.port, told, rate=most / 2, seconds=SECONDS)
    return most, steady.percentile(0.99)


def notification(sku: int) -> bytes:
    """Of an SKU that has not changed: taken in, and nothing is done for it."""
    return codec.dumps(
        {
            "IdSku": str(sku),
            "ProductId": 1,
            "An": "simulated",
            "IdAffiliate": "HBB",
            "DateModified": "2026-01-01T00:00:00.1234567Z",
            "IsActive": True,
            "StockModified": False,
            "PriceModified": False,
            "HasStockKeepingUnitModified": False,
            "HasStockKeepingUnitRemovedFromAffiliate": False,
        }
    )


async def bare(one: Store, skus: int) -> float:
    """Seconds that the same calls take without a hub: everything is read, and put up for sale."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    keys = one.written["credentials"]
    vtex = {"X-VTEX-API-AppKey": keys["app_key"], "X-VTEX-API-AppToken": keys["app_token"]}
    market = {"Authorization": f"Bearer {one.written['destination']['credentials']['token']}"}
    began = time.monotonic()
    async with httpx.AsyncClient(
        transport=AiohttpTransport(limits=limits), limits=limits, timeout=60
    ) as client:
        ids: list[int] = []
        for page in range(1, math.ceil(skus / PAGE) + 2):
            path = "/api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel"
            answer = await client.get(
                f"{one.vtex.url}{path}", params={"sc": 1, "page": page, "pageSize": PAGE}, headers=vtex
            )
            ids += codec.loads(answer.content)
        offers: dict[str, Any] = {}

        async def simulated(some: Sequence[int]) -> None:
            items = [{"id": str(sku), "quantity": 1, "seller": "1"} for sku in some]
            url = f"{one.vtex.url}/api/fulfillment/pvt/orderForms/simulation"
            answer = await client.post(url, params={"sc": 1}, json={"items": items}, headers=vtex)
            offers.update({item["id"]: item for item in codec.loads(answer.content)["items"]})

        async def sold(sku: int) -> None:
            path = f"/api/catalog_system/pvt/sku/stockkeepingunitbyid/{sku}"
            details = codec.loads(
                (await client.get(one.vtex.url + path, params={"sc": 1}, headers=vtex)).content
            )
            body = {
                "sku": str(sku),
                "group": str(details["ProductId"]),
                "category": None,
                "product": {"name": details["NameComplete"], "brand": details["BrandName"]},
                "price": offers[str(sku)]["price"] / 100,
                "list_price": None,
                "currency": "BRL",
                "stock": 5,
            }
            answer = await client.put(
                f"{one.market.url}/products/{sku}", json=body, headers={**market, "Idempotency-Key": str(sku)}
            )
            answer.raise_for_status()

        batches = [ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER)]
        await asyncio.gather(*(simulated(batch) for batch in batches))
        left = iter(ids)

        async def caller() -> None:
            for sku in left:
                await sold(sku)

        await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    return time.monotonic() - began


def measure(folder: Path, skus: int, rounds: int) -> Sequence[Figure]:
    """Every round with a limit, and without one beside the bare client."""
    efficiencies, refused, asked, shares, answered, notified_each, ours = ([] for _ in range(7))
    for turn in range(rounds):
        place = folder / str(turn)
        limited = {"skus": skus, "rate": RATE, "burst": BURST, "limit_scope": "account"}
        with stage(place / "limited", vtex=limited) as one:
            first = loaded(one, skus)
            least = (fewest(skus) - BURST) / RATE
            note(f"round {turn + 1}, limited: {first}, at least {least:.1f} s")
            then = repriced(one, skus)
            note(f"round {turn + 1}, limited, prices: {then}")
        efficiencies.append(least / first.seconds)
        refused.append(first.throttled / first.requests)
        asked.append(first.requests / skus)
        notified_each.append(then.requests / skus)
        with stage(place / "free", vtex={"skus": skus}) as one:
            free = loaded(one, skus)
            most, late = notified(one, skus)
            note(
                f"round {turn + 1}, free: {free}; {most:.0f} notifications/s, 99 % within {late * 1000:.1f} ms at half"
            )
        with store(place / "bare", vtex={"skus": skus}) as peer:
            seconds = run(bare(peer, skus))
            note(f"round {turn + 1}, bare: {seconds:.1f} s")
        ours.append(skus / free.seconds)
        shares.append(seconds / free.seconds)
        answered.append(late)
    return [
        figure(
            "efficiency under an unknown limit",
            efficiencies,
            "",
            f"the least time for {fewest(skus)} requests",
            EFFICIENCY,
        ),
        figure("share of requests answered 429", refused, "", "all requests", THROTTLED, at_most=True),
        figure(
            "requests an SKU in the load", asked, "requests", f"{fewest(skus) / skus:.3f}, the fewest", None
        ),
        figure(
            "requests an SKU for its price", notified_each, "requests", f"{1 / TOGETHER}, the fewest", None
        ),
        Figure(
            figure="SKUs a second without a limit",
            value=middle(ours),
            unit="SKUs/s",
            against="the same calls on bare httpx with the transport of httpx-aiohttp",
            ratio=middle(shares),
            goal=SHARE_OF_BARE,
            rounds=rounds,
        ),
        Figure(
            figure="99th percentile of a notification's answer, at half of what the endpoint takes",
            value=middle(answered),
            unit="s",
            against=f"{ANSWERED_WITHIN} s",
            ratio=middle(answered) / ANSWERED_WITHIN,
            goal=1.0,
            at_most=True,
            rounds=rounds,
        ),
    ]


def figure(
    name: str, found: Sequence[float], unit: str, against: str, goal: float | None, *, at_most: bool = False
) -> Figure:
    """One that is its own ratio."""
    value = middle(found)
    return Figure(
        figure=name,
        value=value,
        unit=unit,
        against=against,
        ratio=value,
        goal=goal,
        at_most=at_most,
        rounds=len(found),
    )


def main() -> None:
    """See the module."""
    given = options(__doc__, skus=5000, rounds=3)
    with scratch() as folder:
        found = measure(folder, given.skus, given.rounds)
    finish(found)


if __name__ == "__main__":
    main()
