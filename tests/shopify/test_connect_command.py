"""`hub shopify connect`: a link for the shop's owner, and what is connected then."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import connection_file, connection_save
from hub.loop.disconnect import disconnect
from hub.store import connections
from hub.testing.simulator import Running
from tests.forked import Forked
from tests.shopify.shop import SECRET, SHOP, credentials_of, secrets_of
from tests.web.driver import FERNET_KEY, Hub


class Command:
    """`hub shopify connect` in a process of its own."""

    def __init__(self, hub: Hub, shop: Running, folder: Path) -> None:
        self.hub, self.shop = hub, shop
        self._folder = folder
        self._environment = {
            **os.environ,
            "HUB_HOME": str(folder / "home"),
            "HUB_DATABASE_URL": hub.runtime.settings.database_url.get_secret_value(),  # type: ignore[union-attr]
            "HUB_SECRET_KEYS": FERNET_KEY,
            "HUB_PUBLIC_URL": hub.url,
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
            "SHOPIFY_CLIENT_ID": "simulator-client",
            "SHOPIFY_CLIENT_SECRET": SECRET,
        }
        #: All that was printed.
        self.said = ""

    def file(self, **more: Any) -> str:
        """A connection file that leads to the simulator."""
        path = self._folder / "shop.json"
        path.write_text(json.dumps({"connector": "shopify", "settings": {"endpoint": self.shop.url, **more}}))
        return str(path)

    async def begin(self, *arguments: str, **environment: str) -> Forked:
        command = ("shopify", "connect", "north", *arguments)
        return await asyncio.to_thread(Forked, command, self._environment | environment, apart=True)

    async def link(self, process: Forked) -> str:
        """The link that it prints."""
        line = await asyncio.to_thread(process.errors.readline)
        found = re.search(r"http\S+", line)
        assert found, line + process.errors.read()
        self.said += line
        return found[0]

    async def end(self, process: Forked) -> tuple[int, str, str]:
        """Its exit code and what it said."""
        with process:
            out, err = await asyncio.to_thread(process.communicate, 40)
        self.said += out + err
        assert process.returncode is not None
        return process.returncode, out, err


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def command(hub: Hub, shop: Running, tmp_path: Path) -> Command:
    connections.add_tenant(hub.runtime.db, "north")
    return Command(hub, shop, tmp_path)


async def grant(command: Command, link: str, **changes: str) -> httpx.Response:
    """What the shop's owner does."""
    async with httpx.AsyncClient(base_url=command.hub.url, timeout=30) as browser:
        started = await browser.get(link)
        granted = await browser.get(httpx.URL(started.headers["location"]).copy_merge_params(changes))
        return await browser.get(granted.headers["location"])


async def test_a_shop_is_connected(command: Command) -> None:
    """It is added, waits, and says what is connected; no secret is printed."""
    arguments = ("--shop", "Simulated.myshopify.com", "--tenant", "north", "--config", command.file())
    process = await command.begin(*arguments)
    page = await grant(command, await command.link(process))
    code, out, err = await command.end(process)

    assert page.status_code == 200, page.text
    assert (code, err) == (0, "")
    assert "north is live" in out
    assert SHOP in out
    assert credentials_of(command.hub)["refresh_token"] in secrets_of(command.shop)
    assert [one for one in secrets_of(command.shop) if one in command.said] == []
    stored = connections.get_connection(command.hub.runtime.db, "north")
    assert (stored.connector, stored.config["destination"]["name"]) == ("shopify", "catalog")
    assert stored.config["settings"]["shop"] == SHOP


async def test_a_connection_that_is_there_is_authorised_anew(command: Command) -> None:
    """Nothing else of it is changed; what is printed can be read by programs."""
    arguments = ("--shop", SHOP, "--tenant", "north")
    first = await command.begin(*arguments, "--config", command.file(pages_up_to=7))
    await grant(command, await command.link(first))
    await command.end(first)
    before = credentials_of(command.hub)

    again = await command.begin(*arguments, "--json")
    await grant(command, await command.link(again))
    code, out, _ = await command.end(again)

    found = json.loads(out)
    assert code == 0
    assert {name: found[name] for name in ("name", "added", "connected", "status")} == {
        "name": "north",
        "added": False,
        "connected": True,
        "status": "live",
    }
    assert found["checks"]["source"]["facts"]["shop"] == SHOP
    assert credentials_of(command.hub)["refresh_token"] != before["refresh_token"]
    stored = connections.get_connection(command.hub.runtime.db, "north")
    assert stored.config["settings"]["pages_up_to"] == 7


