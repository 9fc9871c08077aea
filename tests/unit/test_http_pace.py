"""When a request may go, and what of it the fleet is asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from hub.connector import Bucket
from hub.errors import CircuitOpenError, NotNowError, ThrottledError
from hub.http.circuit_view import BELIEF
from hub.http.lot import LOT_LIFE, TELL_EVERY
from hub.http.pace import Pace
from hub.policy.circuit import Circuit, MemoryCircuit, Permit
from hub.policy.lessons import Lesson, Refusal
from hub.policy.limiter import Grant, Limiter, MemoryLimiter

FREE = Bucket(key="free")
PRICES = Bucket(key="prices", rate=40.0, burst=100)
SLOW = Bucket(key="slow", rate=0.1, burst=1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class Fleet(Limiter, Circuit):
    """Limiter and circuit in memory, by a clock that the test turns, counting what they are asked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: Counter[str] = Counter()
        self.limiter = MemoryLimiter(self.clock)
        self.circuit = MemoryCircuit(self.clock)

    def clock(self) -> float:
        return self.now

    def pace(self, tenant: str = "acme", circuit_key: str = "host") -> Pace:
        """As one connection has it."""
        return Pace(tenant=tenant, circuit_key=circuit_key, limiter=self, circuit=self, clock=self.clock)

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        self.asked["take"] += 1
        return await self.limiter.take(bucket, wanted)

    async def give_back(self, bucket: Bucket, unused: int) -> None:
        self.asked["give_back"] += 1
        await self.limiter.give_back(bucket, unused)

    async def learn(self, bucket: Bucket, lesson: Lesson) -> None:
        self.asked["learn"] += 1
        await self.limiter.learn(bucket, lesson)

    async def allow(self, key: str, wanted: int) -> Permit:
        self.asked["allow"] += 1
        return await self.circuit.allow(key, wanted)

    async def record(self, key: str, **ends: int) -> Permit:
        self.asked["record"] += 1
        return await self.circuit.record(key, **ends)

    async def snapshot(self) -> Any:
        return await self.circuit.snapshot()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


async def run(pace: Pace, bucket: Bucket, *, worked: bool = True) -> None:
    """One request from its beginning to its end."""
    pace.enter()
    try:
        await pace.admit(bucket)
        await asyncio.sleep(0)  # on the wire
        pace.returned(bucket)
        await pace.answered(worked=worked)
    finally:
        await pace.leave()


@pytest.mark.parametrize("bucket", (FREE, PRICES))
async def test_a_healthy_slice_asks_the_fleet_a_few_times_in_all(fleet: Fleet, bucket: Bucket) -> None:
    """Not once a request: the circuit once, the bucket once a lot, and the successes once."""
    pace = fleet.pace()
    pace.enter(100)
    await asyncio.gather(*(run(pace, bucket) for _ in range(100)))
    await pace.leave(100)

    lots = 1 if bucket is FREE else 5
    assert fleet.asked == Counter(take=lots, allow=1, record=1)


async def test_requests_under_way_together_need_no_slice(fleet: Fleet) -> None:
    """They are one busy time all the same."""
    pace = fleet.pace()
    await asyncio.gather(*(run(pace, FREE) for _ in range(100)))

    assert sum(fleet.asked.values()) <= 4


async def test_a_closed_circuit_is_believed_for_a_moment_only(fleet: Fleet) -> None:
    """Then the rest of the fleet may have seen it fail."""
    pace = fleet.pace()
    await run(pace, FREE)
    await fleet.circuit.record("acme:host", failures=5)
    await run(pace, FREE)
    fleet.now += BELIEF

    with pytest.raises(CircuitOpenError, match="the circuit of host is open"):
        await run(pace, FREE)


