"""`hub import`, from a simulated shop into the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.shopify.simulator import SIMULATOR as SHOPIFY
from hub.cli import session
from hub.loop.poll import poll
from hub.store import connections
from tests.cli.conftest import Hub, Served, serving

CONNECTION = """
connector = "shopify"
[settings]
shop = "simulated.myshopify.com"
endpoint = "{shop}"
pages_up_to = {pages}
[credentials]
access_token = "shpat_simulator"
[destination]
name = "catalog"
"""


@pytest.fixture
def source() -> Iterator[Served]:
    """A small shop."""
    with serving(SHOPIFY, products=4, customers=3, locations=2, collections=2) as served:
        yield served


@pytest.fixture
def shop(hub: Hub, acme: str, source: Served) -> str:
    """The connection ``shop``, which reads by bulk operations, so that one poll begins an import and does not end it."""
    file = hub.write(CONNECTION.format(shop=source.url, pages=0))
    hub.ok("connection", "add", "shop", "--tenant", acme, "--config", file)
    return "shop"


def one_poll(name: str) -> None:
    """As a fleet makes it."""

    async def make() -> None:
        async with session.runtime(session.begin()) as runtime:
            stored = await runtime.db.run(connections.get_connection, runtime.db, name)
            outcome = await poll(runtime, stored.id, early=True)
            assert outcome.result == "ok", outcome.error

    asyncio.run(make())


def begin(hub: Hub, name: str) -> Any:
    """An import that is under way; its report."""
    hub.ok("connection", "rewind", name, "--full-pass")
    one_poll(name)
    report = status(hub, name)
    assert (report["state"], report["full"]) == ("running", True)
    return report


def status(hub: Hub, name: str) -> Any:
    return hub.json("import", name, "--status")["import"]


def history(hub: Hub, name: str) -> list[str]:
    """Oldest first."""
    return [row["what"] for row in reversed(hub.json("connection", "history", name))]


def test_an_import_says_what_came(hub: Hub, shop: str) -> None:
    """And says it again when asked."""
    done = hub.json("import", shop)["import"]

    assert (done["state"], done["resources"]["products"]["created"]) == ("done", 4)
    assert status(hub, shop) == done
    assert "created" in hub.ok("import", shop, "--status")


def test_an_import_that_is_under_way_is_gone_on_with(hub: Hub, shop: str, source: Served) -> None:
    """And not begun anew, with operations that the shop has made already."""
    begun = begin(hub, shop)

    done = hub.json("import", shop)["import"]

    assert (done["name"], done["state"]) == (begun["name"], "done")
    assert source.platform.summary()["bulk_operations"] == 4
    assert hub.json("import", shop)["import"]["name"] != begun["name"]


def test_an_import_that_is_read_and_not_all_in_is_gone_on_with(hub: Hub, shop: str) -> None:
    """It is settling: another one would hide what it brought."""
    hub.ok("connection", "rewind", shop, "--full-pass")
    for _ in range(40):
        one_poll(shop)
        if status(hub, shop)["state"] == "settling":
            break
    begun = status(hub, shop)

    done = hub.json("import", shop)["import"]

    assert begun["state"] == "settling"
    assert begun["resources"]["products"] == {"read": 4}
    assert (done["name"], done["state"]) == (begun["name"], "done")
    assert done["resources"]["products"]["created"] == 4


def test_a_cancelled_import_is_cancelled_at_once(hub: Hub, shop: str) -> None:
    """Also before anybody polls again; in its status, in the history, and where it is the last import."""
    begun = begin(hub, shop)

    said = hub.json("import", shop, "--cancel")

    assert said == {"connection": "shop", "cancelled": True, "outcome": "cancelled", "import": begun["name"]}
    assert (status(hub, shop)["name"], status(hub, shop)["state"]) == (begun["name"], "cancelled")
    assert history(hub, shop) == ["connected", "rewound", "import cancelled"]
    assert hub.json("connection", "show", shop)["last_import"]["what"] == "import cancelled"

    one_poll(shop)

    assert status(hub, shop)["state"] == "cancelled"
    assert status(hub, shop)["ended_at"]
    assert history(hub, shop)[-1] == "import cancelled"


def test_another_import_follows_a_cancelled_one(hub: Hub, shop: str) -> None:
    """It goes on with none that was given up."""
    begun = begin(hub, shop)
    hub.ok("import", shop, "--cancel")

    done = hub.json("import", shop)["import"]

    assert done["state"] == "done"
    assert done["name"] != begun["name"]
    assert history(hub, shop)[-1] == "imported"


def test_giving_up_nothing_says_so_and_changes_nothing(hub: Hub, shop: str) -> None:
    """Before the first import, after one that ended, and after one that was given up."""
    nothing = "shop: nothing is under way"
    assert hub.refused("import", shop, "--cancel", code=1) == f"{nothing}, and there was no import yet"

    name = hub.json("import", shop)["import"]["name"]
    said = hub.refused("import", shop, "--cancel", code=1)
    assert said.startswith(f"{nothing}: the last import, {name}, had ended already, at 20")
    assert history(hub, shop) == ["connected", "rewound", "imported"]
    assert status(hub, shop)["state"] == "done"

    name = begin(hub, shop)["name"]
    hub.ok("import", shop, "--cancel")
    said = hub.refused("import", shop, "--cancel", code=1)
    assert said == f"{nothing}: the last import, {name}, was cancelled already"


def test_until_its_first_poll_is_over_an_import_is_beginning(hub: Hub, shop: str) -> None:
    """The one before is over; who looks does not take it for the new one, and who gives up gives up the new one."""
    hub.ok("import", shop)
    hub.ok("connection", "rewind", shop, "--full-pass")

    begun = status(hub, shop)

    assert (begun["state"], begun["name"], begun["resources"]) == ("beginning", None, {})
    assert "its first poll is not over" in hub.ok("import", shop, "--status")
    assert hub.ok("import", shop, "--cancel") == "shop: cancelled before its first poll\n"
    assert status(hub, shop)["state"] == "done"
    assert history(hub, shop)[-1] == "import cancelled"


@pytest.mark.parametrize(
    ("held", "remedy"),
    (("pause", "`hub connection resume shop` ends that"), ("disconnect", "gives it access again")),
)
def test_where_no_import_begins_none_is_shown(hub: Hub, shop: str, held: str, remedy: str) -> None:
    """Not the last one: it says why there is none, and what to do."""
    hub.ok("import", shop)
    hub.ok("connection", held, shop)

    result = hub("import", shop)
    as_json = hub("import", shop, "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: no import has begun" in result.stderr
    assert remedy in result.stderr
    assert '"import": null' in as_json.stdout


def test_an_import_that_did_not_come_to_its_end_says_so(hub: Hub, shop: str) -> None:
    """However well all went that was read."""
    begun = begin(hub, shop)
    hub.ok("connection", "pause", shop)

    result = hub("import", shop)

    assert result.exit_code == 1
    assert f"error: the import {begun['name']} has not ended" in result.stderr
