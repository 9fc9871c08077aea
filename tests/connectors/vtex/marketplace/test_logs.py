"""`GET …/logs/`: what became of each SKU, in VTEX's payload and with its messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.vtex.marketplace import logs
from connectors.vtex.marketplace.log_answer import LogAnswer
from connectors.vtex.marketplace.logs import SkuInfo
from connectors.vtex.marketplace.messages import MESSAGES, coded
from hub import codec
from hub.marketplace import Standing
from hub.records import Awaiting, Parked, PushResult, Refused, Rejected, Retry, Skipped, Success
from tests.connectors.vtex.marketplace.conftest import MakeWorld
from tests.connectors.vtex.marketplace.logs_world import KEYS, NAME, World

FIELDS = {
    "id",
    "Operation",
    "Direction",
    "ContentSource",
    "ContentTransalted",
    "ContentTranslated",
    "ContentDestination",
    "BusinessMessage",
    "Status",
}


async def said(world: World, result: PushResult, sku: str = "15", **payload: object) -> list[dict[str, str]]:
    """All messages of a SKU whose record came to a result."""
    await world.ids.put("sku", {sku: SkuInfo(name="Blue lamp", category="Home > Lamps").text()})
    await world.work({sku: result}, **payload)
    return await world.logs()


async def test_a_created_sku_is_logged_with_its_ids_and_link(make_world: MakeWorld) -> None:
    """S1, in the documented payload and nothing else."""
    world = await make_world()
    standing = Standing(external_id="MKP-1", url="https://bazaar.example/MKP-1")
    await world.connect_listing("15", standing)
    await world.ids.put("translated", {"15": '{"title":"Blue lamp"}'})

    (line,) = await said(
        world,
        Success(created=True, external_id="MKP-1", response_code=201),
        changed=["load"],
    )

    assert set(line) == FIELDS
    assert line["BusinessMessage"] == (
        "The SKU 15 (Blue lamp) was created in The Bazaar with the code MKP-1. Link for the SKU within the marketplace: "
        "https://bazaar.example/MKP-1"
    )
    assert (line["Status"], line["Operation"]) == ("Success", "Offer creation")
    assert line["Direction"] == "VTEX to The Bazaar"
    assert line["ContentTransalted"] == line["ContentTranslated"] == '{"title":"Blue lamp"}'
    assert json.loads(line["ContentSource"]) == {"sku": "15", "changed": ["load"], "date": "2026-03-01"}
    assert json.loads(line["ContentDestination"]) == {"responseCode": 201, "id": "MKP-1"}


@pytest.mark.parametrize(
    ("result", "changed", "message"),
    (
        (Skipped(reason="A1: "), "content", "couldn't obtain the SKU price of 15 (Blue lamp)"),
        (Skipped(reason="A2: the product is inactive"), "content", "SKU 15 (Blue lamp) is inactive in VTEX"),
        (
            Rejected(errors=["name: taken", "gtin: wrong"]),
            "content",
            "in The Bazaar due to:\n- name: taken; gtin: wrong",
        ),
        (
            Rejected(errors=coded("E1", "name: too long; shorten it", "image: none; add one")),
            "content",
            "of 15 (Blue lamp) in The Bazaar due to:\n- name: too long; shorten it\n- image: none; add one",
        ),
        (Retry(error="HTTP 503: closed", response_code=503), "price", "unavailable right now"),
        (
            Parked(wake_key="category:9", reason="E4: not mapped"),
            "content",
            "category Home > Lamps mapping of the 15 (Blue lamp) SKU in The Bazaar. Please access the link below",
        ),
        (Retry(error="E5: VTEX Mapper: HTTP 500"), "content", "the VTEX category mapping is unavailable"),
        (
            Success(external_id="M1"),
            "content",
            "15 (Blue lamp) was updated in The Bazaar, where its code is M1",
        ),
        (Success(external_id="M1"), "price", "The price of the SKU 15 (Blue lamp) was updated"),
        (Success(external_id="M1"), "stock", "The stock of the SKU 15 (Blue lamp) was updated"),
        (Success(), "off", "was deleted from The Bazaar"),
        (Skipped(reason="unchanged"), "price", "nothing had to be sent"),
        (
            Skipped(reason="it is sold by the seller 7"),
            "content",
            "was not sent to The Bazaar:\n- it is sold by",
        ),
        (Awaiting(handle={}, check_after=timedelta(hours=1), note="lot 7"), "content", "has not said yet"),
        (Refused(error="HTTP 401", response_code=401), "content", "access to The Bazaar has expired"),
        (
            Refused(error="H15: HTTP 403; give the key a role", response_code=403),
            "content",
            "VTEX refuses the application key with which it is read for The Bazaar",
        ),
    ),
    ids=["A1", "A2", "E3", "E1", "E2", "E4", "E5", "H1", "H2", "H3", "H5", "H6", "H9", "H8", "H12", "H15"],
)
async def test_every_end_of_a_record_has_its_message(
    make_world: MakeWorld, request: pytest.FixtureRequest, result: PushResult, changed: str, message: str
) -> None:
    """In context, with all that is listed, under the status of the table."""
    world = await make_world(mapper_url="https://mapper.example")

    (line,) = await said(world, result, changed=[changed])

    code = request.node.callspec.id
    assert message in line["BusinessMessage"]
    assert line["Status"] == MESSAGES[code].status
    assert line["id"].isdigit()


async def test_a_blocked_sku_is_told_from_a_deleted_one(make_world: MakeWorld) -> None:
    """By what is still known of it at the marketplace; why it was blocked stands beside it."""
    world = await make_world()
    await world.connect_listing("15", Standing(external_id="M1", active=False))

    blocked, why = await said(world, Success(external_id="M1", warning="A2: the SKU is inactive"))

    assert "was blocked in The Bazaar" in blocked["BusinessMessage"]
    assert why["BusinessMessage"].startswith("Oops, the SKU 15 (Blue lamp) is inactive in VTEX")
    assert (blocked["Status"], why["Status"]) == ("Success", "Warning")
    assert why["id"] == f"{blocked['id']}-A2"


async def test_standard_values_are_listed_beside_the_success(make_world: MakeWorld) -> None:
    """A3, with fields and values; what the marketplace remarks has a message of its own."""
    world = await make_world()
    warning = "; ".join([*coded("A3", "brand = none", "weight_grams = 100"), "H13: the image is small"])

    made, filled, remark = await said(world, Success(created=True, external_id="M1", warning=warning))

    assert "created" in made["BusinessMessage"]
    assert filled["BusinessMessage"].endswith("accepted by The Bazaar:\n- brand = none\n- weight_grams = 100")
    assert "remarked:\n- the image is small" in remark["BusinessMessage"]


async def test_what_waits_is_pending_and_then_told_again(make_world: MakeWorld) -> None:
    """Under the same id; a record that was replaced says by what."""
    world = await make_world()
    await world.admit(["15"], date="1")
    (pending,) = await world.logs()
    world.bazaar.answers = {"15": Success(external_id="M1")}  # type: ignore[attr-defined]
    await world.hub.work_off(NAME)
    (done,) = await world.logs()

    assert (pending["Status"], done["Status"]) == ("Pending", "Success")
    assert pending["id"] == done["id"]
    assert "is in the queue" in pending["BusinessMessage"]


@pytest.mark.parametrize(
    ("query", "skus"),
    (
        ("", ["4", "3", "2", "1"]),
        ("?status=all", ["4", "3", "2", "1"]),
        ("?status=success", ["1"]),
        ("?status=sucess,error", ["2", "1"]),
        ("?STATUS=Sucess&status=ERROR", ["2", "1"]),
        ("?status=alert", ["3"]),
        ("?status=Warning,%20pending", ["4", "3"]),
        ("?status=", ["4", "3", "2", "1"]),
        ("?status=error,ALL", ["4", "3", "2", "1"]),
    ),
)
async def test_statuses_are_understood_in_every_spelling(
    make_world: MakeWorld, query: str, skus: list[str]
) -> None:
    """The guide has several."""
    world = await make_world()
    await world.work({"1": Success(), "2": Rejected(errors=["no"]), "3": Skipped(reason="A1: ")})
    await world.admit(["4"])

    lines = await world.logs(query)

    assert sorted(json.loads(line["ContentSource"])["sku"] for line in lines) == sorted(skus)


async def test_a_day_begins_at_midnight_of_the_connections_time_zone(make_world: MakeWorld) -> None:
    """What settled yesterday there is not in today's log."""
    world = await make_world(time_zone="America/Sao_Paulo")
    await world.work({"1": Success()})
    today = (datetime.now(UTC) - timedelta(hours=3)).date()  # it has no summer time

    def of(back: int) -> str:
        return f"?DateAt={today - timedelta(days=back)}"

    assert [len(await world.logs(query)) for query in ("", of(0), of(1))] == [1, 1, 0]
    world.hub.pass_time(24 * 3600)
    assert [len(await world.logs(query)) for query in ("", of(0), of(1))] == [0, 0, 1]


