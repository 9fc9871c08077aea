"""`hub run --drain`: the loop in the foreground."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from hub.embedded import ensure_broker, leave_broker
from hub.settings import Settings
from hub.testing.faults import Faults
from tests.cli.conftest import Hub, Served
from tests.forked import Forked

KEYS = [
    *("polled", "pushed", "succeeded", "failed", "skipped", "dead"),
    *("reported", "waiting", "awaiting", "parked", "seconds"),
]

#: Seconds that something may take which takes no time on a machine at rest.
SOON = 30.0


@pytest.fixture
def start() -> Iterator[Callable[..., Forked]]:
    """Starts `hub …` as a process of its own."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(Forked(arguments, os.environ, apart=True))


def test_a_drain_says_what_it_did(hub: Hub, prices: str, source: Served, destination: Served) -> None:
    """Every record has arrived, and every outcome is reported."""
    summary = hub.json("run", prices, "--drain")

    assert list(summary) == KEYS
    assert {name: summary[name] for name in ("polled", "pushed", "succeeded", "reported")} == {
        "polled": 20,
        "pushed": 20,
        "succeeded": 20,
        "reported": 20,
    }
    assert source.platform.summary()["by_status"] == {"success": 20}
    assert destination.platform.summary()["records"] == 20


def test_a_second_drain_finds_nothing_to_do(hub: Hub, prices: str) -> None:
    """And needs no time for it."""
    hub.ok("run", prices, "--drain")
    summary = hub.json("run", prices, "--drain")

    assert {summary[name] for name in KEYS if name != "seconds"} == {0}


def test_it_needs_no_broker_and_starts_none(hub: Hub, prices: str) -> None:
    """Nothing but the store is there afterwards."""
    hub.ok("run", prices, "--drain")

    assert not (hub.home / "valkey").exists()


def test_it_shares_limits_with_a_fleet_whose_broker_runs(hub: Hub, prices: str) -> None:
    """The embedded one, if somebody uses it already."""
    settings = Settings()
    try:
        with redis.Redis.from_url(ensure_broker(settings)) as broker:
            hub.ok("run", prices, "--drain")
            keys = broker.keys("*")
    finally:
        leave_broker(settings)

    assert keys


def test_more_records_than_a_page_are_taken_in_without_waiting_for_the_cadence(
    hub: Hub, acme: str, connection_file: Callable[..., str], source: Served
) -> None:
    """A page that is full of records in work is asked for again, deeper."""
    path = connection_file('target_key = "custom"', 'target_key = "custom"\nlimit = 6\npolls_per_second = 50')
    hub.ok("connection", "add", "prices", "--tenant", "acme", "--config", path)
    summary = hub.json("run", "prices", "--drain")

    assert (summary["polled"], summary["reported"]) == (20, 20)


def test_records_that_are_refused_are_done_all_the_same(hub: Hub, prices: str, destination: Served) -> None:
    """Reported as failed, the drain did its work."""
    destination.platform.commands()["refuse"]({"refuse_share": 1})
    result = hub("run", prices, "--drain", "--json")
    summary = json.loads(result.stdout)

    assert (result.exit_code, summary["failed"], summary["reported"], summary["dead"]) == (0, 20, 20, 0)
    assert f"20 rejected: `hub records list {prices} --state rejected` shows why" in result.stderr


def test_it_waits_for_retries(hub: Hub, prices: str, destination: Served) -> None:
    """A destination that fails for a moment costs attempts, not records."""
    destination.app.faults.set([Faults(error=1, match="POST", requests=3)])
    summary = hub.json("run", prices, "--drain")

    assert (summary["pushed"], summary["succeeded"], summary["waiting"]) == (20, 20, 0)


