"""Messages: one slice each, then to the back of the queue, and never more of a connection than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from hub.connection_file import Delivery
from hub.fleet.actors import Actors, declare
from hub.fleet.broker import make_broker
from hub.loop import poll as polling
from hub.records import Acknowledged, Page, Record, Released, Success
from hub.store.connections import list_connections
from hub.store.ledger.bells import Bell
from tests.loop.hub_of_a_test import Connect, Hub, Script


class Queue:
    """A broker whose messages a test takes one by one, first come first served, as a worker with one thread would."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.broker = StubBroker()
        self.actors: Actors = declare(self.broker, lambda: hub.runtime)
        hub.runtime.ring = self.actors.ring

    @property
    def depth(self) -> int:
        return self.broker.queues["work"].qsize()

    async def answer_next(self) -> str:
        """Answer the first message for a slice; the name of its connection."""
        message = dramatiq.Message.decode(self.broker.queues["work"].get_nowait())
        await self.actors.work.fn.__wrapped__(*message.args)
        return next(one.name for one in list_connections(self.hub.db) if one.id == message.args[1])


@pytest.fixture
def queue(hub: Hub) -> Queue:
    return Queue(hub)


@pytest.fixture
def succeed(script: Script) -> None:
    script.push = lambda items: [Success() for _ in items]


def page_of(number: int, prefix: str = "r") -> Callable[[Any], Page]:
    records = [Record(stream="price", key=f"{prefix}{one}", payload={}) for one in range(number)]
    return lambda _: Page(records=records)