async def test_failures_count_at_once_and_stop_the_rest_of_a_slice(fleet: Fleet) -> None:
    """The fifth opens the circuit; no further request is let through."""
    pace = fleet.pace()
    pace.enter(100)
    for _ in range(5):
        await run(pace, FREE, worked=False)
    with pytest.raises(CircuitOpenError) as raised:
        await run(pace, FREE)
    await pace.leave(100)

    assert raised.value.wait == seconds(30)
    with pytest.raises(CircuitOpenError):
        await run(fleet.pace(), FREE)


async def test_an_older_answer_does_not_close_what_is_open(fleet: Fleet) -> None:
    """Two failures are counted at once, and the answer to the first comes last."""
    overtaken = asyncio.Event()
    record = fleet.circuit.record

    async def late(key: str, **ends: int) -> Permit:
        permit = await record(key, **ends)
        if permit.state == "closed":
            await overtaken.wait()
        else:
            overtaken.set()
        return permit

    await record("acme:host", failures=3)
    fleet.circuit.record = late  # type: ignore[method-assign,assignment]
    pace = fleet.pace()
    pace.enter(10)
    await asyncio.gather(run(pace, FREE, worked=False), run(pace, FREE, worked=False))

    with pytest.raises(CircuitOpenError):
        await run(pace, FREE)


async def test_successes_between_failures_keep_it_closed(fleet: Fleet) -> None:
    """Although they are counted later: a failure brings along those before it."""
    pace = fleet.pace()
    pace.enter(100)
    for number in range(100):
        await run(pace, FREE, worked=number % 2 == 0)
    await pace.leave(100)

    assert fleet.asked["record"] == 50
    assert (await fleet.circuit.allow("acme:host", 1)).state == "closed"


async def test_a_slice_of_successes_ends_a_row_of_failures(fleet: Fleet) -> None:
    """Those that others counted."""
    await fleet.circuit.record("acme:host", failures=4)
    await run(fleet.pace(), FREE)

    assert await fleet.snapshot() == []


async def test_a_tenants_circuit_and_bucket_are_its_own(fleet: Fleet) -> None:
    """A tenant that points a connection at a hostile server harms itself alone."""
    await fleet.pace("evil").learn(PRICES, Lesson(block=seconds(86400)))
    for _ in range(5):
        await run(fleet.pace("evil"), FREE, worked=False)

    await run(fleet.pace("acme"), PRICES)
    with pytest.raises(NotNowError):
        await run(fleet.pace("evil"), PRICES)


async def test_only_probes_pass_a_half_open_circuit(fleet: Fleet) -> None:
    """Three of a slice; when they have worked, everyone may go again."""
    await fleet.circuit.record("acme:host", failures=5)
    fleet.now += 30
    pace = fleet.pace()
    pace.enter(10)
    for _ in range(3):
        await pace.admit(FREE)
    with pytest.raises(CircuitOpenError) as raised:
        await pace.admit(FREE)
    assert raised.value.wait == seconds(1)
    for _ in range(3):
        await pace.answered(worked=True)

    await run(pace, FREE)
    await pace.leave(10)
    assert (await fleet.circuit.allow("acme:host", 7)).allowed == 7


async def test_a_probe_that_was_not_made_is_another_ones(fleet: Fleet) -> None:
    """Cancelled, throttled, or not needed: it goes back."""
    await fleet.circuit.record("acme:host", failures=5)
    fleet.now += 30
    await fleet.limiter.learn(Bucket(key="acme:slow"), Lesson(block=seconds(60)))
    pace = fleet.pace()
    pace.enter(10)
    with pytest.raises(ThrottledError):
        await pace.admit(SLOW)
    await pace.admit(FREE)
    pace.not_made()
    await pace.leave(10)

    assert (await fleet.circuit.allow("acme:host", 7)).allowed == 3


async def test_unused_tokens_go_back_at_the_end(fleet: Fleet) -> None:
    """A bulk call needs one token, whatever the slice announced."""
    pace = fleet.pace()
    pace.enter(20)
    await run(pace, PRICES)
    assert (await fleet.limiter.take(Bucket(key="acme:prices", rate=40.0, burst=100), 100)).granted == 80
    await pace.leave(20)

    assert (await fleet.limiter.take(Bucket(key="acme:prices", rate=40.0, burst=100), 100)).granted == 19


