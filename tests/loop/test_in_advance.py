"""A drain asks for the next page while one is taken in: each page is asked for once, and stands where it should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from hub.errors import RetryableError
from hub.loop.drain import Drain
from hub.loop.in_advance import InAdvance
from hub.pipeline import Pipeline
from hub.records import Page, PollRequest, Record
from tests.loop.hub_of_a_test import Hub, Script, Scripted

CONNECTION, CHANGED = (cast("Pipeline", object()) for _ in range(2))


class Source:
    """Page after page, told apart by their cursors; ``asked`` is where it was asked from."""

    def __init__(self, **page: Any) -> None:
        self.page = {"read_on": True, **page}
        self.asked: list[Any] = []
        self.fails = False
        self.cancelled = 0

    async def ask(self, _: Pipeline, request: PollRequest) -> Page:
        self.asked.append(request.cursor.get("at", 0))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails:
            raise RetryableError("not now")
        return Page(cursor={"at": self.asked[-1] + 1}, **self.page)


def at(place: int, **more: Any) -> PollRequest:
    return PollRequest(cursor={"at": place}, **more)


async def test_the_next_page_is_asked_for_before_anybody_wants_it() -> None:
    """Once, from where the page before it ends."""
    source, advance = Source(), InAdvance()

    pages = []
    for place in range(3):
        pages.append(await advance.page(source.ask, CONNECTION, at(place)))
        await asyncio.sleep(0)
        assert source.asked == list(range(place + 2))
    await advance.close()

    assert [page.cursor for page in pages] == [{"at": 1}, {"at": 2}, {"at": 3}]


@pytest.mark.parametrize(
    ("pipeline", "request_"),
    (
        (CONNECTION, at(7)),
        (CONNECTION, at(1, full_pass=True)),
        (CHANGED, at(1)),
    ),
    ids=("another place", "a full pass", "another setting"),
)
async def test_what_was_asked_for_is_let_go_where_something_else_is_wanted(
    pipeline: Pipeline, request_: PollRequest
) -> None:
    """Somebody has moved the cursor, or changed the connection."""
    source, advance = Source(), InAdvance()
    await advance.page(source.ask, CONNECTION, at(0))
    await asyncio.sleep(0)

    page = await advance.page(source.ask, pipeline, request_)
    await advance.close()

    assert page.cursor == {"at": request_.cursor["at"] + 1}
    assert source.asked[:3] == [0, 1, request_.cursor["at"]]


@pytest.mark.parametrize("page", ({"read_on": False}, {"read_on": False, "full": True}))
async def test_nothing_is_asked_for_that_may_not_be(page: dict[str, Any]) -> None:
    """The source might do something for it."""
    source, advance = Source(**page), InAdvance()

    await advance.page(source.ask, CONNECTION, at(0))
    await asyncio.sleep(0)

    assert source.asked == [0]


async def test_what_failed_in_advance_fails_when_its_turn_comes_and_is_asked_for_again() -> None:
    """As a poll that fails does."""
    source, advance = Source(), InAdvance()
    await advance.page(source.ask, CONNECTION, at(0))
    source.fails = True
    with pytest.raises(RetryableError, match="not now"):
        await advance.page(source.ask, CONNECTION, at(1))
    source.fails = False

    page = await advance.page(source.ask, CONNECTION, at(1))
    await advance.close()

    assert page.cursor == {"at": 2}
    assert source.asked[:3] == [0, 1, 1]


async def test_what_nobody_wants_any_more_is_not_waited_for() -> None:
    """The drain has ended."""
    source, advance = Source(), InAdvance()
    await advance.page(source.ask, CONNECTION, at(0))
    await asyncio.sleep(0)

    await advance.close()

    assert (source.asked, source.cancelled) == ([0, 1], 1)


@pytest.fixture
async def hub(hub_home: Any, database_url: str, script: Script) -> AsyncIterator[Hub]:
    """A hub with a connection from a script into the catalog."""
    feeding = Scripted.with_script(script, uses_destination=True, reports=False)
    hub = Hub(hub_home, database_url, scripted=feeding)
    await hub.connect({"connector": "scripted", "destination": {"name": "catalog"}})
    yield hub
    await hub.close()


async def test_a_drain_takes_every_page_in_once(hub: Hub, script: Script) -> None:
    """Whether it was asked for in advance or not."""

    async def poll(request: PollRequest) -> Page:
        place = request.cursor.get("at", 0)
        if place == 5:
            return Page()
        product = {"kind": "product", "key": f"p{place}", "brand": "a"}
        return Page(
            records=[Record(stream="price", key=f"p{place}", payload=product)],
            cursor={"at": place + 1},
            full=True,
            poll_after=timedelta(0),
            read_on=place != 2,
        )

    script.poll = poll

    summary = await Drain(
        runtime=hub.make_runtime(), connection_id=hub.connection().id, wait=timedelta(0)
    ).run()

    places = [request.cursor.get("at", 0) for request in script.asked["poll"]]
    assert (summary.polled, summary.succeeded, summary.drained) == (5, 5, True)
    assert [row["key"] for row in hub.rows()] == [f"p{place}" for place in range(5)]
    assert places[:6] == list(range(6))
