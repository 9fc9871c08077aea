"""Polls, over a MerchantOps that runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hub.errors import HubError, NotFoundError, NotNowError, RetryableError
from hub.loop.cadence import after_failure
from hub.records import BadRecord, Page, PollRequest, Record
from hub.store import connections, leases, runs, schedule
from hub.testing.simulator import Running
from tests.loop.hub_of_a_test import Connect, Harm, Hub, Offer, Script

INTERVAL = (30, 60)


def record(key: str, **fields: Any) -> Record:
    return Record(stream="price", key=key, payload={"amount": 1}, **fields)


def lease_when_told(hub: Hub) -> list[bool]:
    """Whether the lease of ``prices`` is free, each time that a poll tells how it went."""
    free: list[bool] = []
    name = f"poll:{hub.connection().id}"

    def observe(_: object) -> None:
        free.append(leases.holding(hub.db, name) is None)

    hub.runtime.observe = observe
    return free


async def test_a_page_becomes_records_bells_and_a_run(hub: Hub, connect: Connect, offer: Offer) -> None:
    """And the next poll has its time."""
    keys = offer(count=5)
    await connect(delivery={"slice_size": 2})

    outcome = await hub.poll()

    assert (outcome.result, outcome.polled, outcome.news) == ("ok", 5, 5)
    assert hub.states() == dict.fromkeys(keys, "waiting")
    assert [bell.stage for bell in hub.rung] == ["work"] * 3
    assert [(run["polled"], run["admitted"]) for run in hub.runs()] == [(5, 5)]
    assert INTERVAL[0] - 5 < hub.schedule()["due_in"] < INTERVAL[1]


async def test_polls_back_off_while_nothing_comes_and_are_frequent_again_when_something_does(
    hub: Hub, connect: Connect, merchantops: Running, offer: Offer
) -> None:
    """To five minutes."""
    await connect()
    waits = [(await hub.poll()).next_in.total_seconds() for _ in range(6)]

    assert waits == [30, 60, 120, 240, 300, 300]
    assert hub.runs() == []
    offer(count=1)
    assert INTERVAL[0] <= (await hub.poll()).next_in.total_seconds() <= INTERVAL[1]
    merchantops.app.reset()
    assert (await hub.poll()).next_in.total_seconds() == 30


async def test_a_full_page_with_news_is_followed_at_once(hub: Hub, connect: Connect, offer: Offer) -> None:
    """Half a second, until a page brings less than was asked for."""
    keys = offer(count=5)
    await connect(limit=2)

    waits = []
    for _ in range(5):
        outcome = await hub.poll()
        waits.append(outcome.next_in.total_seconds())
        await hub.work_off()

    assert waits[:2] == [0.5, 0.5]
    assert INTERVAL[0] <= waits[2] <= INTERVAL[1]
    assert set(hub.states()) == set(keys)


async def test_records_in_work_do_not_hide_the_newer_ones_behind_them(
    hub: Hub, connect: Connect, offer: Offer
) -> None:
    """There is no offset: the limit is raised by the number of open records, and at once."""
    keys = offer(count=5)
    await connect(limit=2)
    polled = []
    for _ in range(6):
        outcome = await hub.poll()
        polled.append((outcome.polled, outcome.news, outcome.next_in < timedelta(seconds=1)))

    # Two new ones; the same two, so two more are asked for; the same four, so four more; and that is all there is.
    assert polled[:5] == [(2, 2, True), (2, 0, True), (4, 2, True), (4, 0, True), (5, 1, False)]
    assert set(hub.states()) == set(keys)
    assert hub.stats().admitted == 5


async def test_a_page_that_stays_full_of_known_records_is_not_asked_for_for_ever_at_once(
    hub: Hub, connect: Connect, offer: Offer
) -> None:
    """The limit has an end as well; then the usual interval is enough."""
    offer(count=9)
    await connect(limit=2, max_limit=3)
    waits = [(await hub.poll()).next_in.total_seconds() for _ in range(6)]

    # Two are new, then the third behind them; that no more can be seen is known after it was tried once.
    assert waits[:4] == [0.5] * 4
    assert all(wait >= INTERVAL[0] for wait in waits[4:])
    assert hub.stats().admitted == 3


async def test_a_page_of_known_records_is_no_run_and_rings_no_bell(
    hub: Hub, connect: Connect, offer: Offer
) -> None:
    """A source shows its open records at every poll."""
    offer(count=3)
    await connect()
    await hub.poll()
    before = hub.rung.copy()
    outcome = await hub.poll()

    assert (outcome.polled, outcome.news, outcome.admission.duplicates) == (3, 0, 3)
    assert len(hub.runs()) == 1
    assert hub.rung == before


async def test_polling_pauses_above_the_backlog_and_goes_on_below_it(
    hub: Hub, connect: Connect, merchantops: Running, offer: Offer
) -> None:
    """Nobody is asked meanwhile."""
    offer(count=6)
    await connect(limit=4, delivery={"max_backlog": 4})
    await hub.poll()
    polls = merchantops.platform.summary()["polls"]

    paused = await hub.poll()

    assert (paused.result, paused.next_in) == ("paused", timedelta(seconds=1))
    assert merchantops.platform.summary()["polls"] == polls
    await hub.work_off()
    assert (await hub.poll()).news == 2


async def test_a_bad_record_is_kept_in_quarantine_and_counted_once(
    hub: Hub, connect: Connect, offer: Offer
) -> None:
    """It comes with every page; the good ones go on."""
    bad = '{"record_key": "bad", "amount": NaN}'
    (good,) = offer(count=1, texts=(bad,))[:1]
    await connect()
    for _ in range(3):
        await hub.poll()

    assert hub.states() == {good: "waiting"}
    (kept,) = hub.quarantine()
    assert (kept["key"], kept["seen"], kept["raw"]) == ("bad", 3, bad)
    assert "amount: NaN" in kept["reason"]
    assert [run["quarantined"] for run in hub.runs()] == [1]


async def test_a_page_that_is_none_is_kept_in_quarantine_without_the_key(
    hub: Hub, connect: Connect, merchantops: Running, offer: Offer, harm: Harm
) -> None:
    """Once; the poll has failed, and is tried again soon."""
    offer(count=1)
    await connect()
    merchantops.platform.reset()
    harm(merchantops, garbage=1)
    outcomes = [await hub.poll() for _ in range(2)]

    assert [outcome.result for outcome in outcomes] == ["failed", "failed"]
    (kept,) = hub.quarantine()
    assert kept["seen"] == 2
    assert "not JSON" in kept["reason"]
    assert "simulator-key" not in kept["raw"]
    assert hub.schedule()["failed_polls"] == 2


@pytest.mark.parametrize("fault", ({"error": 1, "error_status": 502}, {"drop": 1}, {"lose": 1}))
async def test_failed_polls_back_off_and_the_first_good_one_forgets_them(
    hub: Hub, connect: Connect, merchantops: Running, fault: dict[str, Any], offer: Offer, harm: Harm
) -> None:
    """The reason is shown meanwhile."""
    (key,) = offer(count=1)
    await connect()
    harm(merchantops, **fault)
    waits = [(await hub.poll()).next_in.total_seconds() for _ in range(3)]
    failed = hub.schedule()
    harm(merchantops)
    await hub.poll()

    for number, wait in enumerate(waits, start=1):
        assert 2.5 * 2 ** (number - 1) <= wait <= 5 * 2 ** (number - 1)
    assert failed["failed_polls"] == 3
    assert "pending-publishes" in failed["last_error"]
    assert failed["due_in"] > 5
    assert (hub.schedule()["failed_polls"], hub.schedule()["last_error"]) == (0, None)
    assert hub.states() == {key: "waiting"}


async def test_a_throttled_poll_waits_as_long_as_it_is_told_and_has_not_failed(
    hub: Hub, connect: Connect, merchantops: Running, harm: Harm
) -> None:
    """A 429 is no fault of anybody."""
    await connect()
    harm(merchantops, throttle=1, retry_after=7)
    outcome = await hub.poll()

    assert (outcome.result, outcome.next_in) == ("paused", timedelta(seconds=7))
    assert hub.schedule()["failed_polls"] == 0
    assert 6 < hub.schedule()["due_in"] <= 7


async def test_two_polls_a_second_at_most(
    hub: Hub, connect: Connect, merchantops: Running, offer: Offer
) -> None:
    """However many pages there are, and whoever asks."""
    offer(count=10)
    await connect(limit=1, polls_per_second=2)
    other = hub.make_runtime()
    began = asyncio.get_running_loop().time()
    for number in range(4):
        await hub.poll(runtime=other if number % 2 else None)

    assert asyncio.get_running_loop().time() - began > 1.4
    assert merchantops.platform.summary()["most_polls_in_a_second"] <= 3


@pytest.mark.parametrize("same_process", (True, False))
async def test_a_target_is_polled_by_one_at_a_time(
    hub: Hub, connect: Connect, merchantops: Running, same_process: bool, offer: Offer, harm: Harm
) -> None:
    """Also within one process, when a message has come twice."""
    offer(count=3)
    await connect()
    harm(merchantops, latency_ms=100)
    merchantops.app.watch.begin("GET")
    other = None if same_process else hub.make_runtime()
    outcomes = await asyncio.gather(hub.poll(), hub.poll(runtime=other), hub.poll(runtime=other))

    assert sorted(outcome.result for outcome in outcomes) == ["lost", "lost", "ok"]
    assert merchantops.app.watch.seen()["most_at_once"] == 1


@pytest.mark.parametrize(
    ("answer", "result"),
    (
        (Page(poll_after=timedelta(0)), "ok"),
        (RetryableError("not there"), "failed"),
        (NotNowError("later", wait=timedelta(0)), "paused"),
    ),
)
async def test_whoever_is_fired_once_a_poll_is_due_finds_its_lease_free(
    hub: Hub, connect_scripted: Connect, script: Script, answer: Page | HubError, result: str
) -> None:
    """The poll before may still be busy with itself; one that finds it held comes to nothing, and none is fired for long."""
    await connect_scripted()
    free = lease_when_told(hub)

    def poll(_: PollRequest) -> Page:
        if isinstance(answer, HubError):
            raise answer
        return answer

    script.poll = poll
    outcome = await hub.poll()

    assert outcome.result == result
    assert free == [True]


async def test_a_poll_that_pauses_above_the_backlog_leaves_its_lease_free(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """As any other."""
    await connect_scripted(delivery={"max_backlog": 1})
    script.poll = lambda _: Page(records=[record("a")])
    await hub.poll()
    free = lease_when_told(hub)

    outcome = await hub.poll()

    assert outcome.result == "paused"
    assert free == [True]


async def test_a_page_whose_lease_was_lost_is_left_to_the_next_poller(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Neither its records nor its cursor are taken, and the schedule stays as that one left it."""
    await connect_scripted()

    def poll_slowly(request: PollRequest) -> Page:
        hub.pass_time(hub.settings.poll_lease.total_seconds() + 1)
        taken = leases.acquire(hub.db, f"poll:{hub.connection().id}", holder="other", duration=60_000_000)
        assert taken is not None
        return Page(records=[record("a")], cursor={"page": 2})

    script.poll = poll_slowly
    before = hub.schedule()
    outcome = await hub.poll()

    assert outcome.result == "lost"
    assert hub.rows() == []
    assert hub.schedule()["cursor"] == before["cursor"]