async def test_tokens_are_not_kept_for_later(fleet: Fleet) -> None:
    """A token is spent about when it was taken, or the rate of a later moment would be exceeded."""
    pace = fleet.pace()
    pace.enter(20)
    await run(pace, PRICES)
    fleet.now += LOT_LIFE
    await run(pace, PRICES)

    assert fleet.asked["give_back"] == 1
    assert fleet.asked["take"] == 2


async def test_a_long_wait_is_handed_back(fleet: Fleet) -> None:
    """With the time at which it is worth another try, one after the other."""
    pace = fleet.pace()
    await run(pace, SLOW)
    waits = []
    for _ in range(3):
        with pytest.raises(ThrottledError, match="the rate limit slow has nothing") as raised:
            await run(pace, SLOW)
        waits.append(raised.value.wait.total_seconds())

    assert waits == pytest.approx([10, 20, 30])
    assert fleet.asked["take"] == 2


async def test_a_short_wait_is_slept() -> None:
    """By the real clock: two tokens at twenty a second take a tenth of one."""
    limiter, circuit = MemoryLimiter(), MemoryCircuit()
    pace = Pace(tenant="acme", circuit_key="host", limiter=limiter, circuit=circuit)
    bucket = Bucket(key="b", rate=20.0, burst=1)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    waited = [await pace.admit(bucket) for _ in range(3)]

    assert loop.time() - begin >= 0.099
    assert waited[0] < 0.04 < waited[1] + waited[2]


async def test_many_requests_share_a_slow_bucket_in_turn() -> None:
    """As many pass within two seconds as the rate allows; the others are handed back, none of them is lost."""
    limiter, circuit = MemoryLimiter(), MemoryCircuit()
    pace = Pace(tenant="acme", circuit_key="host", limiter=limiter, circuit=circuit)
    bucket = Bucket(key="b", rate=10.0, burst=1)
    ends = await asyncio.gather(*(run(pace, bucket) for _ in range(100)), return_exceptions=True)

    passed = sum(end is None for end in ends)
    assert 10 <= passed <= 24
    assert sum(isinstance(end, ThrottledError) for end in ends) == 100 - passed


async def test_who_got_a_part_asks_again_when_there_is_more() -> None:
    """About once for each token of a slow bucket, and not once more to hear that there is none."""
    asked, circuit = _Asked(), MemoryCircuit()
    pace = Pace(tenant="acme", circuit_key="host", limiter=asked, circuit=circuit)
    bucket = Bucket(key="b", rate=100.0, burst=1)
    await asyncio.gather(*(run(pace, bucket) for _ in range(20)))

    assert asked.times <= 24


class _Asked(MemoryLimiter):
    times = 0

    async def take(self, bucket: Bucket, wanted: int) -> Grant:
        self.times += 1
        return await super().take(bucket, wanted)


async def test_a_learned_block_stops_the_rest_at_once(fleet: Fleet) -> None:
    """Here without asking anyone, and elsewhere with the next token."""
    pace = fleet.pace()
    pace.enter(100)
    await run(pace, PRICES)
    await pace.learn(PRICES, Lesson(block=seconds(30)))
    with pytest.raises(ThrottledError) as raised:
        await run(pace, PRICES)

    assert raised.value.wait == seconds(30)
    assert fleet.asked["take"] == 1
    with pytest.raises(ThrottledError):
        await run(fleet.pace(), PRICES)


@pytest.mark.parametrize("bucket", (FREE, PRICES))
async def test_no_more_go_than_remain(fleet: Fleet, bucket: Bucket) -> None:
    """Whether the bucket had a limit before or not, and whatever is in hand; in other processes neither."""
    pace = fleet.pace()
    pace.enter(100)
    await run(pace, bucket)
    await pace.learn(bucket, Lesson(remaining=2, reset=seconds(60)))
    await run(pace, bucket)
    await run(pace, bucket)
    with pytest.raises(ThrottledError):
        await run(pace, bucket)


