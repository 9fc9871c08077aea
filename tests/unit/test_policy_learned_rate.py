"""A rate is found from two refusals, and held to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http.slow_start import SlowStart
from hub.policy.learned_rate import IN_VAIN, KEPT, LearnedRate
from hub.policy.lessons import Refusal
from hub.policy.trail import UNTRODDEN, Trail

#: Seconds of use between two looks at the model.
TICK = 0.002

grants = st.tuples(st.floats(0, 10), st.integers(-5, 500))
trails = st.lists(grants).map(lambda rows: trodden(sorted(rows)))


def trodden(rows: list[tuple[float, int]]) -> Trail:
    """By so many requests at each moment."""
    trail = UNTRODDEN
    for at, number in rows:
        trail = trail.more(number, at)
    return trail


def risen(learned: LearnedRate, rate: float, saved: float) -> tuple[LearnedRate, float]:
    """At the moment at which a bucket that was full is used up, and that moment."""
    tokens, now, learned = saved, learned.until, learned.sent(learned.burst, learned.until)
    tokens -= learned.burst
    while tokens > 0:
        now += TICK
        tokens = min(saved, tokens + (rate - learned.pace) * TICK)
        learned = learned.sent(learned.pace * TICK, now).used(TICK)
    return learned, now


def guess(rate: float, saved: float, sent: float) -> LearnedRate:
    """After the first refusal, when so many times the rate was sent from a full bucket."""
    seconds = saved / (rate * (sent - 1))
    refusal = Refusal(admitted=round(saved + rate * seconds), seconds=seconds)
    return LearnedRate.guess(refusal, 0.0, 100.0, 101.0)


@given(st.floats(20, 2000), st.floats(0.05, 0.6), st.floats(1.5, 20))
def test_two_refusals_measure_a_rate(rate: float, saved: float, sent: float) -> None:
    """And what is saved up, whatever they are."""
    burst = max(5.0, rate * saved)
    rising, now = risen(guess(rate, burst, sent), rate, burst)
    learned = rising.refused(0.0, now, now + 1)

    assert learned.settled
    assert 0.85 * rate <= learned.wall <= 1.1 * rate
    assert rising.pace <= 2.3 * rate


@given(st.floats(50, 1000), st.floats(0.1, 0.4), st.floats(3, 20), st.floats(0.1, 0.8))
def test_a_slow_beginning_does_not_mislead_the_measure(
    rate: float, saved: float, sent: float, slow: float
) -> None:
    """Nothing of what is saved up is used in those seconds: of all that passed, the quick ones tell."""
    burst = max(20.0, rate * saved)
    start, answers = SlowStart(), 0.0
    seconds = burst / (rate * (sent - 1))
    start.look(0.0)
    for now in (*ticks(0.0, slow, 0.2 * rate), *ticks(slow, slow + seconds, sent * rate)):
        start.answered(now)
        answers = now
    start.answered(answers)
    refusal = start.refused(answers, 0.0)
    rising, now = risen(LearnedRate.guess(refusal, 0.0, 100.0, 101.0), rate, burst)
    learned = rising.refused(0.0, now, now + 1)

    assert learned.settled
    assert 0.8 * rate <= learned.wall <= 1.2 * rate
    assert learned.saved >= burst / 2


def ticks(begin: float, end: float, rate: float) -> list[float]:
    """Moments, so many a second."""
    return [begin + number / rate for number in range(round((end - begin) * rate))]


def test_a_measured_rate_is_held_to_for_long_and_then_left() -> None:
    """By the third power of time: flat where it is, and steep at last."""
    learned = LearnedRate(wall=100, saved=25, rest=1.0, until=0.0, settled=True)

    paces = [learned.used(age).pace for age in (0, 5, 10, 15, 20, 40, 60)]
    assert paces == pytest.approx([96, 99.5, 100, 100.5, 104, 208, 600])


def test_the_time_that_an_answer_took_is_taken_off() -> None:
    """It was refused when it got there; what was sent since says nothing."""
    rising, now = risen(guess(400, 100, 3), 400, 100)

    late = rising.used(0.05).sent(30, now + 0.02).refused(0.05, now + 0.05, now + 1)
    assert late.wall == pytest.approx(rising.refused(0.0, now, now + 1).wall, rel=0.02)


def test_a_refusal_of_what_was_sent_before_is_the_same_one() -> None:
    """It holds as long as the longest."""
    learned = LearnedRate(wall=100, saved=25, rest=1.0, until=5.0, settled=True)

    assert learned.refused_as_well(Refusal(admitted=9, seconds=1.0), 7.0) == LearnedRate(
        wall=100, saved=25, rest=1.0, until=7.0, settled=True
    )


def test_a_rate_is_forgotten() -> None:
    """After some minutes, or when far more was not refused."""
    learned = LearnedRate(wall=100, saved=25, rest=1.0, until=5.0, settled=True)

    assert learned.holds(4.0 + KEPT)
    assert not learned.holds(5.0 + KEPT)
    assert learned.used(80).holds(6.0)
    assert not learned.used(90).holds(6.0)


def test_refusals_that_come_too_soon_are_given_up_on() -> None:
    """A row of them; one that comes late begins anew."""
    learned = LearnedRate(wall=100, saved=25, rest=1.0, until=0.0, settled=True)
    for number in range(IN_VAIN):
        assert not learned.given_up
        learned = learned.used(1).refused(0.0, 10.0 + number, 11.0 + number)

    assert learned.given_up
    assert learned.refused(0.0, 30.0, 31.0) == learned


@given(st.floats(0, 1e4), st.booleans(), st.floats(1, 1e5), st.floats(0, 1), st.floats(0, 2), trails)
def test_no_refusal_is_too_strange(
    age: float, settled: bool, saved: float, spent: float, took: float, trail: Trail
) -> None:
    """Some rate is learned from each, not above that which was refused."""
    learned = LearnedRate(
        wall=saved, saved=saved, spent=spent, rest=0.25, until=0.0, settled=settled, age=age, trail=trail
    )

    assert 0 < learned.refused(took, 10.0, 10.25).wall <= learned.pace
