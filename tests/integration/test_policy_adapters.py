"""Limiter and circuit keep their word, in memory and in Redis alike, also when Redis goes away."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
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


class Turned:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        """Later."""
        self.now += seconds


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    link = RedisLink.to(redis_url)
    yield link
    await link.close()


@pytest.fixture(params=("memory", "redis"))
def limiter(request: pytest.FixtureRequest, clock: Turned, link: RedisLink) -> Limiter:
    return MemoryLimiter(clock) if request.param == "memory" else RedisLimiter(link, clock=clock)


@pytest.fixture(params=("memory", "redis"))
def circuit(request: pytest.FixtureRequest, clock: Turned, link: RedisLink) -> Circuit:
    return MemoryCircuit(clock) if request.param == "memory" else RedisCircuit(link, clock=clock)


PRICES = Bucket(key="acme/prices", rate=4.0, burst=10)
UNKNOWN = Bucket(key="acme/unknown")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


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


def refused(admitted: int = 0, within: float = 0.0) -> Lesson:
    """An answer of 429 that asks for a second."""
    return Lesson(block=seconds(1), refusal=Refusal(admitted=admitted, seconds=within))


async def taken_in(limiter: Limiter, clock: Turned, bucket: Bucket, span: float) -> int:
    """Tokens that are granted in so many seconds to somebody who always wants some."""
    end, granted = clock.now + span, 0
    while clock.now < end:
        grant = await limiter.take(bucket, 10)
        granted += grant.granted
        clock.turn(max(grant.wait.total_seconds(), 0.001))
    return granted


async def test_a_refusal_teaches_a_rate(limiter: Limiter, clock: Turned) -> None:
    """That the fleet keeps to from the end of the block on; at first it is a guess, that rises."""
    await limiter.take(UNKNOWN, 100)
    await limiter.learn(UNKNOWN, refused(admitted=140, within=0.1))
    blocked = await limiter.take(UNKNOWN, 10)
    clock.turn(1)
    first, second = [await taken_in(limiter, clock, UNKNOWN, 0.5) for _ in range(2)]

    assert (blocked.granted, blocked.wait, blocked.rate) == (0, seconds(1), pytest.approx(311, abs=1))
    assert 0.5 * 311 <= first <= 0.75 * 311
    assert first < second


async def test_processes_that_are_refused_together_teach_together(limiter: Limiter, clock: Turned) -> None:
    """Each says what it was admitted; what was under way besides says nothing more."""
    for _ in range(2):
        await limiter.learn(UNKNOWN, refused(admitted=70, within=0.1))
    for _ in range(20):
        await limiter.learn(UNKNOWN, refused())

    assert (await limiter.take(UNKNOWN, 10)).rate == pytest.approx(311, abs=1)


async def test_the_next_refusal_measures(limiter: Limiter, clock: Turned) -> None:
    """Four hundred a second and a hundred saved up; nearly that is sent then, for long."""
    await limiter.learn(UNKNOWN, refused(admitted=140, within=0.1))
    clock.turn(1)
    saved = 100.0
    while saved > 0:
        before, taken = clock.now, await taken_in(limiter, clock, UNKNOWN, 0.02)
        saved = min(100.0, saved + 400 * (clock.now - before)) - taken
    await limiter.learn(UNKNOWN, refused())
    clock.turn(1)
    await taken_in(limiter, clock, UNKNOWN, 1)

    assert 0.9 * 400 <= await taken_in(limiter, clock, UNKNOWN, 5) / 5 <= 400


async def test_a_late_refusal_of_what_was_sent_before_teaches_nothing(
    limiter: Limiter, clock: Turned
) -> None:
    """It prolongs the block, and what was sent before the end of that is the same one again."""
    await limiter.learn(UNKNOWN, refused(admitted=140, within=0.1))
    for _ in range(2):
        clock.turn(1.1)
        await limiter.learn(UNKNOWN, Lesson(block=seconds(1), refusal=Refusal(took=0.2)))
    clock.turn(1)

    assert (await limiter.take(UNKNOWN, 1)).rate == pytest.approx(311, rel=0.1)


@pytest.mark.parametrize(("admitted", "tick"), ((3, 0.01), (500, 0.05)))
async def test_memory_and_redis_know_the_same_curve(
    clock: Turned, link: RedisLink, admitted: int, tick: float
) -> None:
    """From a guess, that rises ever faster, to a measure, and beyond."""
    limiters = (MemoryLimiter(clock), RedisLimiter(link, clock=clock))

    async def rates(span: float) -> list[float]:
        end, found = clock.now + span, list[float]()
        while clock.now < end:
            memory, redis = [await limiter.take(UNKNOWN, 10**6) for limiter in limiters]
            assert memory.rate == pytest.approx(redis.rate)
            found.append(memory.rate)
            clock.turn(tick)
        return found

    async def refuse() -> None:
        for limiter in limiters:
            await limiter.learn(UNKNOWN, refused(admitted=admitted, within=0.1))
        clock.turn(1)

    await refuse()
    guessed = await rates(4)
    await refuse()
    measured = await rates(4)

    assert guessed[-1] > 10 * guessed[0]
    assert guessed[0] < measured[0] < guessed[-1]


async def test_a_told_rate_is_never_exceeded(limiter: Limiter, clock: Turned) -> None:
    """What is learned lowers it for a while, and no more."""
    await limiter.learn(PRICES, refused())
    clock.turn(1)
    soon, later = [await taken_in(limiter, clock, PRICES, 20) for _ in range(2)]

    assert soon <= later <= 20 * 4 + 10


async def test_what_was_learned_is_forgotten(limiter: Limiter, clock: Turned) -> None:
    """After minutes without a refusal nothing limits the bucket any more."""
    await limiter.learn(UNKNOWN, refused(admitted=10, within=0.1))
    clock.turn(299)
    still = await limiter.take(UNKNOWN, 1)
    clock.turn(2)

    assert not still.unlimited
    assert (await limiter.take(UNKNOWN, 1000)).unlimited


async def test_refusals_at_any_rate_end_the_learning(limiter: Limiter, clock: Turned) -> None:
    """They have nothing to do with it: blocks are kept to, and between them everyone may go."""
    for _ in range(10):
        await limiter.learn(UNKNOWN, refused(admitted=3, within=0.01))
        clock.turn(1)
        await limiter.take(UNKNOWN, 1)

    assert (await limiter.take(UNKNOWN, 1000)).unlimited
    await limiter.learn(UNKNOWN, refused())
    assert (await limiter.take(UNKNOWN, 1000)).granted == 0


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