async def test_no_secret_is_in_a_log(make_world: MakeWorld) -> None:
    """Wherever the marketplace repeated it."""
    secret = "a-secret-of-the-endpoint"
    world = await make_world(secret=secret)
    world.base += f"/{secret}"
    leaked = f"{KEYS['app_token']} and {secret}"
    await world.ids.put("translated", {"1": leaked})

    await world.work({"1": Rejected(errors=[f"I was told {leaked}"])}, product=leaked)
    text = codec.dumps(await world.logs()).decode()

    assert "I was told *** and ***" in text
    assert secret not in text
    assert KEYS["app_token"] not in text


async def test_a_day_of_many_records_comes_whole_or_page_by_page(make_world: MakeWorld) -> None:
    """Each record once; the pages are linked."""
    world = await make_world()
    await world.admit(f"{number}" for number in range(1203))

    whole = await world.logs()
    found, query = [], "?limit=500&status=pending"
    while query:
        answer = await world.client.get(f"{world.base}/logs{query}")
        found += answer.json()["Messages"]
        link = answer.links.get("next")
        assert link is None or ("DateAt=" in link["url"] and "status=pending" in link["url"])
        query = link["url"] if link else ""

    assert len(whole) == len({line["id"] for line in whole}) == 1203
    assert found == whole


