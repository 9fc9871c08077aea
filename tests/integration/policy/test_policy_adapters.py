"""Limiter and circuit keep their word, in memory and in Redis alike, also when Redis goes away."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from structlog.testing import capture_logs

from hub.connector import Bucket
from hub.policy.circuit import Circuit, CircuitStatus, MemoryCircuit
from hub.policy.lessons import Lesson, Refusal
from hub.policy.limiter import Limiter, MemoryLimiter
from hub.policy.redis_circuit import RedisCircuit
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import PATIENCE, RESPITE, RedisLink
from hub.testing.servers import Valkey
from tests.integration.policy.turned import PRICES, UNKNOWN, Turned, refused, seconds


async def test_a_lot_is_granted_as_far_as_it_goes(limiter: Limiter, clock: Turned) -> None:
    """And the wait is that for one more."""
    first, second = await limiter.take(PRICES, 7), await limiter.take(PRICES, 7)
    clock.turn(second.wait.total_seconds())
    third = await limiter.take(PRICES, 7)

    assert (first.granted, first.wait) == (7, seconds(0))
    assert (second.granted, second.wait) == (3, seconds(0.25))
    assert third.granted == 1
    assert not third.unlimited


async def test_a_full_bucket_holds_its_burst_and_no_more(limiter: Limiter, clock: Turned) -> None:
    """However long nobody came."""
    await limiter.take(PRICES, 10)
    clock.turn(3000)

    assert (await limiter.take(PRICES, 99)).granted == 10


async def test_unused_tokens_go_back(limiter: Limiter) -> None:
    """For whoever comes next, and never above the burst."""
    await limiter.take(PRICES, 10)
    await limiter.give_back(PRICES, 4)
    assert (await limiter.take(PRICES, 10)).granted == 4

    await limiter.give_back(PRICES, 99)
    assert (await limiter.take(PRICES, 99)).granted == 10


async def test_a_bucket_without_a_rate_is_unlimited_until_it_learns(limiter: Limiter, clock: Turned) -> None:
    """Then it holds what remains, and after the reset it is unlimited again."""
    assert (await limiter.take(UNKNOWN, 1000)).unlimited

    await limiter.learn(UNKNOWN, Lesson(remaining=3, reset=seconds(60)))
    grant = await limiter.take(UNKNOWN, 1000)
    assert (grant.granted, grant.wait, grant.unlimited) == (3, seconds(60), False)
    assert (await limiter.take(UNKNOWN, 1)).granted == 0

    clock.turn(60)
    assert (await limiter.take(UNKNOWN, 1000)).unlimited


async def test_a_block_stops_everyone_until_its_end(limiter: Limiter, clock: Turned) -> None:
    """A shorter one that comes later does not shorten it."""
    await limiter.learn(PRICES, Lesson(block=seconds(30)))
    await limiter.learn(PRICES, Lesson(block=seconds(5)))
    clock.turn(29)
    blocked = await limiter.take(PRICES, 5)
    clock.turn(1)

    assert (blocked.granted, blocked.wait) == (0, seconds(1))
    assert (await limiter.take(PRICES, 5)).granted == 5


async def test_of_what_remains_the_latest_word_counts(limiter: Limiter) -> None:
    """The other side knows what it has counted."""
    await limiter.learn(PRICES, Lesson(remaining=2, reset=seconds(60)))
    assert (await limiter.take(PRICES, 5)).granted == 2

    await limiter.learn(PRICES, Lesson(remaining=4, reset=seconds(50)))
    assert (await limiter.take(PRICES, 5)).granted == 4


async def test_unused_tokens_of_a_window_go_back_too(limiter: Limiter) -> None:
    """They are still there for whoever comes next."""
    await limiter.learn(UNKNOWN, Lesson(remaining=5, reset=seconds(60)))
    await limiter.take(UNKNOWN, 5)
    await limiter.give_back(UNKNOWN, 3)

    assert (await limiter.take(UNKNOWN, 5)).granted == 3


async def test_buckets_do_not_touch_each_other(limiter: Limiter) -> None:
    """A block of one is none of another."""
    await limiter.learn(PRICES, Lesson(block=seconds(30)))

    assert (await limiter.take(UNKNOWN, 1)).granted == 1


async def fail(circuit: Circuit, times: int) -> str:
    """Record failures; the state that holds then."""
    return (await circuit.record("host", failures=times)).state


async def test_five_failures_in_a_row_open_the_circuit(circuit: Circuit, clock: Turned) -> None:
    """Nothing passes for 30 seconds."""
    assert await fail(circuit, 4) == "closed"
    assert (await circuit.allow("host", 100)).allowed == 100
    assert await fail(circuit, 1) == "open"

    clock.turn(29)
    permit = await circuit.allow("host", 100)
    assert (permit.allowed, permit.state, permit.wait) == (0, "open", seconds(1))


async def test_a_success_begins_the_count_anew(circuit: Circuit) -> None:
    """Successes of one record come before its failures."""
    await fail(circuit, 4)
    assert (await circuit.record("host", successes=1, failures=4)).state == "closed"

    assert await fail(circuit, 1) == "open"


async def test_three_probes_that_succeed_close_it(circuit: Circuit, clock: Turned) -> None:
    """No more than three are under way at once."""
    await fail(circuit, 5)
    clock.turn(30)
    permits = [await circuit.allow("host", 2) for _ in range(3)]
    assert [(permit.allowed, permit.state) for permit in permits] == [
        (2, "half_open"),
        (1, "half_open"),
        (0, "half_open"),
    ]
    assert permits[-1].wait == seconds(1)

    assert (await circuit.record("host", successes=2)).state == "half_open"
    assert (await circuit.record("host", successes=1)).state == "closed"
    assert (await circuit.allow("host", 100)).allowed == 100
    assert await fail(circuit, 4) == "closed"


async def test_a_probe_that_fails_opens_it_again(circuit: Circuit, clock: Turned) -> None:
    """For the whole time."""
    await fail(circuit, 5)
    clock.turn(30)
    await circuit.allow("host", 3)
    await circuit.record("host", successes=2)

    assert await fail(circuit, 1) == "open"
    assert (await circuit.allow("host", 1)).wait == seconds(30)


async def test_a_probe_whose_process_died_is_given_to_another(circuit: Circuit, clock: Turned) -> None:
    """After its lease; it must not keep the circuit half open for ever."""
    await fail(circuit, 5)
    clock.turn(30)
    await circuit.allow("host", 3)
    clock.turn(59)
    assert (await circuit.allow("host", 3)).allowed == 0

    clock.turn(1)
    assert (await circuit.allow("host", 3)).allowed == 3


async def test_a_probe_that_was_not_made_is_given_to_another(circuit: Circuit, clock: Turned) -> None:
    """At once."""
    await fail(circuit, 5)
    clock.turn(30)
    await circuit.allow("host", 3)
    await circuit.record("host", unused=2)

    assert (await circuit.allow("host", 3)).allowed == 2


async def test_late_failures_do_not_keep_it_open(circuit: Circuit, clock: Turned) -> None:
    """What was under way when it opened ends during the 30 seconds."""
    await fail(circuit, 5)
    clock.turn(20)
    await fail(circuit, 27)
    clock.turn(10)

    assert (await circuit.allow("host", 1)).allowed == 1


async def test_the_snapshot_shows_what_is_not_healthy(circuit: Circuit, clock: Turned) -> None:
    """Sorted by key; a circuit without failures is not worth a line."""
    await circuit.record("b", failures=5)
    clock.turn(30)
    await circuit.record("a", failures=5)
    await circuit.record("c", failures=1)
    await circuit.record("d", successes=1)

    assert await circuit.snapshot() == [
        CircuitStatus(key="a", state="open", failures=5),
        CircuitStatus(key="b", state="half_open", failures=5),
        CircuitStatus(key="c", state="closed", failures=1),
    ]


async def test_what_redis_holds_expires_by_itself(link: RedisLink) -> None:
    """Nobody has to clean up after tenants that left."""
    await RedisLimiter(link).take(PRICES, 1)
    await RedisLimiter(link).learn(UNKNOWN, Lesson(block=seconds(30)))
    await RedisLimiter(link).learn(Bucket(key="acme/refused"), refused())
    await RedisCircuit(link).record("host", failures=1)

    names = await link.redis.keys("*")
    assert len(names) == 4
    assert all([await link.redis.ttl(name) > 0 for name in names])


async def test_a_dead_redis_stops_nobody(own_valkey: Valkey) -> None:
    """Each process goes on by itself and says so once; when Redis is back, it counts for all again."""
    now = Turned()
    link = RedisLink(RedisLink.to(own_valkey.url).redis, clock=now)
    limiter, circuit = RedisLimiter(link), RedisCircuit(link)
    await limiter.take(PRICES, 4)
    own_valkey.kill()

    with capture_logs() as logs:
        assert (await limiter.take(PRICES, 99)).granted == 10
        assert (await limiter.take(PRICES, 99)).granted == 0
        now.turn(RESPITE)
        await limiter.give_back(PRICES, 1)
        await limiter.learn(UNKNOWN, Lesson(block=seconds(30)))
        assert (await circuit.record("host", failures=5)).state == "open"
        assert (await circuit.allow("host", 1)).allowed == 0
        assert [status.key for status in await circuit.snapshot()] == ["host"]
        own_valkey.start()
        now.turn(RESPITE)
        assert (await circuit.allow("host", 1)).state == "closed"
        await limiter.learn(UNKNOWN, Lesson(block=seconds(30)))

    elsewhere = RedisLink.to(own_valkey.url)
    assert (await RedisLimiter(elsewhere).take(UNKNOWN, 1)).granted == 0
    await elsewhere.close()
    await link.close()
    assert [entry["event"] for entry in logs] == ["policies_without_redis", "policies_with_redis_again"]


async def test_a_redis_that_hangs_is_waited_for_once(own_valkey: Valkey) -> None:
    """Not by every call: they go on without it for a while."""
    link = RedisLink.to(own_valkey.url)
    limiter = RedisLimiter(link)
    await limiter.take(PRICES, 1)
    assert own_valkey._process
    own_valkey._process.send_signal(signal.SIGSTOP)

    begin = time.monotonic()
    for _ in range(5):
        assert (await limiter.take(PRICES, 1)).granted == 1
    elapsed = time.monotonic() - begin

    own_valkey._process.send_signal(signal.SIGCONT)
    await link.close()
    assert PATIENCE <= elapsed < 2 * PATIENCE


async def test_a_flushed_redis_is_a_fresh_start(own_valkey: Valkey) -> None:
    """The scripts are sent again, the buckets are full."""
    link = RedisLink.to(own_valkey.url)
    limiter = RedisLimiter(link)
    await limiter.take(PRICES, 10)
    own_valkey.flush()
    await link.redis.script_flush()

    with capture_logs() as logs:
        assert (await limiter.take(PRICES, 99)).granted == 10

    await link.close()
    assert logs == []


async def test_a_redis_that_restarted_is_not_taken_for_dead(own_valkey: Valkey) -> None:
    """Pooled connections are cut off; the next call makes a new one."""
    link = RedisLink.to(own_valkey.url)
    limiter = RedisLimiter(link)
    await limiter.take(PRICES, 1)
    own_valkey.stop()
    own_valkey.start()

    with capture_logs() as logs:
        await limiter.take(PRICES, 1)

    await link.close()
    assert logs == []


class Agreement(RuleBasedStateMachine):
    """Whatever is asked of them in whatever order, memory and Redis answer the same."""

    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self.clock = Turned()
        self.runner = asyncio.Runner()
        # What is compared are the two, not how long this machine's disk makes one of them wait.
        self.link = RedisLink.to(self.redis_url, patience=60)
        self.limiters = (MemoryLimiter(self.clock), RedisLimiter(self.link, clock=self.clock))
        self.circuits = (MemoryCircuit(self.clock), RedisCircuit(self.link, clock=self.clock))
        self.bucket = PRICES

    def teardown(self) -> None:
        self.runner.run(self.link.close())
        self.runner.close()

    def agree(self, name: str, ports: tuple[Any, Any], *args: Any, **named: Any) -> Any:
        memory, redis = [self.runner.run(getattr(port, name)(*args, **named)) for port in ports]
        assert memory == redis
        return memory

    @initialize(rate=st.none() | st.floats(0.01, 1000), burst=st.integers(1, 50))
    def make(self, rate: float | None, burst: int) -> None:
        self.bucket = Bucket(key=uuid.uuid4().hex, rate=rate, burst=burst)

    @rule(wait=st.floats(0, 60))
    def turn(self, wait: float) -> None:
        self.clock.turn(wait)

    @rule(wanted=st.integers(1, 100))
    def take(self, wanted: int) -> None:
        grant = self.agree("take", self.limiters, self.bucket, wanted)
        assert 0 <= grant.granted <= wanted
        assert (grant.granted < wanted) == (grant.wait > timedelta(0))

    @rule(unused=st.integers(1, 100))
    def give_back(self, unused: int) -> None:
        for limiter in self.limiters:
            self.runner.run(limiter.give_back(self.bucket, unused))

    @rule(
        block=st.none() | st.timedeltas(seconds(0.001), seconds(60)),
        remaining=st.none() | st.integers(0, 20),
        reset=st.timedeltas(seconds(0.001), seconds(60)),
    )
    def learn(self, block: timedelta | None, remaining: int | None, reset: timedelta) -> None:
        lesson = Lesson(block=block, remaining=remaining, reset=reset if remaining is not None else None)
        self.teach(lesson)

    @rule(
        block=st.timedeltas(seconds(0.25), seconds(5)),
        refusal=st.builds(
            Refusal, took=st.floats(0, 1), admitted=st.integers(0, 1000), seconds=st.floats(0, 1)
        ),
    )
    def refuse(self, block: timedelta, refusal: Refusal) -> None:
        self.teach(Lesson(block=block, refusal=refusal))

    def teach(self, lesson: Lesson) -> None:
        for limiter in self.limiters:
            self.runner.run(limiter.learn(self.bucket, lesson))

    @rule(wanted=st.integers(1, 5))
    def allow(self, wanted: int) -> None:
        permit = self.agree("allow", self.circuits, self.bucket.key, wanted)
        assert permit.allowed <= {"closed": wanted, "open": 0, "half_open": 3}[permit.state]

    @rule(successes=st.integers(0, 3), failures=st.integers(0, 6), unused=st.integers(0, 2))
    def record(self, successes: int, failures: int, unused: int) -> None:
        ends = {"successes": successes, "failures": failures, "unused": unused}
        self.agree("record", self.circuits, self.bucket.key, **ends)

    @invariant()
    def they_show_the_same_circuit(self) -> None:
        statuses = [self.runner.run(circuit.snapshot()) for circuit in self.circuits]
        memory, redis = [[one for one in found if one.key == self.bucket.key] for found in statuses]
        assert memory == redis


@pytest.fixture
def _machine_redis(redis_url: str) -> Iterator[None]:
    Agreement.redis_url = redis_url
    yield
    del Agreement.redis_url


@pytest.mark.usefixtures("_machine_redis")
class TestAgreement(Agreement.TestCase):  # type: ignore[name-defined,misc]
    """Hypothesis drives it."""

    settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