@pytest.mark.usefixtures("succeed")
async def test_a_small_tenant_does_not_wait_for_a_big_one(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """5,000 records wait; the single one of another connection comes after as many slices as may be out, not fifty."""
    await connect_scripted("big")
    await connect_scripted("small")
    script.poll = page_of(5000)
    await hub.poll("big")
    for _ in range(3):
        await queue.answer_next()
    script.poll = page_of(1)
    await hub.poll("small")

    order = []
    while not order or order[-1] != "small":
        order.append(await queue.answer_next())

    assert hub.states("small") == {"r0": "success"}
    assert len(order) <= Delivery().parallel_slices + 1
    assert Counter(hub.states("big").values())["waiting"] > 4000


@pytest.mark.usefixtures("succeed")
async def test_no_more_messages_than_parallel_slices_are_out(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """Whatever comes in, and while they are answered."""
    await connect_scripted(delivery={"slice_size": 5, "parallel_slices": 3})
    for batch in range(4):
        script.poll = page_of(20, prefix=f"{batch}-")
        await hub.poll()
        assert queue.depth == 3
        await queue.answer_next()
        assert queue.depth == 3
    while queue.depth:
        await queue.answer_next()
        assert queue.depth <= 3

    assert set(hub.states().values()) == {"success"}
    assert hub.bells() == []


@pytest.mark.usefixtures("succeed")
async def test_a_connection_comes_back_to_all_its_slices_after_its_messages_were_lost(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """The sweeper rings one bell; each slice that leaves more behind rings one more, up to the limit."""
    await connect_scripted(delivery={"slice_size": 5, "parallel_slices": 3})
    script.poll = page_of(100)
    await hub.poll()
    queue.broker.flush_all()
    await hub.sweep(rewake=True)

    depths = [queue.depth]
    for _ in range(4):
        await queue.answer_next()
        depths.append(queue.depth)
    assert depths == [1, 2, 3, 3, 3]


@pytest.mark.usefixtures("succeed")
async def test_a_doubled_message_finds_its_bell_answered_or_nothing_to_do(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """Nothing is pushed twice."""
    await connect_scripted(delivery={"slice_size": 5})
    script.poll = page_of(3)
    await hub.poll()
    message = queue.broker.queues["work"].get_nowait()
    for _ in range(3):
        queue.broker.queues["work"].put(message)
    for _ in range(3):
        await queue.answer_next()

    assert [len(items) for items in script.asked["push"]] == [3]
    assert hub.bells() == []


async def test_a_slice_that_fails_unexpectedly_puts_its_bell_away(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the sweeper can ring when its claim has run out."""
    await connect_scripted()
    script.poll = page_of(3)
    await hub.poll()

    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("hub.loop.work._push_and_report", fail)
    with pytest.raises(KeyError):
        await queue.answer_next()

    assert hub.bells() == []
    hub.pass_time(61)
    assert (await hub.sweep()).rung == 1


async def test_a_worker_that_stops_leaves_its_messages_to_the_others_within_a_sweep(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """Not only when their bells have grown old."""
    await connect_scripted()
    script.poll = page_of(3)
    await hub.poll()
    hub.runtime.stop(grace=5)
    await queue.answer_next()

    assert "push" not in script.asked
    hub.runtime = hub.make_runtime()
    hub.runtime.ring = queue.actors.ring
    assert (await hub.sweep()).rung == 1
    assert queue.depth == 1


async def test_a_message_for_a_connection_that_was_removed_comes_to_nothing(
    hub: Hub, connect_scripted: Connect, queue: Queue
) -> None:
    """It is said, and that is all."""
    await connect_scripted()
    await queue.actors.work.fn.__wrapped__(1, 999)
    await queue.actors.report.fn.__wrapped__(1, 999)
    await queue.actors.poll.fn.__wrapped__(999)


async def test_a_poll_message_that_comes_twice_or_late_makes_no_second_poll(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """The schedule says when, not the message."""
    stored = await connect_scripted()
    for _ in range(3):
        await queue.actors.poll.fn.__wrapped__(stored.id)

    assert len(script.asked["poll"]) == 1
    assert (await polling.poll(hub.runtime, stored.id)).result == "early"


async def test_a_report_message_reports_one_slice(
    hub: Hub, connect_scripted: Connect, script: Script, queue: Queue
) -> None:
    """And rings again while more is due."""
    stored = await connect_scripted(delivery={"slice_size": 2})
    script.poll = page_of(5)
    script.push = lambda items: [Success() for _ in items]
    script.report = lambda outcomes: [Released(reason="busy") for _ in outcomes]
    await hub.poll()
    while queue.depth:
        await queue.answer_next()
    script.report = lambda outcomes: [Acknowledged() for _ in outcomes]
    await hub.sweep()
    reports = queue.broker.queues["report"]
    answered = 0
    while reports.qsize():
        message = dramatiq.Message.decode(reports.get_nowait())
        assert message.args[1] == stored.id
        await queue.actors.report.fn.__wrapped__(*message.args)
        answered += 1

    assert answered >= 3
    assert hub.stats().reported == 5
    assert hub.bells() == []


async def test_a_broker_that_is_away_loses_no_bell_for_good(
    hub: Hub, connect_scripted: Connect, script: Script, logs: list[Any]
) -> None:
    """The page is admitted, it is logged, and the sweeper rings once the bells are old."""
    away = declare(make_broker("redis://127.0.0.1:1/0"), lambda: hub.runtime)
    hub.runtime.ring = away.ring
    await connect_scripted()
    script.poll = page_of(3)

    assert (await hub.poll()).news == 3
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == [
        "a bell could not be rung"
    ]
    hub.runtime.ring = hub.rung.extend
    hub.pass_time(31)
    assert (await hub.sweep()).rung == 1
    assert isinstance(hub.rung[0], Bell)


async def test_no_process_asks_for_delayed_messages(hub: Hub) -> None:
    """There are none, and an idle worker asks ten times a second for each queue."""
    broker = make_broker("redis://127.0.0.1:1/0")
    declare(broker, lambda: hub.runtime)

    assert broker.get_declared_queues() == {"sweep", "poll", "report", "work"}
    assert broker.get_declared_delay_queues() == set()
