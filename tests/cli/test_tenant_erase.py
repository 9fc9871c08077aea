"""An operator erases by command, after a question, and is told what is missing."""

from __future__ import annotations

from tests.cli.conftest import Hub


def test_a_person_is_erased_by_command(hub: Hub, prices: str) -> None:
    """Of whom nothing is kept, nothing is erased."""
    held = hub.json("tenant", "held", "acme", "--person", "nobody")
    done = hub.json("tenant", "erase", "acme", "--person", "nobody", "--yes")

    assert held == {"catalog": [], "records": [], "quarantine": []}
    assert done == {"tenant": "acme", "rows": 0, "in_hands": 0}
    assert "nothing" in hub.ok("tenant", "held", "acme", "--person", "nobody")


def test_nothing_is_erased_without_a_yes(hub: Hub, prices: str) -> None:
    """It cannot be undone."""
    assert hub("tenant", "erase", "acme", "--everything").exit_code != 0
    assert hub("tenant", "erase", "acme", "--everything", "--person", "x", "--yes").exit_code == 2
    assert hub("tenant", "erase", "acme", "--yes").exit_code == 2

    assert hub.json("connection", "show", prices)["state"] == "live"


def test_everything_of_a_tenant_is_erased(hub: Hub, prices: str) -> None:
    """Its name stays."""
    hub.ok("tenant", "erase", "acme", "--everything", "--yes")

    assert hub.json("connection", "list") == []
    assert [tenant["name"] for tenant in hub.json("tenant", "list")] == ["acme"]
    assert "no tenant" in hub.refused("tenant", "erase", "nobody", "--everything", "--yes")