async def test_the_cursor_and_what_the_last_page_brought_come_back_with_the_next_poll(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """A page without a cursor leaves the one before."""
    await connect_scripted()
    pages = [
        Page(records=[record("a"), record("b")], cursor={"page": 2}, full=True),
        Page(records=[record("a")]),
        Page(poll_after=timedelta(hours=1)),
    ]
    script.poll = lambda _: pages.pop(0)
    for _ in range(3):
        await hub.poll()

    asked = script.asked["poll"]
    assert asked == [
        PollRequest(),
        PollRequest(cursor={"page": 2}, open_records=2, previous_new=2, previous_full=True),
        PollRequest(cursor={"page": 2}, open_records=2),
    ]
    assert 3500 < hub.schedule()["due_in"] <= 3600


async def test_a_full_pass_is_asked_for_until_a_page_was_admitted(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """`hub connection rewind` asks for it; a poll that fails has not made it."""
    await connect_scripted()
    connections.rewind(hub.db, "prices", full_pass=True)
    answers = [RuntimeError("oops"), Page(), Page()]

    def poll(_: PollRequest) -> Page:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    script.poll = poll
    for _ in range(3):
        await hub.poll()

    assert [request.full_pass for request in script.asked["poll"]] == [True, True, False]


@pytest.mark.parametrize(
    "mistake",
    (
        Record(stream="stok", key="x", payload={}),
        record(""),
        record("x" * 513),
        record("x\x00"),
        record(7),  # type: ignore[arg-type]
        record("x", order_key=""),
        record("x", version=3),  # type: ignore[arg-type]
        record("x", group="g\x00"),
        record("x", group="g" * 513),
        Record(stream="price", key="x", payload=["no object"]),  # type: ignore[arg-type]
        Record(stream="price", key="x", payload={"when": object()}),
        Record(stream="price", key="x", payload={"name": "\ud800"}),
    ),
)
async def test_a_connectors_slip_costs_no_good_record(
    hub: Hub, connect_scripted: Connect, script: Script, mistake: Record
) -> None:
    """What the ledger cannot hold is kept in quarantine with the reason."""
    await connect_scripted()
    script.poll = lambda _: Page(records=[record("a"), mistake, record("b")], cursor={"page": 2})
    outcome = await hub.poll()

    assert (outcome.result, outcome.polled, outcome.news) == ("ok", 3, 2)
    assert hub.states() == {"a": "waiting", "b": "waiting"}
    assert len(hub.quarantine()) == 1
    assert hub.quarantine()[0]["reason"]
    assert hub.schedule()["cursor"] == '{"page":2}'


async def test_a_poll_that_raises_something_unexpected_has_failed(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Whatever a stranger's plugin does, it costs its own connection a wait."""
    await connect_scripted()

    def poll(_: PollRequest) -> Page:
        raise KeyError("items")

    script.poll = poll
    outcome = await hub.poll()

    assert outcome.result == "failed"
    assert outcome.next_in <= after_failure(1) * 2
    assert "items" in (outcome.error or "")


@pytest.mark.parametrize("answer", (None, [], "page"))
async def test_a_poll_that_brings_no_page_has_failed(
    hub: Hub, connect_scripted: Connect, script: Script, answer: Any
) -> None:
    """With a word about what it brought."""
    await connect_scripted()
    script.poll = lambda _: answer

    assert (await hub.poll()).result == "failed"


async def test_a_bad_record_is_named_by_its_reason(
    hub: Hub, connect_scripted: Connect, script: Script
) -> None:
    """Two that are bad for different reasons are two."""
    await connect_scripted()
    script.poll = lambda _: Page(
        bad=[BadRecord(reason="no key", raw="{}"), BadRecord(reason="no price", raw="{}")]
    )
    await hub.poll()

    assert {kept["reason"] for kept in hub.quarantine()} == {"no key", "no price"}


async def test_a_batch_that_is_finished_says_so_on_the_run_of_its_records(
    hub: Hub, connect: Connect, offer: Offer
) -> None:
    """``batch_final_status``, by batch, over two runs."""
    items = [
        {"record_key": key, "variant_key": key, "amount": 1, "currency": "EUR", "batch_key": batch}
        for key, batch in (("a", "pb-1"), ("b", "pb-1"), ("c", "pb-2"))
    ]
    await connect()
    for item in items:
        offer(item)
        await hub.poll()
    await hub.work_off()

    facts = [run["facts"] for run in runs.list_runs(hub.db, hub.connection().id)]
    finished = [fact["batch_final_status"] for fact in facts if fact]
    assert {batch: status for one in finished for batch, status in one.items()} == {
        "pb-1": "published",
        "pb-2": "published",
    }


async def test_a_connection_that_is_removed_while_it_is_looked_at_is_not_found(hub: Hub) -> None:
    """Between two readings, and without a lock that would keep that from happening."""
    with hub.db.transaction() as tx, pytest.raises(NotFoundError, match="does not exist any more"):
        schedule.read(hub.db, tx, 12345)