@pytest.mark.parametrize("bucket", (FREE, PRICES))
async def test_what_is_under_way_may_have_to_be_paid_of_what_remains(fleet: Fleet, bucket: Bucket) -> None:
    """Whoever counted for an answer had not seen the requests that came behind it; no process sends as if there were none."""
    pace = fleet.pace()
    pace.enter(100)
    for _ in range(4):
        await pace.admit(bucket)
    pace.returned(bucket)
    await pace.learn(bucket, Lesson(remaining=5, reset=seconds(60)))
    for _ in range(2):
        await run(pace, bucket)
    with pytest.raises(ThrottledError):
        await run(pace, bucket)
    with pytest.raises(ThrottledError):
        await run(fleet.pace(), bucket)


async def test_a_count_ends_the_belief_that_nothing_limits_a_bucket(fleet: Fleet) -> None:
    """Also shortly after another one was told."""
    pace = fleet.pace()
    pace.enter(100)
    await run(pace, FREE)
    await pace.learn(FREE, Lesson(remaining=50, reset=seconds(0.01)))
    fleet.now += 0.02
    await run(pace, FREE)
    await pace.learn(FREE, Lesson(remaining=1, reset=seconds(60)))
    await run(pace, FREE)
    with pytest.raises(ThrottledError):
        await run(pace, FREE)


async def test_a_slice_that_needed_less_leaves_what_remains(fleet: Fleet) -> None:
    """One bulk call of a slice of a hundred: the others of a window are there for the next slice."""
    await fleet.pace().learn(FREE, Lesson(remaining=60, reset=seconds(60)))
    pace = fleet.pace()
    pace.enter(100)
    await run(pace, FREE)
    await pace.learn(FREE, Lesson(remaining=59, reset=seconds(60)))
    await pace.leave(100)

    assert (await fleet.limiter.take(Bucket(key="acme:free"), 1000)).granted == 59


async def test_the_rest_of_the_fleet_is_held_to_what_remains(fleet: Fleet) -> None:
    """Two here are all that there are."""
    await fleet.pace().learn(FREE, Lesson(remaining=2, reset=seconds(60)))
    await run(fleet.pace(), FREE)
    await run(fleet.pace(), FREE)
    with pytest.raises(ThrottledError):
        await run(fleet.pace(), FREE)


async def test_the_fleet_hears_of_a_count_now_and_then(fleet: Fleet) -> None:
    """Every answer may carry one; the latest is told when the slice ends."""
    pace = fleet.pace()
    pace.enter(100)
    for number in range(50):
        await run(pace, FREE)
        await pace.learn(FREE, Lesson(remaining=1000 - number, reset=seconds(60)))
    assert fleet.asked["learn"] == 1
    fleet.now += TELL_EVERY
    await pace.learn(FREE, Lesson(remaining=900, reset=seconds(60)))
    await pace.learn(FREE, Lesson(remaining=899, reset=seconds(60)))
    await pace.leave(100)

    assert fleet.asked["learn"] == 3
    assert (await fleet.limiter.take(Bucket(key="acme:free"), 1000)).granted == 899


async def test_requests_begin_few_at_a_time(fleet: Fleet) -> None:
    """The first refusal comes with all that is under way; each answer lets more go."""
    pace = fleet.pace()
    pace.enter(100)
    admitted = [asyncio.ensure_future(pace.admit(FREE)) for _ in range(100)]
    await asyncio.sleep(0.01)
    at_first = sum(one.done() for one in admitted)
    for _ in range(at_first):
        pace.returned(FREE)
        await asyncio.sleep(0.001)
    then = sum(one.done() for one in admitted)
    for one in admitted:
        one.cancel()

    assert (at_first, then) == (8, 8 + 8 + 1)


