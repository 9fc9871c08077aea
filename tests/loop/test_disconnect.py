"""Disconnect gives up access and nothing else; a new access goes on where it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from hub import connection_file, connection_save
from hub.errors import ConfigurationError, RetryableError
from hub.loop.disconnect import disconnect
from hub.records import JSON, Page, Record
from hub.store import authorizations, connections, history
from hub.store.connections import StoredConnection
from tests.loop.hub_of_a_test import Hub, Script, Scripted

TOKEN = "token-of-the-shop"
FILE: JSON = {"connector": "scripted", "credentials": {"token": TOKEN, "client_secret": "secret-of-the-app"}}


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: SecretStr
    client_secret: SecretStr | None = None


class Shop(Scripted):
    """A connector with an app's secret, that can give its access back."""

    Credentials = Credentials
    app_credentials = ("client_secret",)
    voided: ClassVar[list[str]]
    trouble: ClassVar[Exception | None] = None

    async def revoke(self) -> bool:
        if self.trouble is not None:
            raise self.trouble
        self.voided.append(self.credentials.token.get_secret_value())
        return True


@pytest.fixture
def script() -> Script:
    return Script(poll=lambda request: Page(cursor={"page": request.cursor.get("page", 0) + 1}))


@pytest.fixture
async def hub(database_url: str, hub_home: Any, script: Script) -> Any:
    hub = Hub(hub_home, database_url, scripted=Shop.with_script(script, voided=[], trouble=None))
    await hub.connect(FILE)
    yield hub
    await hub.close()


def shop(hub: Hub) -> Any:
    return hub.registry.connectors["scripted"]


def secret(hub: Hub) -> JSON:
    return hub.secrets.decrypt(hub.connection().credentials)


async def reconnect(hub: Hub) -> None:
    await connection_save.save(
        hub.runtime,
        tenant="acme",
        name="prices",
        file=connection_file.parse(FILE),
        check=False,
        replace=True,
    )


async def test_access_is_voided_and_erased(hub: Hub) -> None:
    """What belongs to the app stays, so that it can be authorised again."""
    done = await disconnect(hub.runtime, hub.connection().id, who="ann")

    stored = hub.connection()
    assert done is not None
    assert (done.revoked, shop(hub).voided) == (True, [TOKEN])
    assert secret(hub) == {"source": {"client_secret": "secret-of-the-app"}, "destination": {}}
    assert (stored.state, stored.state_reason) == ("inactive", "it was disconnected")
    last = history.of_connection(hub.db, "prices")[0]
    assert (last["what"], last["who"]) == ("disconnected", "ann")


async def test_nothing_moves_without_access(hub: Hub, script: Script) -> None:
    """Neither poll nor push, and resuming does not help."""
    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])
    await hub.poll()
    await disconnect(hub.runtime, hub.connection().id)
    script.asked.clear()
    connections.set_paused(hub.db, "prices", False)
    connections.fail(hub.db, hub.connection().id, "a poll that was still under way")

    with pytest.raises(ConfigurationError, match=r"prices is disconnected: `hub connection authorize`"):
        await hub.poll()
    await hub.work()
    assert hub.connection().state == "inactive"
    assert script.asked == {}
    assert hub.states() == {"a": "waiting"}


async def test_a_new_access_goes_on_where_it_was(hub: Hub, script: Script) -> None:
    """Cursor, records and history are those of before."""
    await hub.poll()
    await disconnect(hub.runtime, hub.connection().id)
    await reconnect(hub)
    await hub.poll()

    assert [request.cursor for request in script.asked["poll"]] == [{}, {"page": 1}]
    assert hub.connection().state == "live"
    assert [row["what"] for row in history.of_connection(hub.db, "prices")] == [
        "reconnected",
        "disconnected",
        "connected",
    ]


async def test_an_authorization_makes_it_live_again(hub: Hub) -> None:
    """And its facts are laid over the known ones."""
    await disconnect(hub.runtime, hub.connection().id)
    stored: StoredConnection = hub.connection()
    renewed = authorizations.renew(
        hub.db,
        stored,
        credentials=stored.credentials,
        poll_target=stored.poll_target,
        both_sides=True,
        facts={"shop": "x"},
    )

    assert renewed
    assert (hub.connection().state, hub.connection().facts) == ("live", {"shop": "x"})


async def test_a_platform_in_trouble_keeps_nobody_connected(hub: Hub) -> None:
    """It is said, without the token, and the credentials are erased all the same."""
    shop(hub).trouble = RetryableError(f"503 for {TOKEN}")
    done = await disconnect(hub.runtime, hub.connection().id)

    assert done is not None
    assert done.revoked is False
    assert TOKEN not in (done.warning or "")
    assert "token" not in secret(hub)["source"]


async def test_late_news_disconnect_nobody(hub: Hub) -> None:
    """What was said before the present access was granted is about an older one."""
    now = datetime.now(UTC)
    with hub.db.transaction() as tx:
        hub.db.execute(
            tx,
            "INSERT INTO app_hold (connection_id, app_key, tenant_id, connector, name, secret, held_at) "
            "SELECT id, 'x', tenant_id, connector, name, '', :now FROM connection",
            now=round(now.timestamp() * 1_000_000),
        )

    assert await disconnect(hub.runtime, hub.connection().id, before=now - timedelta(seconds=1)) is None
    assert hub.connection().state == "live"
    assert await disconnect(hub.runtime, hub.connection().id, before=now + timedelta(seconds=1))


async def test_what_was_cut_off_is_finished_by_the_next_call(hub: Hub) -> None:
    """A process that died while the platform was asked leaves an inactive connection with credentials."""
    from hub.store import disconnects

    disconnects.begin(hub.db, hub.connection().id, reason="x")
    assert "token" in secret(hub)["source"]

    await disconnect(hub.runtime, hub.connection().id)

    assert "token" not in secret(hub)["source"]
