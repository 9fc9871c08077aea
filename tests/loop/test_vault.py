"""Credentials that renew themselves: one renewal in the whole fleet, stored before it is used, and never shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from hub import connection_file
from hub.connector import Connector, Stream, Vault
from hub.errors import (
    ConfigurationError,
    NotFoundError,
    ReauthorizationError,
    RetryableError,
    ServiceUnavailableError,
)
from hub.records import Page, PollRequest
from hub.store import authorizations, connections, leases
from hub.store import vault as vaults
from hub.testing.vault import MemoryVault
from tests.loop.hub_of_a_test import Hub

FIRST = {"token": "token-number-0", "refresh": "refresh-number-0"}

PROCESS = """
import asyncio, json, os, pathlib, time
from hub.secrets import SecretBox
from hub.store.database import Database
from hub.store.vault import StoredVault

told = json.loads(os.environ["TOLD"])
db = Database(told["url"])
vault = StoredVault(db, connection_id=told["id"], side="source", secrets=SecretBox([told["key"]]), accept=lambda _: None)
log = pathlib.Path(told["log"])

async def obtain(current):
    with log.open("a") as file:
        file.write(current["refresh"] + "\\n")
    await asyncio.sleep(0.3)
    number = int(current["refresh"].rpartition("-")[2]) + 1
    return {"token": f"token-number-{number}", "refresh": f"refresh-number-{number}"}

def run():
    held = {"refresh": told["held"]}
    print(json.dumps(dict(asyncio.run(vault.renew(held, obtain)))))