def test_it_waits_no_longer_than_it_is_told(hub: Hub, prices: str, destination: Served) -> None:
    """What is left is said, and ends it with 1."""
    destination.app.faults.set([Faults(error=1, match="POST")])
    result = hub("run", prices, "--drain", "--wait", "0", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["waiting"] == 20
    assert "20 records are left" in result.stderr


def test_a_slow_destination_is_no_reason_to_end_early(hub: Hub, prices: str, destination: Served) -> None:
    """`--wait` is for what is not due, not for what is being worked."""
    destination.app.faults.set([Faults(latency_ms=1500, match="POST")])

    assert hub.json("run", prices, "--drain", "--wait", "0.5")["succeeded"] == 20


def test_a_refused_credential_ends_it_with_1(hub: Hub, prices: str, source: Served) -> None:
    """The reason is said."""
    source.platform.pricing.keys.clear()
    result = hub("run", prices, "--drain")

    assert result.exit_code == 1
    assert "401" in result.stderr
    assert hub.json("connection", "show", prices)["status"] == "needs_reauth"


def test_a_paused_connection_says_so(hub: Hub, prices: str) -> None:
    """A row of zeros alone would look like a source without news."""
    hub.ok("connection", "pause", prices)
    result = hub("run", prices, "--drain")

    assert (result.exit_code, hub.json("connection", "show", prices)["paused"]) == (0, True)
    assert f"{prices} is paused" in result.stderr
    assert f"hub connection resume {prices}" in result.stderr


def test_a_failed_connection_says_why_each_time(hub: Hub, tmp_path: Path) -> None:
    """A run after the one that failed tells the reason and the remedy, too; a longer --wait is none."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    file = hub.write(
        f'connector = "merchstack"\nsettings = {{ url = "{inbox}", tenant_id = "ABC" }}\n'
        'destination = { name = "catalog" }\n'
    )
    hub.ok("tenant", "add", "globex")
    hub.ok("connection", "add", "shop-in", "--tenant", "globex", "--config", file)
    inbox.rmdir()
    first, second = (hub("run", "shop-in", "--drain") for _ in range(2))

    assert (first.exit_code, second.exit_code) == (1, 1)
    for result in (first, second):
        assert "is no folder; create it" in result.stderr
        assert "hub connection resume shop-in" in result.stderr


def test_drain_has_to_be_said(hub: Hub, prices: str) -> None:
    """There is no other way to run in the foreground."""
    assert hub("run", prices).exit_code == 2


def test_an_unknown_connection_is_refused(hub: Hub) -> None:
    """Before anything is polled."""
    assert "hub connection list" in hub.refused("run", "nobody", "--drain")


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_hands_work_back(
    hub: Hub,
    prices: str,
    destination: Served,
    start: Callable[..., Forked],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """Nothing stays claimed, no attempt is spent, and the next drain does it all."""
    monkeypatch.setenv("HUB_SHUTDOWN_TIMEOUT", "1")
    destination.app.faults.set([Faults(stall=1, stall_seconds=60, match="POST")])
    process = start("run", prices, "--drain", "--json")
    _until(lambda: hub.json("connection", "show", prices)["streams"][0]["states"]["working"] == 20)
    process.send_signal(number)
    output, _ = process.communicate(timeout=SOON)

    assert process.returncode == 130
    assert json.loads(output)["waiting"] == 20
    listed = hub.json("records", "list", prices)
    assert {(row["state"], row["attempts"]) for row in listed} == {("waiting", 0)}
    destination.app.faults.set([])
    assert hub.json("run", prices, "--drain")["succeeded"] == 20


def test_two_drains_at_once_share_the_work(
    hub: Hub, prices: str, destination: Served, start: Callable[..., Forked]
) -> None:
    """Neither does what the other has done."""
    drains = [start("run", prices, "--drain", "--json") for _ in range(2)]
    summaries = [json.loads(drain.communicate(timeout=SOON)[0]) for drain in drains]

    assert [drain.returncode for drain in drains] == [0, 0]
    assert sum(summary["succeeded"] for summary in summaries) == 20
    assert destination.platform.summary()["accepted"] == 20


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_standard_output_is_one_document_when_something_is_logged(
    hub: Hub,
    prices: str,
    source: Served,
    start: Callable[..., Forked],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logs go to standard error, at whatever level."""
    monkeypatch.setenv("HUB_LOG_LEVEL", "DEBUG")
    source.app.faults.set([Faults(garbage=1, match="GET", requests=1)])
    drain = start("run", prices, "--drain", "--json")
    printed, logged = drain.communicate(timeout=SOON)

    assert list(json.loads(printed)) == KEYS
    assert drain.returncode == 1
    assert "poll failed" in logged
    for secret in hub.secrets:
        assert secret not in logged