async def test_a_file_is_for_one_that_is_added(command: Command) -> None:
    """What it says of one that is there would be ignored: it is refused, with the way to change that one."""
    arguments = ("--shop", SHOP, "--tenant", "north", "--config", command.file(), "--timeout", "0")
    await command.end(await command.begin(*arguments))

    code, out, err = await command.end(await command.begin(*arguments))

    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith("error: --config: is for a connection that is added")
    assert "`hub connection set north settings.NAME=VALUE`" in err


async def test_a_custom_app_is_connected_by_its_token(command: Command, tmp_path: Path) -> None:
    """No link is printed, which could not work; after a disconnect as before."""
    hub = command.hub
    file = connection_file.parse(
        {
            "connector": "shopify",
            "settings": {"shop": SHOP, "endpoint": command.shop.url},
            "credentials": {"access_token": "shpat_custom"},
            "destination": {"name": "catalog"},
        }
    )
    await connection_save.save(hub.runtime, tenant="north", name="north", file=file, check=False)
    await disconnect(hub.runtime, connections.get_connection(hub.runtime.db, "north").id)

    code, out, err = await command.end(
        await command.begin("--shop", SHOP, "--tenant", "north", SHOPIFY_CLIENT_ID="")
    )

    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert "`hub connection set NAME credentials.access_token=env:VARIABLE`" in err


async def test_nobody_connects_it(command: Command) -> None:
    """A refusal is on the page; the command gives up in the end, and says what to do."""
    arguments = ("--shop", SHOP, "--tenant", "north", "--config", command.file(), "--timeout", "3")
    process = await command.begin(*arguments)
    page = await grant(command, await command.link(process), scope="read_products")
    code, out, err = await command.end(process)

    assert (page.status_code, code, out) == (400, 1, "")
    assert "missing: " in page.text
    assert "nobody has authorised north within 3 seconds" in err
    assert "access_token" not in credentials_of(command.hub)


Arguments = Callable[[Command], tuple[str, ...]]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    (
        (lambda _: ("--shop", "evil.com", "--tenant", "north"), {}, "--shop: is not the shop's own domain"),
        (lambda _: ("--shop", SHOP, "--tenant", "nobody"), {}, "there is no tenant 'nobody'"),
        (
            lambda _: ("--shop", SHOP, "--tenant", "north"),
            {"SHOPIFY_CLIENT_SECRET": ""},
            "SHOPIFY_CLIENT_SECRET is not set",
        ),
        (
            lambda _: ("--shop", SHOP, "--tenant", "north"),
            {"SHOPIFY_CLIENT_ID": ""},
            "--client-id: is missing",
        ),
        (
            lambda command: ("--shop", SHOP, "--tenant", "north", "--config", command.file(colour="red")),
            {},
            "settings.colour",
        ),
    ),
)
async def test_what_is_wrong_is_said_and_adds_nothing(
    command: Command, arguments: Arguments, environment: dict[str, str], said: str
) -> None:
    """On one line, with 2."""
    process = await command.begin(*arguments(command), **environment)
    code, out, err = await command.end(process)

    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert said in err
    assert connections.list_connections(command.hub.runtime.db) == []


async def test_a_name_that_is_taken_is_not_authorised(command: Command) -> None:
    """By another shop, or by another tenant, who is not named."""
    connections.add_tenant(command.hub.runtime.db, "southern-neighbours")
    arguments = (
        "--shop",
        SHOP,
        "--tenant",
        "southern-neighbours",
        "--config",
        command.file(),
        "--timeout",
        "0",
    )
    await command.end(await command.begin(*arguments))

    other_tenant = await command.end(await command.begin("--shop", SHOP, "--tenant", "north"))
    other_shop = await command.end(
        await command.begin("--shop", "another.myshopify.com", "--tenant", "southern-neighbours")
    )

    assert (other_tenant[0], other_shop[0]) == (2, 2)
    assert "of another tenant or connector" in other_tenant[2]
    assert "southern" not in other_tenant[2]
    assert "settings.shop: " in other_shop[2]
