"""Access tokens that end, limits, and marketplaces that are down: work waits, nothing is lost."""

from __future__ import annotations

from hub.records import JSON
from hub.store import connections
from hub.testing.faults import Faults
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import NAME, TOKEN, MarketplaceWorld, listing

CLIENT = {"token": TOKEN, "client_id": "hub", "client_secret": "marketplace-secret"}
BY_REFRESH_TOKEN = {
    "grant_type": {"value": "refresh_token"},
    "refresh_token": "refresh_token",
}


async def renewing(
    sell: Sell, credentials: JSON, refresh: JSON | None = None, **options: object
) -> MarketplaceWorld:
    """A marketplace whose connection renews its token."""
    world = await sell(**options)
    connections.remove_connection(world.hub.db, NAME)
    url = f"{world.simulator.url}/oauth/token"
    await world.connect(credentials=credentials, refresh={"url": url, **(refresh or {})})
    return world


async def test_a_token_that_has_ended_is_renewed_and_the_call_made_again(sell: Sell) -> None:
    """By the client's credentials, once for all that is in flight."""
    world = await renewing(sell, CLIENT)
    world.simulator.platform.commands()["expire"]({})

    await world.sync(*(listing(str(number)) for number in range(5)))

    assert set(world.hub.states(NAME).values()) == {"success"}
    assert world.simulator.platform.summary()["tokens"] == 1


async def test_a_connection_may_begin_without_a_token(sell: Sell) -> None:
    """It asks for one before its first call."""
    world = await renewing(sell, {"client_id": "hub", "client_secret": "marketplace-secret"})

    await world.sync(listing("15"))

    assert world.row("15")["state"] == "success"
    assert "401" not in world.simulator.platform.summary()["statuses"]


async def test_a_token_is_renewed_before_it_ends(sell: Sell) -> None:
    """No call is refused; one that lives shortly is used for nine tenths of its life."""
    world = await renewing(sell, {"client_id": "hub", "client_secret": "marketplace-secret"}, token_seconds=2)
    await world.sync(listing("15"))
    world.simulator.platform.clock.told({"advance": 0})

    destination = await world.open()
    ends = destination._client._access._credentials.token_expires_at
    assert ends is not None

    assert 1.0 < (ends - destination.ports.clock.now()).total_seconds() < 1.81


async def test_a_refresh_token_that_is_used_up_is_kept_anew(sell: Sell) -> None:
    """Twice: the second renewal is made with what the first one brought, by another process."""
    credentials = {"token": TOKEN, "refresh_token": "first-one"}
    world = await renewing(
        sell, credentials, {"body": BY_REFRESH_TOKEN}, refresh_token="first-one", rotates=True
    )

    for number in range(2):
        world.simulator.platform.commands()["expire"]({})
        world.hub.runtime = world.hub.make_runtime()
        await world.sync(listing(str(number)))

    assert set(world.hub.states(NAME).values()) == {"success"}
    assert world.simulator.platform.summary()["tokens"] == 2


async def test_a_renewal_that_is_refused_stops_the_destination_and_loses_nothing(sell: Sell) -> None:
    """The records wait, without an attempt, and go on with new credentials."""
    world = await renewing(sell, CLIENT)
    world.simulator.platform.commands()["expire"]({"revoke": True})

    await world.sync(listing("15"), listing("16"))

    row = world.row("15")
    assert (row["state"], row["total_attempts"]) == ("waiting", 0)
    assert "does not renew the access token" in row["error"]
    assert "marketplace-secret" not in row["error"]


async def test_a_token_endpoint_that_is_down_holds_work_up_without_an_attempt(sell: Sell) -> None:
    """Until it answers again."""
    world = await renewing(sell, CLIENT)
    world.simulator.platform.commands()["expire"]({})
    world.simulator.app.faults.set([Faults(match="/oauth/token", error=1, requests=2)])

    await world.sync(listing("15"))
    first = world.row("15")
    await world.settle()

    assert (first["state"], first["total_attempts"]) == ("waiting", 0)
    assert "could not be renewed yet" in first["error"]
    assert world.row("15")["state"] == "success"


async def test_without_a_renewal_a_refused_token_waits_for_another_one(sell: Sell) -> None:
    """No attempt is spent."""
    world = await sell()
    world.simulator.platform.commands()["expire"]({})

    await world.sync(listing("15"))

    assert (world.row("15")["state"], world.row("15")["total_attempts"]) == ("waiting", 0)


async def test_limits_are_kept_to_and_nothing_is_lost(sell: Sell) -> None:
    """Those that the hub is told: no call is answered 429."""
    world = await sell({"rate": 150, "burst": 10}, rate=200, burst=20)

    await world.sync(*(listing(str(number)) for number in range(60)))
    await world.settle()

    assert set(world.hub.states(NAME).values()) == {"success"}
    assert "429" not in world.simulator.platform.summary()["statuses"]


async def test_a_storm_of_429_spends_no_attempt(sell: Sell) -> None:
    """All that is refused is tried again when the marketplace said."""
    world = await sell()
    world.simulator.app.faults.set([Faults(throttle=1, retry_after=1, requests=40)])

    await world.sync(*(listing(str(number)) for number in range(20)))
    await world.settle()

    rows = world.hub.rows(NAME)
    assert {(row["state"], row["total_attempts"]) for row in rows} == {("success", 1)}


async def test_a_marketplace_that_is_down_loses_nothing(sell: Sell) -> None:
    """Each product is made once."""
    world = await sell()
    world.simulator.app.faults.set([Faults(error=0.5, drop=0.3, requests=60)])

    await world.sync(*(listing(str(number)) for number in range(20)))
    await world.settle(rounds=200)

    assert set(world.hub.states(NAME).values()) == {"success"}
    assert world.simulator.platform.summary()["writes"] == 20
