"""The history of a connection, and its state, as an operator sees them."""

from __future__ import annotations

from hub.store.history import operator
from tests.cli.conftest import Hub, Served


def test_the_history_names_who_and_when(hub: Hub, prices: str) -> None:
    """Newest first, times as ISO 8601."""
    hub.ok("connection", "pause", prices)
    rows = hub.json("connection", "history", prices)

    assert [(row["what"], row["who"], row["tenant"]) for row in rows] == [
        ("paused", operator(), "acme"),
        ("connected", operator(), "acme"),
    ]
    assert rows[0]["at"].endswith("Z")
    assert "paused" in hub.ok("connection", "history", prices)


def test_the_history_of_a_removed_connection_is_still_there(hub: Hub, prices: str) -> None:
    """For whoever asks what became of it."""
    hub.ok("connection", "remove", prices)

    assert hub.json("connection", "history", prices)[0]["what"] == "removed"
    assert "never" in hub.refused("connection", "history", "nobody")


def test_state_account_and_activity_are_shown(hub: Hub, prices: str, source: Served) -> None:
    """What the check said of the account is kept."""
    shown = hub.json("connection", "show", prices)

    assert (shown["state"], shown["state_reason"], shown["last_import"]) == ("live", None, None)
    assert shown["last_active"] is None
    assert shown["account"]["target_key"] == "custom"

    hub.ok("run", prices, "--drain")

    assert hub.json("connection", "show", prices)["last_active"].endswith("Z")
