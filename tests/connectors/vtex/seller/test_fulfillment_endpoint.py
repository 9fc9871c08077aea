"""Where a marketplace asks: who may, what is refused, and an answer in time whatever happens."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from hub import codec
from hub.store import connections
from hub.store.database import Database
from tests.catalog.shelf import Shelf
from tests.connectors.vtex.seller.conftest import Sell
from tests.connectors.vtex.seller.endpoint_of_a_test import PATH, body_of, counter
from tests.connectors.vtex.seller.seller_world import goods

SECRET = "a-secret-of-the-marketplace"
#: VTEX waits no longer, in seconds.
VTEX_WAITS = 2.5


@pytest.mark.parametrize(
    ("path", "header", "status"),
    (
        (f"/{SECRET}", None, 200),
        ("", SECRET, 200),
        (f"/{SECRET}", "another-secret-altogether", 200),
        ("", None, 401),
        ("", "another-secret-altogether", 401),
        ("/another-secret-altogether", None, 401),
        ("/another-secret-altogether", SECRET, 401),
        (f"/{SECRET}x", None, 401),
        (f"/{SECRET}/{SECRET}", None, 401),
    ),
)
async def test_only_who_knows_the_secret_is_answered(
    sell: Sell, capfd: pytest.CaptureFixture[str], path: str, header: str | None, status: int
) -> None:
    """In the path or in a header; it stands in no log and in no answer."""
    world = await sell({"credentials": {"endpoint_secret": SECRET}})
    world.offer("a")
    headers = {} if header is None else {"X-Hub-Secret": header}

    answer = await world.client.post(
        f"/c/market{path}{PATH}", content=body_of("a-v", "unknown"), headers=headers
    )

    assert answer.status_code == status
    written = "".join(capfd.readouterr())
    assert ("SKUs are asked for" in written) == (status == 200)
    assert SECRET not in written + answer.text
    assert "another-secret" not in written + answer.text
    assert status == 200 or answer.json()["error"]["message"] == "the secret is missing or wrong"


def timeless(answer: str) -> str:
    """Without the moment until which a price is promised, which is another one each second."""
    text, found = re.subn(r'"priceValidUntil":"[^"]*"', "", answer)
    assert found
    return text


async def test_what_lies_ready_is_answered_as_it_would_be_otherwise(sell: Sell) -> None:
    """The same to a request whose body comes after its head, which no answer lies ready for."""
    world = await sell({"credentials": {"endpoint_secret": SECRET}})
    world.offer("a")
    url, body = f"/c/market/{SECRET}{PATH}", body_of("a-v", "unknown")
    await world.client.post(url, content=body)

    async def pieces() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.05)
        yield body

    ready = await world.client.post(url, content=body)
    other = await world.client.post(url, content=pieces(), headers={"content-length": str(len(body))})
    wrong = await world.client.post(url.replace(SECRET, SECRET.upper()), content=body)

    assert ready.status_code == other.status_code == 200
    assert timeless(ready.text) == timeless(other.text)
    assert {*ready.headers} - {"date"} == {*other.headers} - {"date"}
    assert wrong.status_code == 401


async def test_without_a_secret_everybody_is_answered_at_the_one_path(sell: Sell) -> None:
    """One in the path is then a mistake that is told, not ignored."""
    world = await sell()

    plain, odd = await world.simulate(), await world.simulate(path=f"/{SECRET}")

    assert (plain.status_code, odd.status_code) == (200, 404)
    assert "has no secret" in odd.text


async def test_all_else_is_refused_with_what_is_right(sqlite_db: Database) -> None:
    """Other paths, other methods, bodies that nobody understands."""
    async with counter(sqlite_db) as at:
        answers = {
            "nowhere": await at.client.post("/api/pvt/orders", content=b"{}"),
            "no api": await at.client.post("/pvt/orderForms/simulation", content=b"{}"),
            "get": await at.client.get(PATH),
            "nothing": await at.client.post(PATH),
            "no items": await at.client.post(PATH, json={"postalCode": "1"}),
            "deep": await at.client.post(PATH, content=b"[" * 100_000),
        }

    assert {name: (one.status_code, one.json()["error"]["message"]) for name, one in answers.items()} == {
        "nowhere": (404, "there is only POST …/api/pvt/orderForms/simulation here"),
        "no api": (404, "there is only POST …/api/pvt/orderForms/simulation here"),
        "get": (405, "only POST is answered here"),
        "nothing": (400, answers["nothing"].json()["error"]["message"]),
        "no items": (400, "items: has to be a list of lines with id, quantity and seller"),
        "deep": (400, answers["deep"].json()["error"]["message"]),
    }
    assert "the body is no JSON" in answers["nothing"].text
    assert "the body is no JSON" in answers["deep"].text


async def test_tolerable_spellings_are_answered(sqlite_db: Database) -> None:
    """Numbers as ids, quantities as texts, an address of nulls, unknown parameters, another case, a slash at the end."""
    line = {"id": 15, "quantity": "3", "seller": 1, "unit": "un"}
    async with counter(sqlite_db, offered=()) as at:
        at.shelf.write("shop", {"kind": "product", "key": "p", "variants": [_variant("15")]})
        answer = await at.client.post(
            f"{PATH.replace('orderForms', 'OrderForms')}/?sc=1&an=mystore&unknown=%ff",
            json={"items": [line], "postalCode": None, "country": None, "clientProfileData": {}, "sc": None},
        )

    assert [(one["id"], one["quantity"], one["seller"]) for one in answer.json()["items"]] == [("15", 3, "1")]


async def test_parameters_of_the_query_keep_nobody_from_being_answered_at_once(sqlite_db: Database) -> None:
    """The marketplace sends them with each question. A path that nobody was let in by is not answered for them."""
    async with counter(sqlite_db) as at:
        await at.ask("a-v")
        refused, accepted = (f"/secret{PATH}?{PATH}", f"{PATH}x?sc=1"), (PATH, f"{PATH}?sc=1&an=mystore")
        answers: list[bytes | None] = [None]
        async with asyncio.timeout(10):
            while None in answers[2:] or len(answers) < 4:  # it looks for news first
                answers = [at.endpoint.at_once(path, body_of("a-v")) for path in (*refused, *accepted)]
                await asyncio.sleep(0.001)

    assert answers[:2] == [None, None]
    assert answers[2] == answers[3]


def _variant(key: str) -> dict[str, object]:
    return {
        "key": key,
        "prices": [{"currency": "BRL", "amount": 5}],
        "stock": [{"location": "default", "on_hand": 9}],
    }


async def test_a_body_may_come_in_pieces(sqlite_db: Database) -> None:
    """Of any size."""
    body = body_of("a-v")
    async with counter(sqlite_db) as at:
        status, text = await at.send(*(body[place : place + 1] for place in range(len(body))))

    assert status == 200
    assert codec.loads(text.encode())["items"][0]["id"] == "a-v"


@pytest.mark.parametrize("pieces", ((), (b'{"items":[',)), ids=("nothing of it", "a part of it"))
async def test_a_body_that_does_not_come_is_not_waited_for(
    sqlite_db: Database, pieces: tuple[bytes, ...]
) -> None:
    """408, also where not a single byte of it has come."""
    async with counter(sqlite_db, deadline=0.2) as at:
        began = time.monotonic()
        status, text = await at.send(*pieces, length=1000)

    assert status == 408
    assert "did not arrive in time" in text
    assert 0.2 <= time.monotonic() - began < VTEX_WAITS


async def test_what_is_too_large_is_refused_while_it_comes(sqlite_db: Database) -> None:
    """Before it is all there."""
    async with counter(sqlite_db) as at:
        status, text = await at.send(*[b" " * 65536] * 17, length=2**30)

    assert status == 413
    assert "more than 1048576 bytes" in text


async def test_who_hangs_up_is_not_answered_and_harms_nobody(
    sqlite_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """In the middle of the body; it is no fault that anybody would log."""
    async with counter(sqlite_db, most_at_once=1, deadline=30) as at:
        hanging = asyncio.create_task(at.send(b"{", length=10))
        async with asyncio.timeout(10):
            while (await at.ask("a-v")).status_code != 503:
                pass
        hanging.cancel()
        async with asyncio.timeout(10):
            while (await at.ask("a-v")).status_code != 200:
                pass

    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


async def test_more_than_can_be_answered_is_turned_away_at_once(sqlite_db: Database) -> None:
    """Nobody queues; whoever is in is answered."""
    body = body_of("a-v")
    async with counter(sqlite_db, most_at_once=3, deadline=30) as at:
        slow = [asyncio.create_task(at.send(body[:5], length=len(body) + 5)) for _ in range(3)]
        async with asyncio.timeout(10):
            while (refused := await at.ask("a-v")).status_code == 200:
                pass
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "too much at once" in refused.text
    assert refused.elapsed.total_seconds() < 1


async def test_body_and_reading_have_one_time_together(sqlite_db: Database) -> None:
    """Not one each: the marketplace does not wait twice."""
    body = body_of("a-v")
    async with counter(sqlite_db, loaded=False, hold=("changes", "read"), deadline=1.5) as at:
        began = time.monotonic()
        status = await _late(at.url, body, 1.0)
        took = time.monotonic() - began

    assert status == 503
    assert 1.4 < took < 2.3


async def _late(url: str, body: bytes, wait: float) -> int:
    async def content() -> AsyncIterator[bytes]:
        yield body[:5]
        await asyncio.sleep(wait)
        yield body[5:]

    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        return (await client.post(PATH, content=content())).status_code


async def test_what_is_left_out_is_logged_once_and_short(sqlite_db: Database) -> None:
    """Whatever somebody asks for, however often."""
    long = "x" * 50_000
    async with counter(sqlite_db) as at:
        for _ in range(3):
            await at.ask("a-v", "unknown", long, "unknown")

    said = [fields for event, fields in at.log.lines if "asked for" in event]
    assert said == [{"skus": ["unknown", "x" * 100], "count": 2}]


async def test_an_endpoint_ends_with_its_connection(sell: Sell) -> None:
    """404, and nothing of what it knew."""
    world = await sell()
    world.offer("a")
    assert (await world.simulate("a-v")).json()["items"][0]["id"] == "a-v"

    await world.hub.db.run(connections.remove_connection, world.hub.db, "market")

    async with asyncio.timeout(15):
        while (answer := await world.simulate("a-v")).status_code == 200:
            pass
    assert answer.status_code == 404
    assert "a-v" not in answer.text


async def test_nothing_of_another_tenant_is_ever_answered(sell: Sell) -> None:
    """Not what has the same key either."""
    world = await sell()
    world.offer("a", "b")
    rivals = Shelf(world.hub.db, "rival", "rivals-shop")
    await world.connect(name="rival", tenant="rival", seller_id="rival")
    rivals.write("rivals-shop", goods("a", enabled=False), goods("c"))

    ours, theirs = [
        {
            item["id"]: item["quantity"]
            for item in (await world.simulate("a-v", "b-v", "c-v", name=name)).json()["items"]
        }
        for name in ("market", "rival")
    ]

    assert ours == {"a-v": 1, "b-v": 1}
    assert theirs == {"a-v": 0, "c-v": 1}
