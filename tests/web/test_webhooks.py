"""A webhook is in the ledger before it is answered, once, and only if it is signed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.loop.disconnect import disconnect
from hub.loop.work import work
from hub.store import connections
from tests.web.driver import Hub, count, serving, signed, signed_body


async def test_a_webhook_is_stored_when_it_is_answered(hub: Hub) -> None:
    """With the connector's own answer, and a bell for the workers."""
    await hub.add("north-1")

    answer = await hub.post("north-1", count(1), count(2, "A-2"))

    assert answer.status_code == 202
    assert answer.headers["x-acme"] == "thanks"
    assert answer.json() == {"taken": 2, "at": ""}
    assert await hub.keys() == ["000000000001", "000000000002"]
    assert [bell.stage for bell in hub.rung] == ["work"]


async def test_the_connector_sees_what_was_sent(hub: Hub) -> None:
    """Method, path below its own, query."""
    await hub.add("north-1")

    posted = await hub.post("north-1", count(1), path="/counts/new?a=1")
    asked = await hub.client.get("/hooks/north-1/", params={"challenge": "a b&c"})

    assert posted.json()["at"] == "counts/new"
    assert asked.text == "a b&c"


@pytest.mark.parametrize(
    "change",
    (
        {"headers": {}},
        {"headers": {"x-acme-signature": "0" * 64}},
        {"content": b'{"counts": [{"seq": 9, "sku": "A-9", "quantity": 9}]}'},
    ),
    ids=("missing", "wrong", "of another body"),
)
async def test_a_signature_that_does_not_fit_is_refused(hub: Hub, change: dict[str, Any]) -> None:
    """401, and nothing is stored."""
    await hub.add("north-1")

    answer = await hub.client.post("/hooks/north-1", **signed(count(1)) | change)

    assert answer.status_code == 401
    assert answer.json() == {"error": "Unauthorized", "detail": "the signature is missing or wrong"}
    assert await hub.keys() == []


async def test_the_secret_of_another_tenant_is_no_good(hub: Hub) -> None:
    """Each connection has its own, and records go to the tenant of the connection in the path."""
    await hub.add("north-1", tenant="north", secret="secret-of-the-north")
    await hub.add("south-1", tenant="south", secret="secret-of-the-south")

    refused = await hub.post("south-1", count(1), secret="secret-of-the-north")
    taken = await hub.post("south-1", count(2), secret="secret-of-the-south")

    assert (refused.status_code, taken.status_code) == (401, 202)
    tenants = {row["name"]: row["id"] for row in await hub.table("tenant")}
    assert [(row["key"], row["tenant_id"]) for row in await hub.table("record")] == [
        ("000000000002", tenants["south"])
    ]


async def test_a_delivery_that_comes_again_stores_nothing(hub: Hub) -> None:
    """It gets the same answer; the same id of another connection is another delivery."""
    await hub.add("north-1")
    await hub.add("north-2")

    first = await hub.post("north-1", count(1), delivery="d-1")
    again = await hub.post("north-1", count(2), delivery="d-1")
    elsewhere = await hub.post("north-2", count(3), delivery="d-1")

    assert [one.status_code for one in (first, again, elsewhere)] == [202, 202, 202]
    assert await hub.keys() == ["000000000001", "000000000003"]


async def test_bad_input_is_explained(hub: Hub) -> None:
    """400, what is wrong with it, and nothing stored."""
    await hub.add("north-1")
    answer = await hub.client.post("/hooks/north-1", **signed_body(b'{"counts": 1'))

    assert answer.status_code == 400
    assert "the body must be JSON with a list `counts`" in answer.json()["detail"]
    assert await hub.table("record") == []


@pytest.mark.parametrize("path", ("split", "status", "text", "broken"))
async def test_an_answer_that_is_none_stores_nothing(hub: Hub, path: str) -> None:
    """It is the connector's fault, so the sender is asked to come again, and told nothing."""
    await hub.add("north-1", connector="clumsy")

    answer = await hub.post("north-1", count(1), path=f"/{path}")

    assert answer.status_code == 500
    assert answer.json()["detail"] == "the webhook could not be taken; the hub's log says why"
    assert "x-injected" not in answer.headers
    assert await hub.keys() == []


