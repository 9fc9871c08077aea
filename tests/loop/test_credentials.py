"""Source and destination refuse their credentials apart from each other, and no attempt is spent on that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.merchantops.client import READ_SCOPE, WRITE_SCOPE
from hub.records import Page, Record, Refused, Success
from hub.store import connections, schedule
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Connect, Harm, Hub, Offer, Script

SetKey = Callable[..., None]


@pytest.fixture
def set_key(merchantops: Running) -> SetKey:
    def set_key(**told: Any) -> None:
        merchantops.platform.commands()["keys"]({"api_key": "simulator-key", **told})

    return set_key


def fire(hub: Hub) -> list[int]:
    return list(schedule.fire_due(hub.db, lost_after=1))


@pytest.mark.parametrize(
    ("key", "scope"), (({"revoked": True}, READ_SCOPE), ({"scopes": [WRITE_SCOPE]}, READ_SCOPE))
)
async def test_a_refused_poll_asks_for_a_new_key_and_pushes_go_on(
    hub: Hub, connect: Connect, offer: Offer, set_key: SetKey, erp: Running, key: dict[str, Any], scope: str
) -> None:
    """401 and 403; nobody polls or reports until somebody has seen to it."""
    offer(count=2)
    await connect(delivery={"slice_size": 1})
    await hub.poll()
    set_key(**key)
    outcome = await hub.poll()

    assert outcome.result == "refused"
    stored = hub.connection()
    assert stored.shown_status == "needs_reauth"
    assert scope in (stored.source_refused or "")
    assert "simulator-key" not in (stored.source_refused or "")
    hub.pass_time(3600)
    assert fire(hub) == []
    assert (await hub.poll()).result == "paused"
    for _ in range(2):
        await hub.work()
    assert set(hub.states().values()) == {"success"}
    assert {row["report_state"] for row in hub.rows()} == {"waiting"}
    assert (await hub.report()).records == 0
    assert erp.platform.summary()["accepted"] == 2


async def test_a_report_that_lacks_its_scope_stops_polls_and_reports_without_an_attempt(
    hub: Hub, connect: Connect, offer: Offer, set_key: SetKey, merchantops: Running
) -> None:
    """And everything is told once the key is right again, nothing being pushed twice."""
    keys = offer(count=3)
    await connect(delivery={"slice_size": 1})
    await hub.poll()
    set_key(scopes=[READ_SCOPE])
    for _ in range(3):
        await hub.work()

    assert WRITE_SCOPE in (hub.connection().source_refused or "")
    assert {row["report_attempts"] for row in hub.rows()} == {0}
    assert set(hub.states().values()) == {"success"}
    assert merchantops.platform.summary()["outcomes"] == 0
    set_key()
    connections.set_paused(hub.db, "prices", False)
    assert hub.connection().shown_status == "live"
    assert fire(hub) == [hub.connection().id]
    await hub.work_off()
    assert merchantops.platform.summary()["by_status"] == {"success": len(keys)}
    assert {row["total_attempts"] for row in hub.rows()} == {1}


async def test_a_refused_destination_stops_pushes_and_neither_polls_nor_reports(
    hub: Hub, connect: Connect, offer: Offer, erp: Running, merchantops: Running, harm: Harm
) -> None:
    """What was pushed before is still told."""
    first, second = offer(count=2)
    await connect(delivery={"slice_size": 1})
    await hub.poll()
    harm(merchantops, error=1, error_status=503, match="publish-outcome")
    await hub.work()
    harm(merchantops)
    harm(erp, error=1, error_status=401)
    await hub.work()

    stored = hub.connection()
    assert (stored.shown_status, stored.source_refused) == ("needs_reauth", None)
    assert "401" in (stored.destination_refused or "")
    assert (hub.row(second)["state"], hub.row(second)["total_attempts"]) == ("waiting", 0)
    assert (await hub.work()).records == 0
    (third,) = offer(count=1)
    rung = hub.rung.copy()
    assert (await hub.poll()).news == 1
    assert hub.rung == rung, "nobody may push"
    hub.pass_time(5)
    assert (await hub.report()).states == {"reported": 1}
    harm(erp)
    connections.set_paused(hub.db, "prices", False)
    await hub.work_off()
    assert hub.states() == dict.fromkeys((first, second, third), "success")


async def test_a_connection_that_is_set_up_wrongly_stops_as_a_whole(
    hub: Hub, connect: Connect, merchantops: Running, harm: Harm
) -> None:
    """A refused target key is nobody's credential."""
    await connect()
    harm(merchantops, error=1, error_status=422)
    assert (await hub.poll()).result == "refused"

    stored = hub.connection()
    assert stored.shown_status == "failed"
    assert "target_key" in (stored.status_reason or "")
    hub.pass_time(3600)
    assert fire(hub) == []


async def test_what_is_refused_as_a_whole_by_a_push_stops_all_but_reports(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """What was done is still told."""
    script.poll = lambda _: Page(records=[Record(stream="price", key=key, payload={}) for key in "ab"])
    script.push = lambda _: [Success(), Refused(error="the shop is closed", whole=True)]
    await connect_scripted()
    await hub.poll()
    outcome = await hub.work()

    assert outcome.states == {"success": 1, "waiting": 1, "reported": 1}
    assert (hub.connection().shown_status, hub.connection().status_reason) == ("failed", "the shop is closed")
    assert (await hub.poll()).result == "paused"
    assert (await hub.work()).records == 0


async def test_a_paused_connection_still_reports_what_it_did(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, harm: Harm
) -> None:
    """It neither polls nor pushes."""
    offer(count=2)
    await connect(delivery={"slice_size": 1})
    await hub.poll()
    harm(merchantops, error=1, error_status=503, match="publish-outcome")
    await hub.work()
    harm(merchantops)
    connections.set_paused(hub.db, "prices", True)
    hub.pass_time(5)

    assert (await hub.poll()).result == "paused"
    assert (await hub.work()).records == 0
    assert (await hub.report()).states == {"reported": 1}
