"""A connector's own application under its connection's path."""

from __future__ import annotations

import asyncio
import time

import pytest

from hub.errors import ServiceUnavailableError
from hub.store import connections, webhooks
from hub.web.directory import FRESH_SECONDS, Directory, Entry
from hub.web.endpoints import AHEAD_SECONDS, Endpoints
from tests.web.driver import Hub


async def test_each_connection_has_its_own_application(hub: Hub) -> None:
    """It sees its path as ASGI has it for mounts, and nothing of another tenant."""
    await hub.add("north-1", tenant="north")
    await hub.add("south-1", tenant="south")

    north = await hub.client.get("/c/north-1/stock/A-1?x=1")
    south = await hub.client.get("/c/south-1")

    assert north.json() == {"connection": "north-1", "tenant": "north", "path": "/stock/A-1"}
    assert south.json() == {"connection": "south-1", "tenant": "south", "path": ""}


async def test_nothing_of_the_hubs_is_added_to_its_answers(hub: Hub) -> None:
    """No middleware stands on the path."""
    await hub.add("north-1")

    answer = await hub.client.get("/c/north-1/")

    assert set(answer.headers) <= {"date", "transfer-encoding", "connection"}


async def test_unknown_names_and_connectors_without_endpoints_look_alike(hub: Hub) -> None:
    """404 for both, in the same words."""
    await hub.add("polled", connector="acme", base_url="http://127.0.0.1:9")

    answers = [await hub.client.get(f"/c/{name}/x") for name in ("polled", "unknown", "%2e%2e", "")]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (404, '{"error":"Not Found","detail":"there is no such endpoint"}')
    }


async def test_an_application_that_fails_tells_nothing(hub: Hub) -> None:
    """500, and the next request is served."""
    await hub.add("broken", connector="clumsy")
    await hub.add("north-1")

    broken = await hub.client.get("/c/broken/")
    well = await hub.client.get("/c/north-1/")

    assert (broken.status_code, broken.text) == (500, "Internal Server Error")
    assert well.status_code == 200


async def test_an_application_ends_with_its_connection(hub: Hub) -> None:
    """Within moments after it was removed, in every process."""
    await hub.add("north-1")
    assert (await hub.client.get("/c/north-1/")).status_code == 200
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")

    async with asyncio.timeout(15):
        while (await hub.client.get("/c/north-1/")).status_code == 200:
            pass


async def test_whoever_comes_after_a_while_learns_at_once_that_it_has_ended(hub: Hub) -> None:
    """What was known a moment ago is looked up first, and nobody is served by what is gone."""
    await hub.add("north-1")
    assert (await hub.client.get("/c/north-1/")).status_code == 200
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")
    await asyncio.sleep(FRESH_SECONDS)

    assert (await hub.client.get("/c/north-1/")).status_code == 404


async def test_a_name_that_comes_back_is_another_connection(hub: Hub) -> None:
    """Even when the database gives the new one the id of the old one."""
    await hub.add("shop", tenant="north")
    assert (await hub.client.get("/c/shop/")).json()["tenant"] == "north"
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "shop")
    await hub.add("shop", tenant="south")

    async with asyncio.timeout(15):
        while (await hub.client.get("/c/shop/")).json()["tenant"] != "south":
            pass


async def test_a_connection_that_is_asked_for_is_looked_up_before_anybody_waits(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, when it is half as old as it may be."""
    await hub.add("north-1")
    directory = Directory(hub.runtime)
    endpoints, looked_up = Endpoints(directory), 0
    known = await directory.find("north-1")
    revisions = webhooks.revisions

    def counted(*args: object) -> object:
        nonlocal looked_up
        looked_up += 1
        return revisions(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(webhooks, "revisions", counted)
    while (entry := directory.entries["north-1"]) is known:
        endpoints.at_once("/c/north-1/x", b"")
        await asyncio.sleep(0.001)
    await directory.close()

    assert looked_up == 1
    assert AHEAD_SECONDS <= entry.checked - known.checked < FRESH_SECONDS


async def test_a_look_up_that_takes_long_tells_how_it_was_when_it_began(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes while its answer is under way is noticed no later for that."""
    await hub.add("north-1")
    directory = Directory(hub.runtime)
    revisions, read_at = webhooks.revisions, []

    def slow(*args: object) -> object:
        found = revisions(*args)  # type: ignore[arg-type]
        read_at.append(time.monotonic())
        time.sleep(0.05)
        return found

    monkeypatch.setattr(webhooks, "revisions", slow)
    found = [await directory.find("north-1"), await _renewed(directory, "north-1")]
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")
    found.append(await _renewed(directory, "north-1"))
    await directory.close()

    assert all(one.checked <= read for one, read in zip(found, read_at, strict=True))
    assert [one.error is None for one in found] == [True, True, False]


async def test_a_store_that_is_away_is_not_asked_with_each_request(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up ahead that failed is left until one is waited for."""
    await hub.add("north-1")
    directory = Directory(hub.runtime)
    endpoints, asked = Endpoints(directory), 0
    known = await directory.find("north-1")

    def away(*_: object) -> object:
        nonlocal asked
        asked += 1
        raise ServiceUnavailableError("the store is away")

    monkeypatch.setattr(webhooks, "revisions", away)
    while time.monotonic() - known.checked < FRESH_SECONDS:
        endpoints.at_once("/c/north-1/x", b"")
        await asyncio.sleep(0.001)
    await directory.close()

    assert asked == 1


async def _renewed(directory: Directory, name: str) -> Entry:
    """The entry, once it was looked up again."""
    before = directory.entries[name]
    directory.renew(name)
    while (entry := directory.entries[name]) is before:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    return entry
