"""Disconnecting and reconnecting, by command."""

from __future__ import annotations

import pytest

from tests.cli.conftest import SECRET, Hub


def test_a_connection_is_disconnected_and_set_again(
    hub: Hub, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By giving it its credential anew, which never stands in a command."""
    assert "untouched" in hub.ok("connection", "disconnect", prices)
    shown = hub.json("connection", "show", prices)
    assert (shown["state"], shown["state_reason"]) == ("inactive", "it was disconnected")
    assert "disconnected" in hub.refused("connection", "plan", prices)

    monkeypatch.setenv("KEY", SECRET)
    hub.ok("connection", "set", prices, "credentials.api_key=env:KEY", "delivery.attempts=3")

    shown = hub.json("connection", "show", prices)
    assert (shown["state"], shown["config"]["delivery"]) == ("live", {"attempts": 3})
    assert hub.json("connection", "history", prices)[0]["what"] == "reconnected"


@pytest.mark.parametrize(
    ("value", "why"),
    (
        ("credentials.api_key=plain", "env:NAME"),
        ("api_key=1", "FIELD=VALUE"),
        ("settings.base_url", "FIELD=VALUE"),
        ("settings.base_url.x=1", "holds no fields"),
        ("settings.nothing=1", "is not a setting"),
        ("settings.limit=many", "settings.limit: must be a whole number"),
    ),
)
def test_what_cannot_be_set_is_refused(hub: Hub, prices: str, value: str, why: str) -> None:
    """And the connection stays as it was."""
    assert why in hub.refused("connection", "set", prices, value)
    assert hub.json("connection", "history", prices)[0]["what"] == "connected"


def test_an_empty_value_takes_a_setting_away(hub: Hub, prices: str) -> None:
    """The default holds again."""
    hub.ok("connection", "set", prices, "delivery.attempts=3")
    hub.ok("connection", "set", prices, "delivery.attempts=")

    assert hub.json("connection", "show", prices)["config"]["delivery"] == {}
