"""A connection is authorised in a browser: by whom the hub gave a link to, once, and by nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hub.errors import ConfigurationError, NotFoundError
from hub.loop.authorization import begin_authorization
from hub.store import connections
from tests.web.driver import Hub, count

TOKEN = "acme-token"


@pytest.fixture
async def warehouse(acme: Any) -> AsyncIterator[str]:
    """Acme's own pages: the owner of the warehouse always says yes."""
    from acme_plugin.simulator import SIMULATOR  # known only once the plugin is installed

    async with SIMULATOR.running(token=TOKEN) as running:
        yield running.url


@asynccontextmanager
async def browser(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, with its own cookies; it follows no redirect unless told."""
    async with httpx.AsyncClient(base_url=hub.url, verify=False) as client:
        yield client


async def callback_of(hub: Hub, client: httpx.AsyncClient, name: str = "north-1") -> str:
    """Begin an authorization in a browser and say yes; gives the URL that it is sent back to."""
    started = await client.get(await begin_authorization(hub.runtime, name))
    granted = await client.get(started.headers["location"])
    return granted.headers["location"]


async def credentials_of(hub: Hub, name: str = "north-1") -> dict[str, Any]:
    """What is stored, decrypted."""
    stored = await hub.runtime.db.run(connections.get_connection, hub.runtime.db, name)
    return hub.runtime.file_of(stored).credentials


async def test_the_granted_credentials_are_stored_and_used(hub: Hub, warehouse: str) -> None:
    """The others stay as they are, and what was refused gets a new chance."""
    await hub.add("north-1", base_url=warehouse)
    await hub.runtime.db.run(connections.refuse_source, hub.runtime.db, 1, "the token is no good")
    before = await hub.runtime.db.run(connections.get_connection, hub.runtime.db, "north-1")
    async with browser(hub) as client:
        page = await client.get(await callback_of(hub, client))

    after = await hub.runtime.db.run(connections.get_connection, hub.runtime.db, "north-1")
    assert page.status_code == 200
    assert "The connection north-1 has new credentials" in page.text
    assert "<dt>warehouse</dt><dd>Acme North</dd>" in page.text
    assert TOKEN not in page.text
    assert await credentials_of(hub) == {"webhook_secret": "the-secret-of-webhooks", "token": TOKEN}
    assert (after.revision, after.source_refused) == (before.revision + 1, None)
    assert TOKEN not in after.credentials
    assert (await hub.post("north-1", count(1))).status_code == 202


async def test_tokens_are_kept_as_hashes(hub: Hub, warehouse: str) -> None:
    """Who can read the store cannot finish an authorization."""
    await hub.add("north-1", base_url=warehouse)
    link = await begin_authorization(hub.runtime, "north-1")
    async with browser(hub) as client:
        kept_for_link = await hub.table("authorization_state")
        started = await client.get(link)
        kept_for_state = await hub.table("authorization_state")

    state = parse_qs(urlsplit(started.headers["location"]).query)["state"][0]
    assert len(kept_for_link) == len(kept_for_state) == 1
    assert parse_qs(urlsplit(link).query)["link"][0] not in str(kept_for_link)
    assert state not in str(kept_for_state)


async def test_a_link_is_good_once(hub: Hub, warehouse: str) -> None:
    """A look at it with HEAD, as a messenger takes one, does not count."""
    await hub.add("north-1", base_url=warehouse)
    link = await begin_authorization(hub.runtime, "north-1")
    async with browser(hub) as client:
        looked = await client.head(link)
        first = await client.get(link)
        second = await client.get(link)

    assert [one.status_code for one in (looked, first, second)] == [405, 303, 400]
    assert "is unknown or was used already" in second.text


@pytest.mark.parametrize("step", ("link", "state"))
async def test_ten_minutes_are_all_there_is(hub: Hub, warehouse: str, step: str) -> None:
    """After them, a link and a state are no good, and the page says so."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        if step == "link":
            url = await begin_authorization(hub.runtime, "north-1")
        else:
            url = await callback_of(hub, client)
        await hub.runtime.db.run(_let_time_pass, hub, minutes=10)
        page = await client.get(url)

    assert page.status_code == 400
    assert "ten minutes" in page.text
    assert "token" not in await credentials_of(hub)


async def test_a_callback_is_good_once(hub: Hub, warehouse: str) -> None:
    """Of two at the same moment one gets through, and a later one does not."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        callback = await callback_of(hub, client)
        cookies = dict(client.cookies)
        both = await asyncio.gather(*(_get(callback, cookies) for _ in range(2)))
        later = await _get(callback, cookies)

    assert sorted(page.status_code for page in both) == [200, 400]
    assert later.status_code == 400


async def test_a_forged_state_is_refused(hub: Hub, warehouse: str) -> None:
    """Whoever makes one up, or changes one."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        callback = await callback_of(hub, client)
        pages = [
            await client.get("/authorize/callback"),
            await client.get("/authorize/callback?state=made-up&code=code-0"),
            await client.get(f"{callback}x"),
            await client.get(callback.replace("state=", "state=x")),
        ]

    assert [page.status_code for page in pages] == [400] * 4
    assert "token" not in await credentials_of(hub)


async def test_an_authorization_ends_in_the_browser_that_began_it(hub: Hub, warehouse: str) -> None:
    """Nobody can be lured into granting access to a connection of somebody else's; that browser may still finish."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as began, browser(hub) as lured:
        callback = await callback_of(hub, began)
        refused = await lured.get(callback)
        finished = await began.get(callback)

    assert refused.status_code == 400
    assert "in one browser" in refused.text
    assert finished.status_code == 200


async def test_a_link_opens_its_own_connection_only(hub: Hub, warehouse: str) -> None:
    """Tried on another tenant's it is refused, and still good for its own."""
    await hub.add("north-1", base_url=warehouse)
    await hub.add("south-1", tenant="south", base_url=warehouse)
    link = await begin_authorization(hub.runtime, "north-1")
    async with browser(hub) as client:
        other = await client.get(link.replace("north-1", "south-1"))
        unknown = await client.get(link.replace("north-1", "west-1"))
        own = await client.get(link)

    assert [one.status_code for one in (other, unknown, own)] == [400, 400, 303]
    assert other.text == unknown.text


async def test_the_state_of_one_connection_changes_no_other(hub: Hub, warehouse: str) -> None:
    """Although one browser authorises both at the same time, and swaps their codes."""
    await hub.add("north-1", base_url=warehouse)
    await hub.add("south-1", tenant="south", base_url=warehouse, secret="secret-of-the-south")
    async with browser(hub) as client:
        north = await callback_of(hub, client, "north-1")
        await callback_of(hub, client, "south-1")
        page = await client.get(north.replace("code-0", "code-1"))

    assert "The connection north-1 has new credentials" in page.text
    assert (await credentials_of(hub, "north-1"))["token"] == TOKEN
    assert await credentials_of(hub, "south-1") == {"webhook_secret": "secret-of-the-south"}


async def test_a_link_is_no_state_and_a_state_no_link(hub: Hub, warehouse: str) -> None:
    """Each is good for its own step."""
    await hub.add("north-1", base_url=warehouse)
    link = await begin_authorization(hub.runtime, "north-1")
    token = parse_qs(urlsplit(link).query)["link"][0]
    async with browser(hub) as client:
        as_state = await client.get(f"/authorize/callback?state={token}&code=code-0")
        callback = await callback_of(hub, client)
        state = parse_qs(urlsplit(callback).query)["state"][0]
        as_link = await client.get(f"/authorize/north-1?link={state}")

    assert [as_state.status_code, as_link.status_code] == [400, 400]


@pytest.mark.parametrize(
    ("query", "said"),
    (
        ("error=access_denied", "did not grant access (access_denied)"),
        ("error=<script>alert(1)</script>", "did not grant access (no reason given)"),
        ("nothing=at-all", "The warehouse sent no code"),
        ("code=s3cret-code", "the code *** is not good"),
        ("code=a&code=b", "names something twice"),
    ),
)
async def test_what_fails_says_why_and_changes_nothing(
    hub: Hub, warehouse: str, query: str, said: str
) -> None:
    """Without a word that only the other side should know, or that somebody wrote into the URL."""
    await hub.add("north-1", base_url=warehouse)
    before = await hub.runtime.db.run(connections.get_connection, hub.runtime.db, "north-1")
    async with browser(hub) as client:
        callback = await callback_of(hub, client)
        state = parse_qs(urlsplit(callback).query)["state"][0]
        page = await client.get(f"/authorize/callback?state={state}&{query}")

    assert page.status_code == 400
    assert said in page.text
    assert "<script" not in page.text
    assert "s3cret" not in page.text
    assert state not in page.text
    assert await hub.runtime.db.run(connections.get_connection, hub.runtime.db, "north-1") == before


async def test_credentials_that_the_connector_would_refuse_are_not_stored(hub: Hub, acme: Any) -> None:
    """The other side may send anything."""
    from acme_plugin.simulator import SIMULATOR

    async with SIMULATOR.running(token="short") as running, browser(hub) as client:
        await hub.add("north-1", base_url=running.url)
        page = await client.get(await callback_of(hub, client))

    assert page.status_code == 400
    assert "token" in page.text
    assert "short" not in page.text.replace("too short", "")
    assert "token" not in await credentials_of(hub)


async def test_a_page_never_shows_what_was_granted(hub: Hub, warehouse: str) -> None:
    """Even where a connector calls its token a fact."""
    await hub.add("north-1", connector="clumsy", base_url=warehouse)
    async with browser(hub) as client:
        page = await client.get(await callback_of(hub, client))

    assert page.status_code == 200
    assert "<dt>token</dt><dd>***</dd>" in page.text
    assert TOKEN not in page.text


async def test_what_was_saved_meanwhile_stays(hub: Hub, warehouse: str) -> None:
    """The token is merged into the credentials as they are then."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        callback = await callback_of(hub, client)
        await hub.replace("north-1", secret="another-secret", base_url=warehouse)
        page = await client.get(callback)

    assert page.status_code == 200
    assert await credentials_of(hub) == {"webhook_secret": "another-secret", "token": TOKEN}


async def test_a_connection_that_was_removed_meanwhile_is_not_found(hub: Hub, warehouse: str) -> None:
    """Its states go with it."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        callback = await callback_of(hub, client)
        await hub.runtime.db.run(connections.remove_connection, hub.runtime.db, "north-1")
        page = await client.get(callback)

    assert page.status_code == 400
    assert await hub.table("authorization_state") == []


async def test_the_cookie_is_out_of_reach(hub: Hub, warehouse: str) -> None:
    """Of scripts and of other paths; and it ends with the state."""
    await hub.add("north-1", base_url=warehouse)
    async with browser(hub) as client:
        started = await client.get(await begin_authorization(hub.runtime, "north-1"))

    cookie = started.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/authorize" in cookie
    assert "max-age=600" in cookie


async def test_who_cannot_be_authorised_is_told_so_at_the_beginning(hub: Hub) -> None:
    """By name."""
    await hub.add("polled", connector="acme", base_url="http://127.0.0.1:9")
    await hub.add("callback")

    with pytest.raises(ConfigurationError, match="polled is not authorised in a browser"):
        await begin_authorization(hub.runtime, "polled")
    with pytest.raises(ConfigurationError, match="choose another"):
        await begin_authorization(hub.runtime, "callback")
    with pytest.raises(NotFoundError, match="unknown"):
        await begin_authorization(hub.runtime, "unknown")


async def _get(url: str, cookies: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(cookies=cookies) as client:
        return await client.get(url)


def _let_time_pass(hub: Hub, *, minutes: int) -> None:
    with hub.runtime.db.transaction() as tx:
        hub.runtime.db.execute(
            tx,
            "UPDATE authorization_state SET expires_at = expires_at - :passed",
            passed=minutes * 60_000_000,
        )
