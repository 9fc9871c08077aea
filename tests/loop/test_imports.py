"""Imports of a whole source: a preview that a run can be held to, how one goes, and giving one up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from hub import codec
from hub.connector import ImportReport, PlanResult
from hub.errors import ConfigurationError
from hub.loop import imports
from hub.loop import plan as planning
from hub.loop.plan import MovedError
from hub.records import JSON, Page, PollRequest, Record, Success
from hub.store import connections, history, leases, schedule
from tests.loop.hub_of_a_test import SECOND, Hub, Script, Scripted

#: What the source would bring, by verb; changed by tests.
Coming = dict[str, int]


@pytest.fixture
def coming() -> Coming:
    return {"products.created": 3, "products.gone": 1}


@pytest.fixture
def hashes() -> list[str]:
    """Where there is one, the first of them is the hash of whatever comes."""
    return []


@pytest.fixture
async def hub(
    hub_home: Path, database_url: str, script: Script, coming: Coming, hashes: list[str]
) -> AsyncIterator[Hub]:
    """A hub with a connection ``prices``, whose connector plans and imports."""

    async def plan(self: Any) -> PlanResult:
        sample: Sequence[JSON] = [{"key": "p1", "change": "created"}]
        hash_ = hashes[0] if hashes else codec.fingerprint(coming)
        return PlanResult(hash=hash_, counts=dict(coming), sample=sample)

    async def import_report(self: Any, cursor: JSON) -> ImportReport | None:
        state: Literal["running", "done"] = "running" if "pass" in cursor else "done"
        return ImportReport(name="1", state=state, started_at=datetime(2026, 1, 1, tzinfo=UTC))

    def cancelled(self: Any, cursor: Mapping[str, Any]) -> JSON:
        return {name: value for name, value in cursor.items() if name != "pass"}

    hub = Hub(
        hub_home,
        database_url,
        scripted=Scripted.with_script(script, plan=plan, import_report=import_report, cancelled=cancelled),
        plain=Scripted.with_script(script),
    )
    await hub.connect({"connector": "scripted"})
    await hub.connect({"connector": "plain"}, name="plain")
    yield hub
    await hub.close()


async def test_a_run_is_held_to_its_preview(hub: Hub) -> None:
    """As long as the source would bring the same."""
    preview = await planning.plan(hub.runtime, "prices")

    await planning.hold(hub.runtime, "prices", preview.hash)
    await planning.hold(hub.runtime, "prices", preview.hash[:8])


@pytest.mark.parametrize(
    ("written", "said"),
    (
        ("bbbbbbb", "write at least 8 characters"),
        ("", "write at least 8 characters"),
        ("aaaaaaaa", "so many that one plan alone begins with them"),
        ("caaaaaaa", "none of the last 10 plans"),
    ),
)
async def test_a_hash_that_names_no_single_preview_is_refused(
    hub: Hub, hashes: list[str], written: str, said: str
) -> None:
    """With what is wrong with it; another letter of it tells two previews apart."""
    for hash_ in ("bbbbbbbb1", "aaaaaaaa1", "aaaaaaaa2"):
        hashes[:] = [hash_]
        await planning.plan(hub.runtime, "prices")

    with pytest.raises(ConfigurationError, match=said):
        await planning.hold(hub.runtime, "prices", written)
    await planning.hold(hub.runtime, "prices", "aaaaaaaa2")


async def test_what_has_moved_since_the_preview_is_said(hub: Hub, coming: Coming) -> None:
    """By count, what it was and what it is."""
    preview = await planning.plan(hub.runtime, "prices")
    coming |= {"products.created": 4, "products.updated": 2}

    with pytest.raises(MovedError, match="nothing was imported") as refused:
        await planning.hold(hub.runtime, "prices", preview.hash)
    assert refused.value.moved == {"products.created": (3, 4), "products.updated": (0, 2)}
    assert "products.created: 3 then, 4 now; products.updated: 0 then, 2 now" in str(refused.value)


async def test_only_the_latest_previews_are_kept(hub: Hub, coming: Coming) -> None:
    """A run is held to none that nobody made, or made long ago."""
    first = await planning.plan(hub.runtime, "prices")
    for number in range(10):
        coming["products.created"] = 100 + number
        latest = await planning.plan(hub.runtime, "prices")

    await planning.hold(hub.runtime, "prices", latest.hash)
    for unknown in (first.hash, "made-up"):
        with pytest.raises(ConfigurationError, match="none of the last 10 plans"):
            await planning.hold(hub.runtime, "prices", unknown)


async def test_an_import_is_given_up(hub: Hub, script: Script) -> None:
    """Its pass is taken out of the cursor, and the rest of it stays."""
    script.poll = lambda _: Page(cursor={"pass": {"id": 1}, "since": 7}, full=True)
    await hub.poll()

    assert (await imports.cancel(hub.runtime, "prices")).outcome == "cancelled"

    asked: list[PollRequest] = script.asked["poll"]
    await hub.poll()
    assert asked[-1].cursor == {"since": 7}
    assert history.of_connection(hub.db, "prices")[0]["what"] == "import cancelled"


async def test_one_that_is_not_under_way_is_not_given_up(hub: Hub) -> None:
    """Nothing is written, not even into the history."""
    done = await imports.cancel(hub.runtime, "prices")

    assert done.outcome == "nothing"
    assert [line["what"] for line in history.of_connection(hub.db, "prices")] == ["connected"]


async def test_one_that_is_asked_for_is_beginning_until_its_first_poll_is_over(
    hub: Hub, script: Script
) -> None:
    """The connector knows nothing of it until then."""
    script.poll = lambda _: Page(cursor={"pass": {"id": 1}}, full=True)
    connections.rewind(hub.db, "prices", full_pass=True)
    asked = await imports.report(hub.runtime, "prices")
    await hub.poll()
    begun = await imports.report(hub.runtime, "prices")

    assert asked is not None
    assert (asked.state, asked.name) == ("beginning", None)
    assert abs(datetime.now(UTC) - asked.started_at) < timedelta(minutes=1)
    assert begun is not None
    assert begun.state == "running"


async def test_one_that_is_read_and_not_all_in_is_settling(hub: Hub, script: Script) -> None:
    """It is done once its groups are closed; there is nothing left to give up of it."""
    prices = [Record(stream="price", key=key, payload={}, group="1") for key in ("a", "b")]
    script.poll = lambda _: Page(records=prices, seals=["1"])
    script.push = lambda items: [Success() for _ in items]
    await hub.poll()
    states = [(await imports.report(hub.runtime, "prices"))]
    given_up = await imports.cancel(hub.runtime, "prices")
    await hub.work_off()
    states.append(await imports.report(hub.runtime, "prices"))

    assert [one and one.state for one in states] == ["settling", "done"]
    assert given_up.outcome == "nothing"


async def test_one_that_ends_while_it_is_given_up_has_ended(hub: Hub, script: Script) -> None:
    """Its last poll was waited for."""
    begun, going_on = asyncio.Event(), asyncio.Event()
    script.poll = lambda _: Page(cursor={"pass": {"id": 1}}, full=True)
    await hub.poll()

    async def poll(_: PollRequest) -> Page:
        begun.set()
        await going_on.wait()
        return Page(cursor={})

    script.poll = poll
    polling = asyncio.create_task(hub.poll())
    await begun.wait()
    giving_up = asyncio.create_task(imports.cancel(hub.runtime, "prices"))
    await asyncio.wait([giving_up], timeout=0.3)
    going_on.set()
    await polling

    assert (await giving_up).outcome == "ended"
    assert [line["what"] for line in history.of_connection(hub.db, "prices")] == ["connected"]


async def test_giving_up_waits_for_the_poll_that_is_being_made(hub: Hub, script: Script) -> None:
    """Which would write its own cursor over the new one."""
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def poll(_: PollRequest) -> Page:
        begun.set()
        await going_on.wait()
        return Page(cursor={"pass": {"id": 1}, "since": 7}, full=True)

    script.poll = poll
    polling = asyncio.create_task(hub.poll())
    await begun.wait()
    giving_up = asyncio.create_task(imports.cancel(hub.runtime, "prices"))
    await asyncio.wait([giving_up], timeout=0.3)
    assert not giving_up.done()

    going_on.set()
    await asyncio.gather(polling, giving_up)

    connection = hub.connection()
    with hub.db.transaction() as tx:
        assert schedule.read(hub.db, tx, connection.id).cursor == {"since": 7}
    assert leases.acquire(hub.db, f"poll:{connection.id}", holder="next", duration=SECOND) is not None


async def test_a_connector_that_imports_nothing_is_named(hub: Hub) -> None:
    """With what to do instead."""
    for ask in (imports.report, imports.cancel):
        with pytest.raises(
            ConfigurationError, match="plain imports nothing as a whole: use `hub run plain --drain`"
        ):
            await ask(hub.runtime, "plain")
    report = await imports.report(hub.runtime, "prices")
    assert report is not None
    assert report.state == "done"
