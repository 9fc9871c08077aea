"""How often a shop is asked how its bulk operations stand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify.bulk import (
    FIRST_WAIT_MAX,
    LONGEST_WAIT,
    SHORTEST_WAIT,
    State,
    first_wait,
    wait_for,
)
from connectors.shopify.by_bulk import ByBulk
from connectors.shopify.client import Answer
from connectors.shopify.planning import Scratch
from connectors.shopify.resources import ALL
from connectors.shopify.settings import ShopifySettings
from hub.store import connections
from tests.connectors.shopify.conftest import NAME, Import, Serve

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECONDS = st.integers(0, 10**6).map(lambda number: timedelta(milliseconds=number))
NUMBERS = st.none() | st.integers(0, 10**7)


@given(SECONDS, NUMBERS, NUMBERS)
def test_a_wait_is_neither_short_nor_endless(elapsed: timedelta, roots: int | None, of: int | None) -> None:
    """Whatever the platform says of the progress, and never many times what has gone by."""
    wait = wait_for(elapsed, roots, of)

    assert SHORTEST_WAIT <= wait <= LONGEST_WAIT
    assert wait <= max(SHORTEST_WAIT, 4 * elapsed)


@pytest.mark.parametrize(
    ("elapsed", "roots", "of", "seconds"),
    (
        (10, 2500, 10_000, 33),
        (10, 5000, 10_000, 11),
        (10, 100, 10_000, 40),
        (100, None, 10_000, 25),
        (1, 9, 9, 1),
    ),
)
def test_the_next_look_comes_when_the_rest_is_written(
    elapsed: int, roots: int | None, of: int, seconds: float
) -> None:
    """At the pace of what is there, and a tenth more."""
    assert wait_for(timedelta(seconds=elapsed), roots, of).total_seconds() == pytest.approx(seconds)


def test_the_first_look_comes_the_later_the_more_there_is() -> None:
    """Within bounds."""
    waits = [first_wait(roots) for roots in (0, 6000, 10**6)]

    assert waits == [SHORTEST_WAIT, timedelta(seconds=3), FIRST_WAIT_MAX]


async def counting(shop: Import) -> Counter[str]:
    """How often each document is asked from now on."""
    connector: Any = (await shop.hub.runtime.pipeline(shop.hub.connection(NAME).id)).connector
    ask, asked = connector._client.ask, Counter[str]()

    async def counted(name: str, **variables: Any) -> Answer:
        asked[name] += 1
        answer: Answer = await ask(name, **variables)
        return answer

    connector._client.ask = counted
    return asked


async def drained(shop: Import) -> Counter[str]:
    """A full pass, polled as somebody does who drains; how often each document was asked."""
    asked = await counting(shop)
    connections.rewind(shop.hub.db, NAME, full_pass=True)
    while True:
        outcome = await shop.hub.poll(NAME)
        assert outcome.result == "ok", outcome.error
        if not (outcome.unfinished or outcome.news or outcome.full):
            return asked
        await asyncio.sleep(outcome.next_in.total_seconds() if outcome.unfinished else 0)


async def test_operations_are_looked_at_together_and_seldom(importing: Serve) -> None:
    """One that takes a second and a half is seen under way once, along with locations, and then at its end, with all the
    others."""
    async with importing({"pages_up_to": 0}, products=700, variants=1, media=0, bulk_seconds=1.5) as shop:
        asked = await drained(shop)

    assert asked["bulk_run"] == 1
    assert asked["locations_page"] == asked["bulk_states"] == 1
    assert asked["bulk_list"] == 0


async def test_who_drains_makes_one_pass(importing: Serve) -> None:
    """What changed meanwhile is for the next poll."""
    async with importing({"pages_up_to": 1_000_000}, products=5) as shop:
        asked = await drained(shop)

        assert "pass" not in shop.cursor()
    assert set(asked.values()) == {1}, asked
    assert "products_page" in asked


class Running:
    """Operations that are seen as they are told; what was seen completed is known."""

    def __init__(self, **states: State) -> None:
        self.now, self.asked, self.seen = states, list[list[str]](), set[str]()

    def completed(self, gid: str) -> bool:
        return gid in self.seen

    async def states(self, ids: Mapping[str, str]) -> Mapping[str, State]:
        self.asked.append(sorted(ids))
        self.seen |= {gid for name, gid in ids.items() if self.now[name].status == "COMPLETED"}
        return {name: self.now[name] for name in ids}

    async def ask_along(self, _name: str, ids: Mapping[str, str]) -> tuple[None, Mapping[str, State]]:
        return None, await self.states(ids)


class StillClock:
    """Noon."""

    def now(self) -> datetime:
        return NOON


async def test_a_look_for_one_resource_serves_the_next_one() -> None:
    """What was just seen under way is waited for without another look, once; then it is looked at again."""
    running: Any = Running(collections=State(status="COMPLETED"), products=State(status="RUNNING", roots=100))
    since = (NOON - timedelta(seconds=10)).isoformat()
    under_way: Any = {
        "name": "full-1",
        "begun": since,
        "left": ["products"],
        "modes": {"collections": "bulk", "products": "bulk"},
        "ops": {name: {"id": name, "tries": 0, "since": since} for name in ("collections", "products")},
        "tallies": {"collections": {"count": 6}, "products": {"count": 200}},
    }
    settings = ShopifySettings(shop="north.myshopify.com")
    by_bulk = ByBulk(running, settings, StillClock(), Scratch())
    await by_bulk._looked_at(under_way, ALL["collections"])
    await by_bulk._looked_at(under_way, ALL["collections"])
    first = await by_bulk.step({"pass": under_way}, ALL["products"])
    asked = [*running.asked]
    again = await by_bulk.step({"pass": under_way}, ALL["products"])

    assert first.wait == again.wait == timedelta(seconds=11)
    assert asked == [["collections", "products"], ["collections"]]
    assert running.asked[2:] == [["collections", "products"]]


@pytest.mark.parametrize(("left", "seconds"), ((["customers", "locations"], 7.5), (["locations"], 11)))
async def test_a_look_comes_sooner_as_long_as_there_is_something_that_takes_it_along(
    left: list[str], seconds: float
) -> None:
    """Behind what has taken one along just now."""
    running: Any = Running(products=State(status="RUNNING", roots=100))
    since = (NOON - timedelta(seconds=10)).isoformat()
    under_way: Any = {
        "left": [*left, "products"],
        "modes": {"locations": "pages", "customers": "pages", "products": "bulk"},
        "ops": {"products": {"id": "products", "since": since}},
        "tallies": {"products": {"count": 200}},
    }
    by_bulk = ByBulk(running, ShopifySettings(shop="north.myshopify.com"), StillClock(), Scratch())
    await by_bulk.ask_along(under_way, "a_page")

    assert datetime.fromisoformat(under_way["look_at"]) - NOON == timedelta(seconds=seconds)
