"""A connection over its life, as an operator sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.secrets import new_key
from tests.cli.conftest import SECRET, Hub, Served


def test_a_tenant_is_listed_with_its_connections(hub: Hub, prices: str) -> None:
    """For programs with times as ISO 8601."""
    [tenant] = hub.json("tenant", "list")

    assert (tenant["name"], tenant["connections"]) == ("acme", 1)
    assert tenant["created_at"].endswith("Z")
    assert "acme" in hub.ok("tenant", "list")


def test_the_first_command_makes_the_store(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded one, with all migrations, in a HUB_HOME that was not there."""
    home = tmp_path / "not" / "there"
    monkeypatch.setenv("HUB_HOME", str(home))
    hub.ok("tenant", "add", "acme")

    assert [tenant["name"] for tenant in hub.json("tenant", "list")] == ["acme"]
    assert (home / "hub.db").exists()


def test_a_tenants_name_is_its_own(hub: Hub, acme: str) -> None:
    """And not empty."""
    assert "exists already" in hub.refused("tenant", "add", "acme")
    assert hub.refused("tenant", "add", " ").startswith("name: ")


def test_what_both_sides_said_is_shown(hub: Hub, acme: str, connection_file: Callable[..., str]) -> None:
    """When the connection is added, and whenever somebody asks."""
    added = hub.json("connection", "add", "prices", "--tenant", "acme", "--config", connection_file())
    checked = hub.json("connection", "check", "prices")

    assert set(added["checks"]) == set(checked["checks"]) == {"source", "destination"}
    assert checked["ok"]
    assert "nothing is pending" not in hub.ok("connection", "check", "prices")


def test_a_check_that_fails_ends_with_1(hub: Hub, prices: str, source: Served) -> None:
    """It names the side, and what to mend."""
    source.platform.pricing.keys.clear()
    result = hub("connection", "check", "prices", "--json")

    assert result.exit_code == 1
    assert '"ok": false' in result.stdout
    assert result.stderr.startswith("error: credentials: ")


def test_a_connection_is_shown_without_its_credentials(hub: Hub, prices: str) -> None:
    """With settings, schedule, tallies and what stands in quarantine."""
    shown = hub.json("connection", "show", prices)

    assert shown["config"]["settings"]["target_key"] == "custom"
    assert shown["schedule"]["cursor"] == {}
    assert [stream["stream"] for stream in shown["streams"]] == ["price"]
    assert shown["streams"][0]["states"]["waiting"] == 0
    assert shown["quarantined"] == 0
    assert "credentials" not in hub.ok("connection", "show", prices)


def test_a_password_in_a_setting_is_not_shown(
    hub: Hub, acme: str, connection_file: Callable[..., str]
) -> None:
    """Somebody will write one there."""
    hub.secrets.append("hunter22")
    header = 'headers = { Origin = "https://me:hunter22@shop.example.com" }, method'
    path = connection_file("method", header)
    hub.ok("connection", "add", "prices", "--tenant", "acme", "--config", path)

    assert "https://me:***@shop" in hub.ok("connection", "show", "prices", "--json")


def test_a_replaced_connection_keeps_its_records(
    hub: Hub, prices: str, connection_file: Callable[..., str]
) -> None:
    """It has new settings under the same name."""
    hub.ok("run", prices, "--drain")
    changed = connection_file('target_key = "custom"', 'target_key = "custom"\nlimit = 7')
    add = ("connection", "add", prices, "--tenant", "acme", "--config", changed, "--replace")

    assert hub.json(*add)["replaced"]
    shown = hub.json("connection", "show", prices)
    assert shown["config"]["settings"]["limit"] == 7
    assert shown["streams"][0]["admitted"] == 20


def test_replace_never_moves_a_connection(hub: Hub, prices: str, connection_file: Callable[..., str]) -> None:
    """To another tenant, that is: its records stay whose they are."""
    hub.ok("tenant", "add", "globex")
    add = ("connection", "add", prices, "--tenant", "globex", "--config", connection_file(), "--replace")

    assert hub.refused(*add).startswith("--tenant: ")


def test_a_paused_connection_is_resumed(hub: Hub, prices: str) -> None:
    """Both are idempotent."""
    for _ in range(2):
        assert hub.json("connection", "pause", prices)["paused"]
    for _ in range(2):
        assert not hub.json("connection", "resume", prices)["paused"]