"""


class RenewingCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: SecretStr
    refresh: SecretStr | None = None
    at: str | None = None


class RenewingSettings(BaseModel):
    shop: str = "one"


class Renewing(Connector[RenewingSettings, RenewingCredentials]):
    """Does with its vault what a test says."""

    name = "renewing"
    Settings = RenewingSettings
    Credentials = RenewingCredentials
    streams: ClassVar[Sequence[Stream]] = (Stream(name="price"),)
    act: ClassVar[Callable[[Renewing], Any]]

    def transform(self, item: Any) -> Any:
        return item.payload

    async def poll(self, request: PollRequest) -> Page:
        await type(self).act(self)
        return Page()


@pytest.fixture
async def hub(hub_home: Path, database_url: str) -> AsyncIterator[Hub]:
    hub = Hub(hub_home, database_url, renewing=Renewing)
    yield hub
    await hub.close()


async def connect(hub: Hub, name: str = "prices", **options: Any) -> Vault:
    """A connection with the first credentials; returns its vault."""
    told = {"connector": "renewing", "settings": {"shop": options.pop("shop", "one")}}
    credentials = {**FIRST, **options.pop("credentials", {})}
    await hub.connect({**told, "credentials": credentials}, name=name, **options)
    return await vault_of(hub, name)


async def vault_of(hub: Hub, name: str = "prices") -> Vault:
    pipeline = hub.runtime.assemble(hub.connection(name))
    assert pipeline.connector.ports.vault is not None
    return pipeline.connector.ports.vault


def stored(hub: Hub, name: str = "prices") -> dict[str, Any]:
    return hub.runtime.file_of(hub.connection(name)).credentials


def obtaining(number: int = 1, **more: Any) -> Callable[[Mapping[str, Any]], Any]:
    """What asks the other side for the next pair; ``asked`` is what it was handed."""

    async def obtain(current: Mapping[str, Any]) -> Mapping[str, Any]:
        obtain.asked.append(dict(current))  # type: ignore[attr-defined]
        return {"token": f"token-number-{number}", "refresh": f"refresh-number-{number}", **more}

    obtain.asked = []  # type: ignore[attr-defined]
    return obtain


HELD = {"refresh": "refresh-number-0"}


async def test_what_was_obtained_is_stored_and_returned(hub: Hub) -> None:
    """Encrypted, with all else as it was; every process hears of it by the revision."""
    vault = await connect(hub, credentials={"at": "kept"})
    before, obtain = hub.connection(), obtaining()

    renewed = await vault.renew(HELD, obtain)

    wanted = {"token": "token-number-1", "refresh": "refresh-number-1", "at": "kept"}
    assert renewed == stored(hub) == await vault.current() == wanted
    assert obtain.asked == [{**FIRST, "at": "kept"}]  # type: ignore[attr-defined]
    assert hub.connection().revision == before.revision + 1
    assert "number" not in hub.connection().credentials


async def test_who_comes_late_gets_what_is_there(hub: Hub) -> None:
    """Nobody is asked again."""
    vault = await connect(hub)
    await vault.renew(HELD, obtaining())
    obtain = obtaining(2)

    again = await (await vault_of(hub)).renew(HELD, obtain)

    assert again["token"] == "token-number-1"
    assert obtain.asked == []  # type: ignore[attr-defined]


async def test_of_many_at_once_one_asks(hub: Hub) -> None:
    """Whether they share a vault or not."""
    vaults_ = [await connect(hub), await vault_of(hub), await vault_of(hub)]
    obtain = obtaining()

    renewed = await asyncio.gather(*(vault.renew(HELD, obtain) for vault in vaults_ * 3))

    assert {one["token"] for one in renewed} == {"token-number-1"}
    assert len(obtain.asked) == 1  # type: ignore[attr-defined]


async def test_of_several_processes_one_asks(
    hub: Hub, tmp_path: Path, at_once: Callable[..., list[str]]
) -> None:
    """All go on with what it got."""
    await connect(hub)
    log = tmp_path / "asked"
    assert hub.settings.secret_keys
    assert hub.settings.database_url
    told = {
        "url": hub.settings.database_url.get_secret_value(),
        "key": hub.settings.secret_keys.get_secret_value(),
        "id": hub.connection().id,
        "log": str(log),
        "held": HELD["refresh"],
    }

    printed = await asyncio.to_thread(at_once, PROCESS, processes=3, environment={"TOLD": json.dumps(told)})

    assert [json.loads(one)["token"] for one in printed] == ["token-number-1"] * 3
    assert log.read_text().splitlines() == [HELD["refresh"]]


async def test_what_fails_changes_nothing_and_leaves_the_turn_to_the_next(hub: Hub) -> None:
    """At once."""
    vault = await connect(hub)
    before = hub.connection()

    async def refused(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise ReauthorizationError("no")

    with pytest.raises(ReauthorizationError, match=r"^no$"):
        await vault.renew(HELD, refused)

    assert hub.connection() == before
    assert (await vault.renew(HELD, obtaining()))["token"] == "token-number-1"


async def test_what_the_connector_would_refuse_is_not_stored(hub: Hub) -> None:
    """The other side may send anything; what it sent does not stand in the error."""
    vault = await connect(hub)
    before = hub.connection()

    with pytest.raises(ConfigurationError, match=r"credentials\.(token|colour)") as raised:
        await vault.renew(HELD, obtaining(token=7, colour="s3cret-colour"))

    assert hub.connection() == before
    assert "s3cret" not in str(raised.value)


async def test_a_crash_before_it_is_stored_leaves_the_older_ones(hub: Hub) -> None:
    """The documented consequence: what was handed out is lost, and the next one asks with the older ones again."""
    vault = await connect(hub)
    # What a process that was killed leaves behind: its lease, and nothing else.
    lease = leases.acquire(hub.db, f"vault:{hub.connection().id}:source", holder="dead", duration=60_000_000)
    waiting = asyncio.ensure_future(vault.renew(HELD, obtain := obtaining(2)))
    await asyncio.sleep(0.3)
    assert lease is not None
    assert not waiting.done()
    hub.pass_time(vaults.LEASE.total_seconds())

    assert (await waiting)["token"] == "token-number-2"
    assert obtain.asked == [FIRST | {"at": None}] or obtain.asked == [FIRST]  # type: ignore[attr-defined]


async def test_who_gives_up_waiting_loses_nothing_that_was_handed_out(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is cancelled while its new credentials are being stored."""
    vault = await connect(hub)
    storing, go_on = asyncio.Event(), asyncio.Event()
    keep = vault._keep  # type: ignore[attr-defined]

    async def slowly(*told: Any) -> Any:
        storing.set()
        await go_on.wait()
        return await keep(*told)

    monkeypatch.setattr(vault, "_keep", slowly)
    task = asyncio.ensure_future(vault.renew(HELD, obtaining()))
    await storing.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert stored(hub)["token"] == "token-number-1"
    assert leases.holding(hub.db, f"vault:{hub.connection().id}:source") is None