async def test_a_refusal_tells_the_fleet_what_was_admitted_before(fleet: Fleet) -> None:
    """Once for all that are refused together, and others are held to it."""
    pace = fleet.pace()
    pace.enter(100)
    for _ in range(70):
        await run(pace, FREE)
    fleet.now += 0.35
    await run(pace, FREE)
    for _ in range(3):
        await pace.learn(FREE, Lesson(block=seconds(1), refusal=Refusal()), took=0.01)

    grant = await fleet.limiter.take(Bucket(key="acme:free"), 1)
    assert grant.wait == seconds(1)
    assert grant.rate == pytest.approx(70 / 0.69)


@pytest.mark.parametrize("order", ((0, 1), (1, 0)))
async def test_a_bucket_that_is_refused_beside_a_busier_one_learns_no_rate(
    fleet: Fleet, order: tuple[int, int]
) -> None:
    """The limit may be that of both, and then it was the busier one that met it."""
    pace, buckets = fleet.pace(), (Bucket(key="busy"), Bucket(key="quiet"))
    pace.enter(100)
    await requests(pace, busy=70, quiet=1)
    for place in order:
        await refused(pace, buckets[place])
    blocked = [await fleet.limiter.take(Bucket(key=f"acme:{name}"), 1) for name in ("busy", "quiet")]
    fleet.now += 1

    assert [grant.wait for grant in blocked] == [seconds(1)] * 2
    assert blocked[0].rate == pytest.approx(69 / 0.35)
    assert (await fleet.limiter.take(Bucket(key="acme:quiet"), 1)).unlimited


async def test_a_bucket_that_is_refused_alone_learns_its_rate_the_second_time(fleet: Fleet) -> None:
    """Busier ones are not refused: the limit is its own."""
    pace, quiet = fleet.pace(), Bucket(key="quiet")
    pace.enter(100)
    rates = []
    for _ in range(2):
        await requests(pace, busy=70, quiet=10)
        await refused(pace, quiet)
        fleet.now += 1
        rates.append((await fleet.limiter.take(Bucket(key="acme:quiet"), 1)).rate)

    assert rates == [0, pytest.approx(9 / 0.35)]


async def requests(pace: Pace, **numbers: int) -> None:
    """So many of each bucket."""
    for key, number in numbers.items():
        for _ in range(number):
            await run(pace, Bucket(key=key))


async def refused(pace: Pace, bucket: Bucket) -> None:
    """By a 429 that asks for a second."""
    await pace.learn(bucket, Lesson(block=seconds(1), refusal=Refusal()), took=0.0)


@pytest.mark.parametrize(("idle", "saved"), ((0.4, 90), (10.0, 20)))
async def test_who_hears_of_a_refusal_tells_what_was_admitted_to_it(
    fleet: Fleet, idle: float, saved: float
) -> None:
    """Just before, and not what was long ago."""
    pace = fleet.pace()
    pace.enter(100)
    await requests(pace, free=70)
    fleet.now += idle
    refusal = Refusal(admitted=20, seconds=0.0)
    await fleet.limiter.learn(Bucket(key="acme:free"), Lesson(block=seconds(1), refusal=refusal))
    fleet.now += 0.2
    waits = asyncio.ensure_future(pace.admit(FREE))
    await asyncio.sleep(0.01)
    waits.cancel()

    assert (await fleet.limiter.take(Bucket(key="acme:free"), 1)).rate == pytest.approx(saved / 0.35)


@pytest.mark.parametrize("others", (0, 70))
async def test_what_is_in_hand_at_a_refusal_goes_back(fleet: Fleet, others: int) -> None:
    """It was not sent, and does not count for the rate; also beside a busier bucket that met the limit."""
    pace = fleet.pace()
    pace.enter(40)
    await requests(pace, busy=others)
    await run(pace, PRICES)
    await refused(pace, PRICES)

    assert fleet.asked["give_back"] == 1
