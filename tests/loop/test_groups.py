"""A sealed group is closed once all of its records have settled, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.errors import RetryableError
from hub.loop import sweep
from hub.loop.closing import close_groups
from hub.records import GroupTally, Page, Record, Rejected, Retry, Success
from tests.loop.hub_of_a_test import Connect, Hub, Script


def page(*keys: str, seals: tuple[str, ...] = ()) -> Page:
    return Page(
        records=[Record(stream="price", key=key, payload={}, group="file-1") for key in keys], seals=seals
    )


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The ledger's side has tests of its own, on both databases."""
    return sqlite_url


async def test_it_is_closed_with_its_tally_by_the_slice_that_settles_the_last_record(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Once."""
    script.poll = lambda _: page("a", "b", "c", seals=("file-1",))
    answers = {
        "a": Success(created=True),
        "b": Rejected(errors=["x"]),
        "c": Success(warning="odd colour"),
    }
    script.push = lambda items: [answers[item.key] for item in items]
    await connect_scripted(delivery={"slice_size": 2})
    await hub.poll()
    await hub.work()
    assert "close_group" not in script.asked

    await hub.work()
    await close_groups(hub.runtime, hub.connection().id)

    (tally,) = script.asked["close_group"]
    assert replace(tally, remarks=()) == GroupTally(
        name="file-1",
        stream="price",
        admitted=3,
        success=2,
        skipped=0,
        rejected=1,
        dead=0,
        superseded=0,
        discarded=0,
        created=1,
    )
    assert [(one.key, one.error) for one in tally.remarks] == [("b", "x"), ("c", "odd colour")]


async def test_it_stays_open_while_it_is_not_sealed_or_something_waits(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """A record that is tried again holds it up."""
    pages = [page("a"), page("b", seals=("file-1",))]
    script.poll = lambda _: pages.pop(0)
    answers = [[Success()], [Retry(error="timeout")], [Success()]]
    script.push = lambda _: answers.pop(0)
    await connect_scripted()
    for _ in range(2):
        await hub.poll()
        await hub.work()
    assert "close_group" not in script.asked

    hub.pass_time(5)
    await hub.work()
    assert len(script.asked["close_group"]) == 1


@pytest.mark.parametrize("error", (RetryableError("the shop is down"), KeyError("oops")))
async def test_a_group_that_cannot_be_closed_yet_is_closed_later_and_its_records_are_reported(
    hub: Hub, connect_scripted: Connect, script: Script, error: Exception
) -> None:
    """Whatever the connector raises: the slice is done, and housekeeping asks again."""

    def close_group(_: GroupTally) -> None:
        if len(script.asked["close_group"]) == 1:
            raise error

    script.poll = lambda _: page("a", seals=("file-1",))
    script.push = lambda items: [Success() for _ in items]
    script.close_group = close_group
    await connect_scripted()
    await hub.poll()
    assert (await hub.work()).states == {"success": 1, "reported": 1}
    assert hub.claims() == []

    await sweep.keep_house(hub.runtime)
    await sweep.keep_house(hub.runtime)
    assert len(script.asked["close_group"]) == 2


async def test_a_group_over_two_streams_is_closed_in_each_and_one_without_records_once(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """With the tally of what was in it."""
    records = [
        Record(stream="price", key="a", payload={}, group="both"),
        Record(stream="stock", key="a", payload={}, group="both"),
        Record(stream="stock", key="b", payload={}, group="stock only"),
    ]
    script.poll = lambda _: Page(records=records, seals=("both", "stock only", "empty"))
    script.push = lambda items: [Success() for _ in items]
    await connect_scripted()
    await hub.poll()
    await hub.work_off()
    await close_groups(hub.runtime, hub.connection().id)

    closed = [(tally.name, tally.stream, tally.admitted) for tally in script.asked["close_group"]]
    assert sorted(closed) == [
        ("both", "price", 1),
        ("both", "stock", 1),
        ("empty", "price", 0),
        ("stock only", "stock", 1),
    ]


async def test_one_connections_trouble_does_not_keep_house_for_the_others(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Its group stays open, theirs are closed."""

    def close_group(_: GroupTally) -> Any:
        if len(script.asked["close_group"]) in (1, 2, 3):
            raise KeyError("oops")

    script.poll = lambda _: page("a", seals=("file-1",))
    script.push = lambda items: [Success() for _ in items]
    script.close_group = close_group
    for name in ("first", "second"):
        await connect_scripted(name)
        await hub.poll(name)
        await hub.work(name)
    await sweep.keep_house(hub.runtime)

    assert len(script.asked["close_group"]) == 4
    await sweep.keep_house(hub.runtime)
    assert len(script.asked["close_group"]) == 5


async def test_all_that_can_be_closed_is_closed_by_one_process_at_a_time(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """However many there are; a second process leaves them to the first."""
    names = [f"file-{number:03}" for number in range(230)]
    script.poll = lambda _: Page(seals=names)
    seconds: list[bool] = []

    async def close(tally: GroupTally) -> None:
        if tally.name == names[0]:
            seconds.append(await close_groups(hub.make_runtime(), hub.connection().id))

    script.close_group = close
    await connect_scripted()
    await hub.poll()

    assert await close_groups(hub.runtime, hub.connection().id)

    assert [tally.name for tally in script.asked["close_group"]] == names
    assert seconds == [False]