async def test_a_store_that_is_away_for_a_moment_loses_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again."""
    monkeypatch.setattr(vaults, "STORE_AGAIN", (0.0, 0.0))
    vault = await connect(hub)
    store, away = vault._store, iter((True, True, False))  # type: ignore[attr-defined]

    def sometimes(*told: Any) -> Any:
        if next(away):
            raise ServiceUnavailableError("away")
        return store(*told)

    monkeypatch.setattr(vault, "_store", sometimes)

    assert (await vault.renew(HELD, obtaining()))["token"] == "token-number-1"


async def test_a_renewal_that_was_overtaken_is_dropped(hub: Hub) -> None:
    """A process that was suspended for longer than its lease: what the other one stored holds."""
    vault, other = await connect(hub), await vault_of(hub)

    async def suspended(_: Mapping[str, Any]) -> Mapping[str, Any]:
        hub.pass_time(vaults.LEASE.total_seconds())
        await other.renew(HELD, obtaining(1))
        return {"token": "token-number-2", "refresh": "refresh-number-2"}

    assert (await vault.renew(HELD, suspended))["token"] == "token-number-1"
    assert stored(hub)["refresh"] == "refresh-number-1"


async def test_a_renewal_whose_turn_was_taken_over_is_not_stored(hub: Hub) -> None:
    """The other process is still asking: of two pairs, the one that is handed out later is the one that holds."""
    vault = await connect(hub)
    name = f"vault:{hub.connection().id}:source"

    async def suspended(_: Mapping[str, Any]) -> Mapping[str, Any]:
        hub.pass_time(vaults.LEASE.total_seconds())
        assert leases.acquire(hub.db, name, holder="another", duration=60_000_000)
        return {"token": "token-number-2", "refresh": "refresh-number-2"}

    with pytest.raises(RetryableError, match="took over"):
        await vault.renew(HELD, suspended)

    assert stored(hub) == FIRST


async def test_an_authorization_meanwhile_is_the_newer_one(hub: Hub) -> None:
    """What was renewed from the older credentials is void by then."""
    vault = await connect(hub)

    async def overtaken(_: Mapping[str, Any]) -> Mapping[str, Any]:
        file = hub.runtime.file_of(hub.connection())
        file.credentials |= {"token": "token-of-a-person", "refresh": "refresh-of-a-person"}
        authorizations.renew(
            hub.db,
            hub.connection(),
            credentials=hub.secrets.encrypt(file.secret()),
            poll_target=None,
            both_sides=True,
        )
        return {"token": "token-number-2", "refresh": "refresh-number-2"}

    assert (await vault.renew(HELD, overtaken))["token"] == "token-of-a-person"
    assert stored(hub)["token"] == "token-of-a-person"


async def test_other_fields_that_changed_meanwhile_stay(hub: Hub) -> None:
    """Only what was obtained is laid over."""
    vault = await connect(hub)

    async def meanwhile(_: Mapping[str, Any]) -> Mapping[str, Any]:
        await hub.connect_again({"at": "meanwhile"})  # type: ignore[attr-defined]
        return {"token": "token-number-1"}

    async def again(more: Mapping[str, Any]) -> None:
        file = hub.runtime.file_of(hub.connection())
        file.credentials |= more
        with hub.db.transaction() as tx:
            hub.db.execute(
                tx,
                "UPDATE connection SET credentials = :c, revision = revision + 1",
                c=hub.secrets.encrypt(file.secret()),
            )

    hub.connect_again = again  # type: ignore[attr-defined]

    assert (await vault.renew(HELD, meanwhile))["at"] == "meanwhile"


async def test_a_connection_that_was_removed_meanwhile_is_not_there(hub: Hub) -> None:
    """And nothing comes back by the renewal."""
    vault = await connect(hub)

    async def removed(_: Mapping[str, Any]) -> Mapping[str, Any]:
        connections.remove_connection(hub.db, "prices")
        return {"token": "token-number-1"}

    with pytest.raises(NotFoundError, match="removed meanwhile"):
        await vault.renew(HELD, removed)


async def test_an_obtain_that_hangs_is_given_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """To be tried again; a timeout of its own is its own."""
    monkeypatch.setattr(vaults, "OBTAIN_TIMEOUT", vaults.OBTAIN_TIMEOUT / 1000)
    vault = await connect(hub)

    async def hangs(_: Mapping[str, Any]) -> Mapping[str, Any]:
        await asyncio.sleep(60)
        return {}

    with pytest.raises(RetryableError, match="in time"):
        await vault.renew(HELD, hangs)


async def test_a_renewed_secret_is_masked_wherever_this_process_writes(
    hub: Hub, logs: list[MutableMapping[str, Any]]
) -> None:
    """In errors of the pipeline that was built before, in what is stored of them, in logs and reprs."""
    await connect(hub)

    async def act(connector: Renewing) -> None:
        assert connector.ports.vault is not None
        renewed = await connector.ports.vault.renew(HELD, obtaining())
        connector.ports.log.warning("renewed", held=renewed)
        raise ReauthorizationError(f"{renewed['token']} and {renewed['refresh']} are no good")

    Renewing.act = act
    outcome = await hub.poll()

    shown = f"{outcome} {hub.connection()} {logs} {await (await vault_of(hub)).current()!r} {await vault_of(hub)!r}"
    assert "*** and *** are no good" in (outcome.error or "")
    assert "number" not in shown
    assert stored(hub)["token"] == "token-number-1"


async def test_a_refusal_of_older_credentials_does_not_stop_newer_ones(hub: Hub) -> None:
    """A poll that began before somebody authorised the connection anew."""
    await connect(hub)

    async def act(connector: Renewing) -> None:
        await (await vault_of(hub)).renew(HELD, obtaining())  # somebody else
        raise ReauthorizationError("the older ones are no good")

    Renewing.act = act
    outcome = await hub.poll()

    assert (outcome.result, hub.connection().shown_status) == ("refused", "live")


async def test_a_refusal_of_what_was_just_renewed_stops_the_connection(hub: Hub) -> None:
    """Otherwise it would renew for ever."""
    await connect(hub)

    async def act(connector: Renewing) -> None:
        assert connector.ports.vault is not None
        await connector.ports.vault.renew(HELD, obtaining())
        raise ReauthorizationError("these are no good either")

    Renewing.act = act
    await hub.poll()

    assert hub.connection().source_refused == "these are no good either"


async def test_a_connection_that_is_not_stored_has_none(hub: Hub) -> None:
    """As when its file is checked."""
    file = connection_file.parse({"connector": "renewing", "credentials": FIRST})

    pipeline = hub.runtime.assemble_file("new", "acme", file)

    assert pipeline.connector.ports.vault is None


async def test_a_later_authorization_elsewhere_is_known(hub: Hub) -> None:
    """Of the same account with the same connector, whoever's it is; and of nothing more."""
    mine = await connect(hub, credentials={"at": "2026-01-02"})
    names = {"same": ("shop",), "by": "at"}
    alone = await mine.superseded(**names)  # type: ignore[arg-type]
    other = await connect(hub, "another-shop", credentials={"at": "2026-01-09"}, shop="two")
    another_shop = await mine.superseded(**names)  # type: ignore[arg-type]
    await connect(hub, "without", shop="ONE")
    without = await mine.superseded(**names)  # type: ignore[arg-type]
    later = await connect(hub, "later", credentials={"at": "2026-01-03"}, shop="One", tenant="other")

    assert (alone, another_shop, without) == (False, False, False)
    assert await mine.superseded(**names) is True  # type: ignore[arg-type]
    assert await later.superseded(**names) is False  # type: ignore[arg-type]
    assert await other.superseded(**names) is False  # type: ignore[arg-type]


async def test_the_one_in_memory_does_the_same() -> None:
    """For tests of plugins."""
    vault = MemoryVault(FIRST)
    obtain = obtaining()

    renewed = await asyncio.gather(*(vault.renew(HELD, obtain) for _ in range(3)))

    assert [one["token"] for one in renewed] == ["token-number-1"] * 3
    assert await vault.current() == renewed[0]
    assert vault.renewals == 1
    assert not await vault.superseded(same=(), by="at")
