"""A limit that nobody told is found, used and kept to, with few requests that are refused: in a model of the wire."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.connector import Bucket
from tests.unit.pacing_model import BUSY, Fleet, Form, Platform, events

fleets = st.builds(
    Fleet,
    processes=st.integers(1, 3),
    concurrency=st.integers(8, 64),
    latency=st.floats(0.002, 0.1),
    seed=st.integers(0, 99),
)
forms = st.sampled_from(["whole seconds", "exact", "none"])


def used(fleet: Fleet, platform: Platform, requests: int) -> tuple[float, float]:
    """The least time over the time taken, and the part of requests that was refused."""
    rate, burst = platform.rate, platform.burst
    most = fleet.processes * min(1 / BUSY, fleet.concurrency / (fleet.latency + BUSY))
    least = max((requests - burst) / rate, requests / most)
    return least / fleet.send(platform, requests), len(platform.refused) / requests


@given(fleets.filter(lambda fleet: fleet.processes * fleet.concurrency / fleet.latency > 600), forms)
@settings(max_examples=8, derandomize=True, deadline=None)
def test_five_thousand_requests_at_four_hundred_a_second(fleet: Fleet, form: Form) -> None:
    """Whatever the latency, the fleet and the way in which 429 says when to come again."""
    efficiency, refused = used(fleet, Platform(rate=400, burst=100, form=form), 5100)

    assert refused <= 0.0125
    assert efficiency >= (0.83 if fleet.latency <= 0.05 else 0.75)


@pytest.mark.parametrize("processes", (1, 2, 3))
@pytest.mark.parametrize("concurrency", (32, 64))
def test_as_a_marketplace_is_measured(processes: int, concurrency: int) -> None:
    """At the latency of a healthy platform: 429 is at most one in a hundred, and twice it is tried out."""
    platform = Platform(rate=400, burst=100)
    efficiency, refused = used(Fleet(processes=processes, concurrency=concurrency), platform, 5100)

    assert refused <= 0.01
    assert efficiency >= 0.85
    assert len(events(platform.refused)) == 2


@pytest.mark.parametrize("stalls", (0.003, 0.006, 0.01))
@pytest.mark.parametrize("seed", (2, 7))
def test_a_fleet_with_other_things_to_do(stalls: float, seed: int) -> None:
    """It falls behind what it may, and one in fifty requests is of another bucket that has the same limit."""
    platform = Platform(rate=400, burst=100)
    fleet = Fleet(processes=2, latency=0.005, stalls=stalls, beside=0.02, seed=seed)
    efficiency, refused = used(fleet, platform, 5100)

    assert refused <= 0.01
    assert efficiency >= 0.73


@given(fleets, st.integers(5, 500) | st.just(1500), st.floats(0.05, 0.5), forms)
@settings(max_examples=8, derandomize=True, deadline=None)
def test_any_limit_is_found(fleet: Fleet, rate: int, saved: float, form: Form) -> None:
    """From five a second to fifteen hundred, with whatever the platform saves up."""
    platform = Platform(rate=rate, burst=max(2.0, rate * saved), form=form)
    efficiency, refused = used(fleet, platform, max(12 * rate, 400))

    assert refused <= 0.06
    assert efficiency >= 0.6


def test_a_limit_that_is_halved_is_kept_to() -> None:
    """Within a few seconds."""
    platform = Platform(rate=400, burst=100, limits=((10, 200),))
    Fleet(processes=2).send(platform, 9000)

    later = [at for at in platform.passed if 15 < at < 30]
    assert len(later) / 15 >= 0.85 * 200
    assert len(events([at for at in platform.refused if at > 10])) <= 4


def test_a_limit_that_is_doubled_is_found() -> None:
    """Within a minute: trying too often costs more than it brings."""
    platform = Platform(rate=100, burst=25, limits=((10, 200),))
    Fleet(processes=2).send(platform, 10000)

    later = [at for at in platform.passed if 40 < at < 55]
    assert len(later) / 15 >= 0.8 * 200
    assert len(platform.refused) <= 100


def test_a_told_rate_that_somebody_else_uses_too_is_lowered() -> None:
    """And never exceeded."""
    told = Bucket(key="told", rate=400, burst=100)
    platform = Platform(rate=200, burst=50)
    efficiency, refused = used(Fleet(bucket=told, processes=2), platform, 4000)

    assert refused <= 0.02
    assert efficiency >= 0.7


def test_a_platform_without_limits_is_not_held_up() -> None:
    """Answers in twenty milliseconds: in a second as many as ever."""
    platform = Platform(rate=1e9, burst=1e9)
    took = Fleet(concurrency=64).send(platform, 5000)

    assert 5000 * BUSY <= took <= 1.1 * 5000 * BUSY


def test_refusals_that_have_nothing_to_do_with_the_rate_do_not_stop_it() -> None:
    """One in fifty, whatever the pace: it falls to a part, and no further."""
    platform = Platform(rate=1e9, burst=1e9, form="none", faulty=0.02)

    assert Fleet().send(platform, 3000) < 60