async def test_a_record_that_ends_while_the_log_is_read_comes_once(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is met among the open ones, and again among those that have ended."""
    monkeypatch.setattr(logs, "PAGE", 2)
    world = await make_world()
    await world.admit(["1", "2", "3"])
    plugin = await world.plugin()
    chunks: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: MutableMapping[str, Any]) -> None:
        chunks.append(message.get("body", b""))
        if b'"id"' in chunks[-1]:
            await world.hub.work_off(NAME)

    scope = {"method": "GET", "query_string": b"", "headers": []}
    await LogAnswer(plugin.logs, plugin.ports.clock)(scope, receive, send)

    messages = codec.loads(b"".join(chunks))["Messages"]
    assert sorted(line["id"] for line in messages) == ["1", "2", "3"]
    assert {line["Status"] for line in messages} == {"Pending", "Success"}


async def test_nothing_is_read_for_who_has_hung_up(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log may be long."""
    monkeypatch.setattr(logs, "PAGE", 1)
    world = await make_world()
    await world.admit(str(number) for number in range(50))
    plugin = await world.plugin()
    chunks: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        chunks.append(message.get("body", b""))

    scope = {"method": "GET", "query_string": b"", "headers": []}
    await LogAnswer(plugin.logs, plugin.ports.clock)(scope, receive, send)

    assert len(chunks) < 10
