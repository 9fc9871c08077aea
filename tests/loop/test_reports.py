"""Reports settle apart from pushes: what fails there is told again, and pushed never again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.records import Acknowledged, Outcome, Page, Record, Rejected, Retry, Skipped, Success
from hub.store.ledger import letters
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Connect, Harm, Hub, Offer, Script


def told(merchantops: Running) -> dict[str, Any]:
    """What was reported, by key."""
    records = merchantops.platform.state()["targets"][0]["records"]
    return {key: record["outcome"] for key, record in records.items() if record["outcome"] is not None}


@pytest.mark.parametrize(
    "fault", ({"error": 1, "error_status": 503}, {"drop": 1}, {"throttle": 1, "retry_after": 1})
)
async def test_a_report_that_fails_is_told_again_and_not_pushed_again(
    hub: Hub,
    connect: Connect,
    offer: Offer,
    merchantops: Running,
    erp: Running,
    harm: Harm,
    fault: dict[str, Any],
) -> None:
    """The external id is durable by then."""
    (key,) = offer(count=1)
    await connect()
    await hub.poll()
    harm(merchantops, **fault)
    await hub.work()
    row = hub.row(key)
    assert (row["state"], row["report_state"], row["external_id"]) == ("success", "waiting", "erp-1")
    assert row["report_attempts"] == ("throttle" not in fault)
    assert (await hub.report()).records == 0, "it is not due"

    harm(merchantops)
    hub.pass_time(5)
    assert (await hub.report(runtime=hub.make_runtime())).states == {"reported": 1}

    assert told(merchantops)[key]["external_id"] == "erp-1"
    assert erp.platform.summary()["accepted"] == 1


async def test_a_report_whose_answer_was_lost_is_repeated_and_does_no_harm(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, harm: Harm
) -> None:
    """MerchantOps counts it once."""
    offer(count=1)
    await connect()
    await hub.poll()
    harm(merchantops, lose=1)
    await hub.work()
    harm(merchantops)
    hub.pass_time(5)
    await hub.report()

    found = merchantops.platform.summary()
    assert (found["outcomes"], found["repeated_outcomes"], found["changed_outcomes"]) == (2, 1, 0)
    assert hub.stats().reported == 1


async def test_a_refused_outcome_is_a_dead_report_and_affects_no_other(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running, harm: Harm
) -> None:
    """422: the detail is kept; it is replayed without a push, or discarded."""
    keys = offer(count=3)
    await connect()
    await hub.poll()
    harm(merchantops, error=1, error_status=422, match=f"{keys[1]}/publish-outcome")
    await hub.work()

    assert set(hub.states().values()) == {"success"}
    assert [hub.row(key)["report_state"] for key in keys] == ["acknowledged", "dead", "acknowledged"]
    assert "simulated failure" in hub.row(keys[1])["report_error"]
    (letter,) = letters.list_dead(hub.db, hub.connection().id)
    assert (letter["letter"], letter["key"]) == ("report", keys[1])
    assert (hub.stats().reported, hub.stats().report_dead) == (2, 1)

    harm(merchantops)
    assert hub.replay(keys[1]) == "report"
    await hub.work_off()
    assert set(told(merchantops)) == set(keys)
    assert erp.platform.summary()["accepted"] == 3
    assert (hub.stats().reported, hub.stats().report_dead) == (3, 0)


async def test_an_outcome_of_a_withdrawn_record_is_settled_with_a_warning(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running
) -> None:
    """404: there is nobody left to tell."""
    (key,) = offer(count=1)
    await connect()
    await hub.poll()
    merchantops.platform.commands()["withdraw"]({"record_keys": [key]})
    await hub.work()

    row = hub.row(key)
    assert (row["state"], row["report_state"]) == ("success", "acknowledged")
    assert "withdrawn" in row["report_error"]
    assert hub.stats().reported == 1


async def test_a_report_is_dead_after_its_attempts(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, harm: Harm
) -> None:
    """They are counted apart from those of the push."""
    (key,) = offer(count=1)
    await connect(delivery={"attempts": 3})
    await hub.poll()
    harm(merchantops, error=1, error_status=408, match="publish-outcome")
    await hub.work()
    for _ in range(2):
        hub.pass_time(61)
        await hub.report()

    row = hub.row(key)
    assert (row["state"], row["total_attempts"]) == ("success", 1)
    assert (row["report_state"], row["report_attempts"]) == ("dead", 3)


async def test_a_record_that_is_reported_is_not_pushed_again_when_it_is_shown_again(
    hub: Hub, connect: Connect, offer: Offer, merchantops: Running, erp: Running
) -> None:
    """The stored outcome is told once more, after five minutes at the earliest."""
    item = {"record_key": "a", "variant_key": "a", "amount": 1, "currency": "EUR", "batch_key": "pb-1"}
    await connect()
    for _ in range(2):
        offer(item)
        await hub.poll()
        await hub.work_off()
    assert told(merchantops) == {}, "it was told just now"

    hub.pass_time(301)
    await hub.poll()
    await hub.work_off()
    assert told(merchantops)["a"]["external_id"] == "erp-1"
    assert erp.platform.summary()["accepted"] == 1
    assert (hub.stats().admitted, hub.stats().reported) == (1, 1)


async def test_an_outcome_says_all_that_is_known(hub: Hub, connect_scripted: Connect, script: Script) -> None:
    """The same, whether it is told at once or later by somebody else."""
    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={"sku": 1}, group="g")])
    script.push = lambda items: [
        Success(external_id="erp-1", response_code=201, duration_ms=7, warning="rounded") for _ in items
    ]
    answers = [[Retry(error="timeout")], [Acknowledged()]]
    script.report = lambda _: answers.pop(0)
    await connect_scripted()
    await hub.poll()
    await hub.work()
    hub.pass_time(5)
    await hub.report()

    at_once, later = (outcomes[0] for outcomes in script.asked["report"])
    assert isinstance(at_once, Outcome)
    assert (at_once.key, at_once.stream, at_once.payload, at_once.group) == ("a", "price", {"sku": 1}, "g")
    assert (at_once.status, at_once.attempts, at_once.external_id) == ("success", 1, "erp-1")
    assert (at_once.response_code, at_once.duration_ms, at_once.error) == (201, 7, None)
    assert at_once.settled_at is not None
    assert abs(at_once.settled_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert later.settled_at == at_once.settled_at - timedelta(seconds=5), "the test moved all times"
    assert replace(later, settled_at=None) == replace(at_once, settled_at=None)


async def test_an_error_is_reported_with_what_has_failed_and_not_with_what_went_well(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """A warning of a success stays in the hub."""
    script.poll = lambda _: Page(records=[Record(stream="price", key=key, payload={}) for key in "abc"])
    script.push = lambda _: [Success(warning="rounded"), Rejected(errors=["x", "y"]), Skipped(reason="same")]
    await connect_scripted()
    await hub.poll()
    await hub.work()

    (outcomes,) = script.asked["report"]
    assert [(one.status, one.error) for one in outcomes] == [
        ("success", None),
        ("failed", "x; y"),
        ("skipped", "same"),
    ]
    assert hub.row("a")["error"] == "rounded"


async def test_a_source_that_wants_no_report_of_one_settles_it(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """``Skipped`` is as good as an acknowledgement, without an attempt."""
    script.poll = lambda _: Page(records=[Record(stream="price", key="a", payload={})])
    script.push = lambda _: [Success()]
    script.report = lambda _: [Skipped(reason="gone")]
    await connect_scripted()
    await hub.poll()
    await hub.work()

    row = hub.row("a")
    assert (row["report_state"], row["report_error"], row["report_attempts"]) == ("acknowledged", "gone", 0)
