"""Records, dead letters, runs and quarantine on the command line, after a drain."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.testing.faults import Faults
from tests.cli.conftest import Hub, Served

GUIDE = "pr-a0861877922e"


@pytest.fixture
def impatient(hub: Hub, acme: str, connection_file: Callable[..., str]) -> str:
    """A connection whose records are dead after their first attempt."""
    path = connection_file("[destination]", "[delivery]\nattempts = 1\n[destination]")
    hub.ok("connection", "add", "prices", "--tenant", "acme", "--config", path)
    return "prices"


@pytest.fixture
def dead(hub: Hub, impatient: str, source: Served, destination: Served) -> str:
    """All twenty records are dead, and reported so; the destination has come back."""
    destination.app.faults.set([Faults(error=1, match="POST")])
    result = hub("run", impatient, "--drain")
    assert result.exit_code == 1, result.output
    destination.app.faults.set([])
    return impatient


def test_records_are_listed_newest_first_and_filtered(hub: Hub, prices: str) -> None:
    """By state, stream and key."""
    hub.ok("run", prices, "--drain")
    listed = hub.json("records", "list", prices)
    [guide] = hub.json("records", "list", prices, "--key", GUIDE)

    assert [row["id"] for row in listed] == sorted((row["id"] for row in listed), reverse=True)
    assert len(listed) == 20
    assert guide["state"] == "success"
    assert hub.json("records", "list", prices, "--state", "dead") == []
    assert len(hub.json("records", "list", prices, "--stream", "price", "--limit", "3")) == 3
    assert hub.refused("records", "list", prices, "--state", "gone").startswith("--state: ")


def test_a_record_is_shown_with_its_payload(hub: Hub, prices: str) -> None:
    """The amount with all its digits."""
    hub.ok("run", prices, "--drain")
    [guide] = hub.json("records", "list", prices, "--key", GUIDE)
    shown = hub.json("records", "show", str(guide["id"]))

    assert shown["payload"]["amount"] == 32.85
    assert shown["report_state"] == "acknowledged"
    assert "32.85" in hub.ok("records", "show", str(guide["id"]))
    assert "no record 99999" in hub.refused("records", "show", "99999")


def test_a_rejected_record_is_replayed_once_the_destination_takes_it(
    hub: Hub, prices: str, destination: Served
) -> None:
    """And its success is reported in the end."""
    destination.platform.commands()["refuse"]({"refuse": [GUIDE]})
    hub.ok("run", prices, "--drain")
    [rejected] = hub.json("records", "list", prices, "--state", "rejected")
    destination.platform.commands()["refuse"]({"refuse": []})

    assert hub.json("records", "replay", str(rejected["id"]))[0]["replayed"] == "push"
    assert hub.json("run", prices, "--drain")["succeeded"] == 1
    [record] = hub.json("records", "list", prices, "--key", GUIDE)
    assert (record["state"], record["report_state"]) == ("success", "acknowledged")


def test_a_record_that_succeeded_is_not_replayed(hub: Hub, prices: str) -> None:
    """That would be a second push."""
    hub.ok("run", prices, "--drain")
    [guide] = hub.json("records", "list", prices, "--key", GUIDE)

    assert "only dead, rejected, skipped" in hub.refused("records", "replay", str(guide["id"]))


def test_dead_letters_are_listed_and_shown(hub: Hub, dead: str) -> None:
    """With whose they are, and the reason."""
    letters = hub.json("dead", "list", dead)
    shown = hub.json("dead", "show", str(letters[0]["id"]))

    assert len(letters) == len(hub.json("dead", "list")) == 20
    assert {(row["tenant"], row["connection"]) for row in letters} == {("acme", dead)}
    assert letters[0]["letter"] == "push"
    assert shown["payload"]["record_key"] == letters[0]["key"]
    assert "503" in hub.ok("dead", "list", dead)


def test_a_dead_letter_is_replayed_by_its_id(hub: Hub, dead: str) -> None:
    """It alone."""
    letter = hub.json("dead", "list", dead)[0]["id"]

    assert hub.json("dead", "replay", str(letter)) == {
        "replayed": [{"id": letter, "replayed": "push"}],
        "refused": [],
    }
    assert len(hub.json("dead", "list", dead)) == 19


def test_all_dead_letters_of_a_connection_are_replayed(hub: Hub, dead: str, source: Served) -> None:
    """Success is reported after all."""
    assert len(hub.json("dead", "replay", "--all", dead)["replayed"]) == 20
    assert hub.json("run", dead, "--drain")["succeeded"] == 20
    assert hub.json("dead", "list") == []
    assert source.platform.summary()["by_status"] == {"success": 20}


def test_all_dead_letters_of_a_connection_are_discarded(hub: Hub, dead: str) -> None:
    """They stay in the ledger."""
    assert len(hub.json("dead", "discard", "--all", dead)["discarded"]) == 20
    assert hub.json("dead", "list") == []
    assert len(hub.json("records", "list", dead, "--state", "discarded")) == 20


def test_what_is_refused_keeps_no_other_letter(hub: Hub, dead: str) -> None:
    """It is named with the reason, and the command ends with 1."""
    letter = hub.json("dead", "list", dead)[0]["id"]
    hub.ok("dead", "discard", str(letter))
    other = hub.json("dead", "list", dead)[0]["id"]
    result = hub("dead", "replay", str(letter), str(other), "--json")

    assert result.exit_code == 1
    assert f'"id": {other}' in result.stdout
    assert "only dead, rejected, skipped" in result.stdout


@pytest.mark.parametrize("arguments", ((), ("1", "--all", "prices")))
def test_it_is_either_ids_or_a_connection(hub: Hub, arguments: tuple[str, ...]) -> None:
    """Nothing is discarded by mistake."""
    assert hub("dead", "discard", *arguments).exit_code == 2


def test_a_record_that_is_no_dead_letter_is_not_shown_as_one(hub: Hub, prices: str) -> None:
    """The right command is named."""
    hub.ok("run", prices, "--drain")
    record = hub.json("records", "list", prices)[0]["id"]

    assert "hub records show" in hub.refused("dead", "show", str(record))


def test_runs_are_listed_and_shown_with_the_batches_they_finished(hub: Hub, prices: str) -> None:
    """What the source said of its batches stands on the run that brought them."""
    hub.ok("run", prices, "--drain")
    [run] = hub.json("runs", "list", prices)
    shown = hub.json("runs", "show", str(run["id"]))

    assert (run["connection"], run["admitted"], run["reported"]) == (prices, 20, 20)
    assert set(shown["facts"]["batch_final_status"].values()) == {"published"}
    assert len(shown["facts"]["batch_final_status"]) == 2
    assert hub.json("runs", "list") == [run]
    assert "no run 99999" in hub.refused("runs", "show", "99999")


def test_what_is_no_record_stands_in_quarantine(hub: Hub, prices: str, source: Served) -> None:
    """With the reason and its raw text; control characters do not reach the terminal."""
    source.platform.commands()["records"]({"texts": ['{"amount": 1, "note": "\\u001b[31m"}']})
    first, second = (hub.json("run", prices, "--drain") for _ in range(2))
    [bad] = hub.json("quarantine", "list", prices)

    assert (first["polled"], first["succeeded"], second["polled"]) == (21, 20, 0)
    assert "record_key" in bad["reason"]
    assert hub.json("connection", "show", prices)["quarantined"] == 1
    assert "\x1b" not in hub.ok("quarantine", "list", prices)


def test_what_stands_in_quarantine_is_listed_for_all_connections(
    hub: Hub, prices: str, source: Served
) -> None:
    """As runs and dead letters are, where none is named."""
    source.platform.commands()["records"]({"texts": ['{"amount": 1}']})
    hub.ok("run", prices, "--drain")

    [bad] = hub.json("quarantine", "list")

    assert bad["connection"] == prices
    assert hub.json("quarantine", "list", prices) == [bad]
    assert "hub connection list" in hub.refused("quarantine", "list", "nobody")