def test_a_cursor_is_edited(hub: Hub, prices: str) -> None:
    """The next poll begins there, and is due."""
    assert hub.json("connection", "rewind", prices, "--cursor", '{"limit": 60}')["cursor"] == {"limit": 60}
    assert hub.json("connection", "rewind", prices, "--full-pass")["full_pass"] is True


@pytest.mark.parametrize("cursor", ("{limit", "5", '["a"]'))
def test_a_cursor_that_is_no_object_is_refused(hub: Hub, prices: str, cursor: str) -> None:
    """The field is named."""
    assert hub.refused("connection", "rewind", prices, "--cursor", cursor).startswith("--cursor: ")


@pytest.mark.parametrize("arguments", ((), ("--cursor", "{}", "--full-pass")))
def test_rewind_is_one_or_the_other(hub: Hub, prices: str, arguments: tuple[str, ...]) -> None:
    """Wrong use ends with 2."""
    assert hub("connection", "rewind", prices, *arguments).exit_code == 2


def test_a_connection_with_open_records_is_not_removed_by_mistake(
    hub: Hub, prices: str, destination: Served
) -> None:
    """`--force` says that it is none."""
    destination.app.faults.set([_always_down()])
    assert hub("run", prices, "--drain", "--wait", "0").exit_code == 1

    assert "--force" in hub.refused("connection", "remove", prices)
    hub.ok("connection", "remove", prices, "--force")
    assert hub.json("connection", "list") == []


@pytest.mark.parametrize(
    "command", (("show",), ("check",), ("pause",), ("resume",), ("rewind", "--full-pass"), ("remove",))
)
def test_an_unknown_connection_is_refused(hub: Hub, command: tuple[str, ...]) -> None:
    """The command that lists them is named."""
    name, *options = command

    assert "hub connection list" in hub.refused("connection", name, "nobody", *options)


def test_a_list_is_one_tenants_if_asked(hub: Hub, prices: str) -> None:
    """An unknown tenant is no empty list."""
    hub.ok("tenant", "add", "globex")

    assert hub.json("connection", "list", "--tenant", "globex") == []
    assert [row["name"] for row in hub.json("connection", "list", "--tenant", "acme")] == [prices]
    assert "hub tenant add" in hub.refused("connection", "list", "--tenant", "nobody")


def test_rotated_credentials_need_the_new_key_alone(
    hub: Hub, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one can be thrown away after `hub secrets rotate`."""
    import os

    old, new = os.environ["HUB_SECRET_KEYS"], hub.ok("secrets", "new-key").strip()
    monkeypatch.setenv("HUB_SECRET_KEYS", f"{new},{old}")
    assert hub.json("secrets", "rotate") == {"connections": 1}
    monkeypatch.setenv("HUB_SECRET_KEYS", new)
    assert hub.json("connection", "check", prices)["ok"]
    monkeypatch.setenv("HUB_SECRET_KEYS", old)

    assert "none of its 1 keys" in hub.refused("connection", "check", prices)


def test_a_rotation_without_the_old_key_changes_nothing(
    hub: Hub, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All credentials or none."""
    import os

    old = os.environ["HUB_SECRET_KEYS"]
    monkeypatch.setenv("HUB_SECRET_KEYS", new_key())
    assert hub.refused("secrets", "rotate").startswith("HUB_SECRET_KEYS: ")
    monkeypatch.setenv("HUB_SECRET_KEYS", old)

    assert hub.json("connection", "check", prices)["ok"]


def test_credentials_are_stored_encrypted(hub: Hub, prices: str) -> None:
    """Whoever has the file alone has nothing."""
    stored = b"".join(path.read_bytes() for path in Path(hub.home).glob("hub.db*"))

    assert b"merchantops" in stored
    assert SECRET.encode() not in stored


def test_a_development_key_is_named_when_it_is_made(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, as a warning."""
    monkeypatch.delenv("HUB_SECRET_KEYS")

    assert "HUB_SECRET_KEYS" in hub("secrets", "rotate").stderr
    assert hub("secrets", "rotate").stderr == ""


def _always_down() -> object:
    from hub.testing.faults import Faults

    return Faults(error=1, match="POST")


def test_a_connector_without_a_browser_or_a_plan_says_so(hub: Hub, prices: str) -> None:
    """Which credentials it takes instead, and that nothing can be planned."""
    assert "takes its credentials from the connection file" in hub.refused(
        "connection", "authorize", "prices"
    )
    assert "has no plan" in hub.refused("connection", "plan", "prices")