@pytest.mark.parametrize(("path", "said"), (("id", "the id of the webhook"), ("secret", "the secret is ***")))
async def test_an_explanation_holds_no_secret(hub: Hub, path: str, said: str) -> None:
    """Whatever the connector writes into it."""
    await hub.add("north-1", connector="clumsy")

    answer = await hub.post("north-1", count(1), path=f"/{path}")

    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert "the-secret-of-webhooks" not in answer.text


async def test_a_record_that_the_ledger_cannot_hold_is_kept_in_quarantine(hub: Hub) -> None:
    """The others of its webhook are stored."""
    await hub.add("north-1")

    answer = await hub.post("north-1", count(1), count(2, sku="x" * 600))

    assert answer.status_code == 202
    assert await hub.keys() == ["000000000001"]
    assert [row["key"] for row in await hub.table("quarantine")] == ["000000000002"]


async def test_unknown_names_and_connectors_without_webhooks_look_alike(hub: Hub) -> None:
    """Nobody finds out by asking which connections there are."""
    await hub.add("polled", connector="acme", base_url="http://127.0.0.1:9")

    answers = [await hub.post(name, count(1)) for name in ("polled", "unknown", "no%20name", "", "%00")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({(answer.text, tuple(_without_date(answer))) for answer in answers}) == 1


@pytest.mark.parametrize("chunked", (False, True), ids=("declared", "chunked"))
async def test_a_body_that_is_too_large_is_refused(
    acme: Path, sqlite_url: str, tmp_path: Path, chunked: bool
) -> None:
    """413, whether its length is said or only seen."""
    async with serving(sqlite_url, tmp_path, webhook_max_bytes=1000) as hub:
        await hub.add("north-1")
        how = signed(count(1), {"more": "x" * 1000})

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(how["content"]), 100):
                yield how["content"][start : start + 100]

        answer = await hub.client.post("/hooks/north-1", **how | ({"content": pieces()} if chunked else {}))

        assert answer.status_code == 413
        assert "HUB_WEBHOOK_MAX_BYTES" in answer.json()["detail"]
        assert await hub.keys() == []
        assert (await hub.post("north-1", count(1))).status_code == 202


@pytest.mark.parametrize("column", ("paused = true", "source_refused = 'no'"))
async def test_a_connection_that_stands_still_still_takes_webhooks(hub: Hub, column: str) -> None:
    """They wait in the ledger; the sender would not send them again."""
    await hub.add("north-1")
    await hub.runtime.db.run(_set, hub, column)

    answer = await hub.post("north-1", count(1))

    assert answer.status_code == 202
    assert await hub.keys() == ["000000000001"]


async def test_a_connection_without_access_takes_none(hub: Hub) -> None:
    """To the sender it is as if it did not exist, also where it was known a moment ago."""
    await hub.add("north-1")
    assert (await hub.post("north-1", count(1))).status_code == 202
    await disconnect(hub.runtime, 1)

    answer = await hub.post("north-1", count(2))

    assert answer.status_code == 404
    assert await hub.keys() == ["000000000001"]


async def test_a_new_secret_holds_from_the_moment_it_is_saved(hub: Hub) -> None:
    """Although connections are remembered for a second: the transaction looks again."""
    await hub.add("north-1")
    assert (await hub.post("north-1", count(1))).status_code == 202

    await hub.replace("north-1", secret="another-secret")
    old = await hub.post("north-1", count(2))
    new = await hub.post("north-1", count(3), secret="another-secret")

    assert (old.status_code, new.status_code) == (401, 202)
    assert await hub.keys() == ["000000000001", "000000000003"]


async def test_a_connection_that_was_removed_is_unknown_at_once(hub: Hub) -> None:
    """Nothing is stored for it any more."""
    await hub.add("north-1")
    assert (await hub.post("north-1", count(1))).status_code == 202
    await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1", even_if_open=True)

    answer = await hub.post("north-1", count(2))

    assert answer.status_code == 404
    assert await hub.table("record") == []


async def test_what_was_stored_is_pushed(hub: Hub) -> None:
    """From the webhook to the destination."""
    connection_id = await hub.add("north-1")
    await hub.post("north-1", count(1, "A-1", 7))

    await work(hub.runtime, connection_id)

    assert json.loads((hub.shelf / "A-1.json").read_text()) == {"sku": "A-1", "quantity": 7}
    assert [row["state"] for row in await hub.table("record")] == ["success"]


def _set(hub: Hub, column: str) -> None:
    with hub.runtime.db.transaction() as tx:
        hub.runtime.db.execute(tx, f"UPDATE connection SET {column}")


def _without_date(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name != "date"]
