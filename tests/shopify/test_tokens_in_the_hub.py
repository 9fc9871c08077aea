"""Two tenants connect one shop with one app: the later one has it, and the earlier one is told so."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from hub.loop import poll as polling
from hub.loop.poll import PollOutcome
from hub.store import connections
from hub.testing.simulator import Running
from tests.shopify.shop import SECRET, authorise, connect, credentials_of, secrets_of
from tests.web.driver import Hub


async def poll(hub: Hub, name: str = "north") -> PollOutcome:
    found = connections.get_connection(hub.runtime.db, name)
    return await polling.poll(hub.runtime, found.id, early=True)


def status(hub: Hub, name: str = "north") -> tuple[str, str | None]:
    found = connections.get_connection(hub.runtime.db, name)
    return found.shown_status, found.source_refused


def end_soon(hub: Hub, name: str = "north") -> None:
    """As if an hour had passed for what is stored of the access token."""
    stored = connections.get_connection(hub.runtime.db, name)
    file = hub.runtime.file_of(stored)
    file.credentials["access_token_expires_at"] = "2026-01-01T00:00:00+00:00"
    with hub.runtime.db.transaction() as tx:
        hub.runtime.db.execute(
            tx,
            "UPDATE connection SET credentials = :held, revision = revision + 1 WHERE id = :id",
            held=hub.runtime.secrets.encrypt(file.secret()),
            id=stored.id,
        )


async def test_a_shop_that_is_not_connected_waits_for_it(hub: Hub, shop: Running) -> None:
    """Its polls ask for nothing, and go on by themselves once it is connected."""
    await connect(hub, shop)
    before = await poll(hub)
    waiting = status(hub)
    await authorise(hub)

    assert before.result == "refused"
    assert waiting[0] == "needs_reauth"
    assert "hub shopify connect" in (waiting[1] or "")
    assert ((await poll(hub)).result, status(hub)) == ("ok", ("live", None))


async def test_the_pair_is_renewed_and_stored(hub: Hub, shop: Running) -> None:
    """The next poll, of whatever process, goes on with it."""
    await connect(hub, shop)
    await authorise(hub)
    end_soon(hub)
    before = credentials_of(hub)

    results = [(await poll(hub)).result for _ in range(3)]

    after = credentials_of(hub)
    assert results == ["ok"] * 3
    assert after["refresh_token"] != before["refresh_token"]
    assert (after["client_secret"], after["authorised_at"]) == (SECRET, before["authorised_at"])
    assert shop.platform.summary()["token_requests"] == 2


async def test_who_connects_the_shop_later_has_it(
    hub: Hub, shop: Running, logs: list[MutableMapping[str, Any]]
) -> None:
    """The other one is told so when its access ends, without a name; both may take it back."""
    await connect(hub, shop)
    await connect(hub, shop, "south-of-them", tenant="south")
    await authorise(hub)
    await authorise(hub, "south-of-them")
    still_good = (await poll(hub)).result
    end_soon(hub)
    await poll(hub)
    end_soon(hub, "south-of-them")
    later = (await poll(hub, "south-of-them")).result

    state, reason = status(hub)
    assert (still_good, later, state) == ("ok", "ok", "needs_reauth")
    assert (reason or "").startswith("connected elsewhere")
    assert "south" not in (reason or "")
    assert [one for one in secrets_of(shop) if one in f"{logs} {reason}"] == []
    await authorise(hub)
    assert ((await poll(hub)).result, status(hub)) == ("ok", ("live", None))
    end_soon(hub, "south-of-them")
    await poll(hub, "south-of-them")
    assert (status(hub, "south-of-them")[1] or "").startswith("connected elsewhere")


async def test_a_shop_that_removed_the_app_was_not_connected_elsewhere(hub: Hub, shop: Running) -> None:
    """Nor was one whose other connection is older, or of another app."""
    await connect(hub, shop, "older", tenant="south")
    await authorise(hub, "older")
    await connect(hub, shop)
    await authorise(hub)
    shop.platform.tokens.uninstall()
    end_soon(hub)
    await poll(hub)

    state, reason = status(hub)
    assert state == "needs_reauth"
    assert "requires an active refresh_token" in (reason or "")
    assert not (reason or "").startswith("connected elsewhere")


async def test_what_was_refused_while_a_record_was_read_goes_on_too(hub: Hub, shop: Running) -> None:
    """The connector reads with its own credentials what goes to the destination: their refusal stands there."""
    await connect(hub, shop, connector="shopify")
    with hub.runtime.db.transaction() as tx:
        hub.runtime.db.execute(tx, "UPDATE connection SET destination_refused = 'the shop refused it'")

    await authorise(hub)

    assert status(hub) == ("live", None)


@pytest.mark.parametrize("fault", ("throttle", "error"))
async def test_a_shop_that_cannot_renew_it_now_is_asked_again(hub: Hub, shop: Running, fault: str) -> None:
    """The connection stays live."""
    await connect(hub, shop)
    await authorise(hub)
    end_soon(hub)
    shop.app.faults.set([_faults(fault)])
    failed = await poll(hub)
    shop.app.faults.set([])

    assert failed.result in {"failed", "paused"}
    assert status(hub) == ("live", None)


def _faults(kind: str) -> Any:
    from hub.testing.faults import Faults

    return Faults.model_validate({kind: 1, "match": "access_token"})
