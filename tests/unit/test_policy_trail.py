"""What was sent until when, with few marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.policy.trail import APART, UNTRODDEN, Trail

spans = st.lists(st.tuples(st.floats(0.001, 0.5), st.integers(1, 50)), min_size=1, max_size=200)


def trodden(rate: float, begin: float, end: float, trail: Trail = UNTRODDEN) -> Trail:
    """By one request after the other."""
    for number in range(round(rate * (end - begin))):
        trail = trail.more(1, begin + number / rate)
    return trail


def test_what_went_beyond_a_rate_is_counted_from_when_on_it_did() -> None:
    """Slow seconds before do not make up for it."""
    trail = trodden(500, 1, 2, trodden(100, 0, 1))

    assert trail.beyond(400, 2.0) == pytest.approx(100, abs=7)
    assert trail.beyond(50, 2.0) == pytest.approx(500, abs=3)
    assert trail.beyond(600, 2.0) <= 0


@given(spans, st.floats(1, 1000))
def test_few_marks_tell_about_as_much_as_all_requests(spans: list[tuple[float, int]], rate: float) -> None:
    """A sixteenth of the time less at the most."""
    now, trail, sent = 0.0, UNTRODDEN, [(0.0, 0.0)]
    for seconds, number in spans:
        trail, before = trail.more(number, now), sent[-1][1] + number
        now += seconds
        sent.append((now, before))
    most = max(sent[-1][1] - before - rate * (now - at) for at, before in sent)

    lost = max((number for _, number in spans), default=0) + rate * max(0.5, APART * now)
    assert most - lost - rate * 0.02 <= trail.beyond(rate, now) <= most + 1e-6


def test_marks_are_few_for_ever() -> None:
    """As long as a rate is remembered."""
    assert len(trodden(100, 0, 300).marks) <= 130


@pytest.mark.parametrize(("end", "sent"), ((1.0, 100), (0.55, 55), (0.0, 0)))
def test_what_was_sent_later_is_left_out(end: float, sent: int) -> None:
    """Between two marks a part."""
    trail = trodden(100, 0, 1)

    assert trail.until(end, 1.0).sent == pytest.approx(sent, abs=1)
    assert all(at < end for at, _ in trail.until(end, 1.0).marks)


def test_what_was_not_sent_after_all_is_taken_off() -> None:
    """It is not where a trail begins."""
    assert UNTRODDEN.more(-5, 1.0) == UNTRODDEN
    assert UNTRODDEN.more(8, 1.0).more(-5, 1.1).sent == 3
