"""A limit that nobody told is learned from refusals, in memory and in Redis alike."""

from __future__ import annotations

import pytest

from hub.connector import Bucket
from hub.policy.lessons import Lesson, Refusal
from hub.policy.limiter import Limiter, MemoryLimiter
from hub.policy.redis_limiter import RedisLimiter
from hub.policy.redis_link import RedisLink
from tests.integration.policy.turned import PRICES, UNKNOWN, Turned, refused, seconds


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


@pytest.mark.parametrize(
    ("first", "tick"),
    (
        (Refusal(admitted=3, seconds=0.1), 0.01),
        (Refusal(admitted=500, seconds=0.1), 0.05),
        (Refusal(admitted=500, seconds=2.0, last=140, last_seconds=0.1), 0.05),
    ),
)
async def test_memory_and_redis_know_the_same_curve(
    clock: Turned, link: RedisLink, first: Refusal, tick: float
) -> None:
    """From a guess, that rises ever faster, to a measure, beyond, and to the next one, of what was sent since."""
    limiters = (MemoryLimiter(clock), RedisLimiter(link, clock=clock))

    async def rates(span: float) -> list[float]:
        end, found = clock.now + span, list[float]()
        while clock.now < end:
            memory, redis = [await limiter.take(UNKNOWN, 10**6) for limiter in limiters]
            assert memory.rate == pytest.approx(redis.rate)
            for limiter in limiters:
                await limiter.give_back(UNKNOWN, memory.granted // 10)
            found.append(memory.rate)
            clock.turn(tick)
        return found

    async def refuse(refusal: Refusal) -> None:
        for limiter in limiters:
            await limiter.learn(UNKNOWN, Lesson(block=seconds(1), refusal=refusal))
        clock.turn(1)

    await refuse(first)
    guessed = await rates(4)
    await refuse(Refusal(took=0.1))
    measured = await rates(4)
    await refuse(Refusal(took=0.1))
    await rates(1)

    assert guessed[-1] - guessed[-2] > guessed[1] - guessed[0] > 0
    assert measured[0] < guessed[-1]


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


async def taken_in(limiter: Limiter, clock: Turned, bucket: Bucket, span: float) -> int:
    """Tokens that are granted in so many seconds to somebody who always wants some."""
    end, granted = clock.now + span, 0
    while clock.now < end:
        grant = await limiter.take(bucket, 10)
        granted += grant.granted
        clock.turn(max(grant.wait.total_seconds(), 0.001))
    return granted


async def test_a_refusal_that_is_forgotten_teaches_nothing(limiter: Limiter) -> None:
    """Somebody tells what he was admitted before it, and nobody knows of it any more."""
    await limiter.learn(UNKNOWN, Lesson(refusal=Refusal(took=0.3, admitted=70, seconds=0.1)))

    assert (await limiter.take(UNKNOWN, 1000)).unlimited


async def test_a_clock_that_steps_back_takes_no_tokens_away(limiter: Limiter, clock: Turned) -> None:
    """Over the end of what was told to remain: nothing is granted then, and not less."""
    await limiter.learn(PRICES, Lesson(remaining=5, reset=seconds(1)))
    clock.turn(1.001)
    await limiter.take(PRICES, 20)
    clock.turn(-0.005)

    assert (await limiter.take(PRICES, 1)).granted == 0
