"""Webhooks that come together are stored together, and none pays for another."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.web.driver import Hub, all_at_once, count, locked, serving, signed

BURST = 120


async def test_a_burst_is_stored_in_a_few_transactions(hub: Hub) -> None:
    """While one transaction runs the others gather; each is answered once its own is committed."""
    connection_id = await hub.add("north-1")
    await hub.know("north-1")
    with locked(hub.runtime.db, connection_id):
        burst = asyncio.create_task(
            all_at_once([hub.post("north-1", count(seq, f"A-{seq}")) for seq in range(1, BURST + 1)])
        )
        await hub.until_waiting(BURST)
        assert not burst.done()
    answers = await burst

    assert {answer.status_code for answer in answers} == {202}
    assert len(await hub.keys()) == BURST
    runs = await hub.table("run")
    assert {run["kind"] for run in runs} == {"webhook"}
    assert sum(run["admitted"] for run in runs) == BURST
    assert len(runs) <= 5


async def test_the_same_delivery_twice_in_one_group_is_stored_once(hub: Hub) -> None:
    """Both are answered as taken."""
    connection_id = await hub.add("north-1")
    await hub.know("north-1")
    with locked(hub.runtime.db, connection_id):
        under_way = asyncio.create_task(hub.post("north-1", count(3, "A-3")))
        await hub.until_waiting(1)
        both = asyncio.create_task(
            all_at_once([hub.post("north-1", count(seq), delivery="d-1") for seq in (1, 2)])
        )
        await hub.until_waiting(3)
    answers = [await under_way, *await both]

    assert {answer.status_code for answer in answers} == {202}
    assert len(await hub.keys()) == 2


async def test_one_that_cannot_be_stored_fails_alone(hub: Hub) -> None:
    """The connector made no record of it; the other webhooks of its group are stored."""
    connection_id = await hub.add("north-1", connector="clumsy")
    await hub.know("north-1")
    with locked(hub.runtime.db, connection_id):
        under_way = asyncio.create_task(hub.post("north-1", count(1)))
        await hub.until_waiting(1)
        calls = [hub.post("north-1", count(seq, f"A-{seq}")) for seq in (2, 4, 5)]
        group = asyncio.create_task(all_at_once([*calls, hub.post("north-1", count(3), path="/object")]))
        await hub.until_waiting(5)
    answers = [await under_way, *await group]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 500]
    assert await hub.keys() == [f"{seq:012}" for seq in (1, 2, 4, 5)]


async def test_who_comes_when_too_many_wait_is_put_off(acme: Path, postgres_url: str, tmp_path: Path) -> None:
    """503 with a time to come again, for that connection alone; what waited is stored."""
    async with serving(postgres_url, tmp_path, webhook_queue=3) as hub:
        busy = await hub.add("north-1")
        await hub.add("north-2")
        await hub.know("north-1")
        with locked(hub.runtime.db, busy):
            calls = [hub.post("north-1", count(seq, f"A-{seq}")) for seq in range(1, 11)]
            asked = [asyncio.create_task(call) for call in calls]
            # Three wait, and at most three are in the group that is under way.
            await hub.until('hub_webhooks_total{connector="acme_live",result="overload"}', 4)
            elsewhere = await hub.post("north-2", count(1))
        answers = await asyncio.gather(*asked)

        put_off = [answer for answer in answers if answer.status_code == 503]
        assert elsewhere.status_code == 202
        assert {answer.headers["retry-after"] for answer in put_off} == {"5"}
        assert {answer.status_code for answer in answers} == {202, 503}
        taken = [row for row in await hub.table("record") if row["connection_id"] == busy]
        assert len(taken) == 10 - len(put_off)


async def test_a_slow_connection_holds_up_no_other(acme: Path, postgres_url: str, tmp_path: Path) -> None:
    """Each has its own queue."""
    async with serving(postgres_url, tmp_path) as hub:
        busy = await hub.add("north-1")
        await hub.add("south-1", tenant="south")
        await hub.know("north-1")
        with locked(hub.runtime.db, busy):
            waiting = asyncio.create_task(hub.post("north-1", count(1)))
            answer = await hub.post("south-1", count(1))
            assert not waiting.done()
        assert answer.status_code == 202
        assert (await waiting).status_code == 202


async def test_a_sender_that_hangs_up_takes_nobody_along(hub: Hub) -> None:
    """Its webhook may be stored or not; the others are."""
    connection_id = await hub.add("north-1")
    await hub.know("north-1")
    with locked(hub.runtime.db, connection_id):
        hasty = asyncio.create_task(hub.client.post("/hooks/north-1", **signed(count(1)), timeout=0.2))
        patient = asyncio.create_task(hub.post("north-1", count(2, "A-2")))
        await asyncio.wait([hasty])
    assert hasty.exception() is not None
    assert (await patient).status_code == 202
    assert "000000000002" in await hub.keys()
