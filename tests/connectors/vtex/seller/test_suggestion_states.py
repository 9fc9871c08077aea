"""What became of a suggestion, whatever shape the answer has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.seller.suggestion import LONGEST_REASON, Suggestion, read, state_of

WORDS = ("pending", "accepted", "approved", "denied", "WaitingReview", "Reviewed", "x")

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("Status", "status", "content", "versions", "latestVersionId", "id", "reason", "x")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("status", "state"),
    (
        ("Pending", "pending"),
        ("WaitingReview", "pending"),
        ("waiting_review", "pending"),
        ("Waiting review", "pending"),
        ("accepted", "accepted"),
        ("APPROVED", "accepted"),
        ("Denied", "denied"),
        ("Rejected", "denied"),
        ("Blocked", "denied"),
        ("Reviewed", "unknown"),
        ("Processing", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (1, "unknown"),
        (["pending"], "unknown"),
    ),
)
def test_every_spelling_that_was_seen_has_its_state(status: Any, state: str) -> None:
    """And a word that nobody documented is unknown: hands off."""
    assert state_of(status) == state


@pytest.mark.parametrize(
    "body",
    (
        {"Status": "Pending"},
        {"status": "pending", "content": {"ProductName": "a", "Status": "Denied"}},
        {"content": {"ProductName": "a", "Status": "Pending"}},
        {"content": {"x": 1}, "latestVersion": {"status": "pending"}},
        {
            "latestVersionId": 2,
            "versions": [{"id": "1", "status": "Denied"}, {"id": "2", "status": "Pending"}],
        },
        {"status": "Pending", "matches": [{"status": "Denied"}]},
        {"matches": [{"status": "pending"}, {"status": "WaitingReview"}]},
    ),
)
def test_the_outermost_status_counts(body: Any) -> None:
    """What the seller itself sent, and older versions, do not where there is another."""
    assert read(body).state == "pending"
    assert read(body).may_be_updated


@pytest.mark.parametrize(
    "body",
    (
        None,
        [],
        "Pending",
        {},
        {"Status": None},
        {"Status": {"id": 1}},
        {"content": None},
        {"Status": "Pending", "status": "Denied"},
        {"Status": "Whatever", "latestVersion": {"status": "Pending"}},
        {"matches": [{"status": "Pending"}, {"status": "Denied"}]},
        {"versions": [{"id": 1, "status": "Denied"}, {"id": 2, "status": "Pending"}]},
    ),
)
def test_what_is_missing_or_disagrees_is_unknown(body: Any) -> None:
    """Nobody may write over it."""
    assert read(body).state == "unknown"
    assert not read(body).may_be_updated


@pytest.mark.parametrize(
    "body",
    (
        {"status": "Denied", "denialReason": "no brand"},
        {"Status": "Denied", "Reason": " no\n brand "},
        {"status": "denied", "message": "x", "matches": [{"matcherId": "m", "RejectReason": "no brand"}]},
        {"status": "denied", "reasons": ["no brand"]},
        {"latestVersion": {"status": "denied", "comment": "no brand"}},
    ),
)
def test_a_reason_is_found_wherever_it_stands(body: Any) -> None:
    """The plainest name first."""
    assert read(body).reason == "no brand"


def test_a_long_reason_is_cut_and_others_need_none() -> None:
    """What is pending has no reason."""
    cut = read({"status": "Denied", "reason": "a" * 2000}).reason

    assert cut is not None
    assert len(cut) == LONGEST_REASON
    assert read({"status": "Pending", "reason": "a"}).reason is None
    assert read({"status": "Denied", "content": {"reason": "of the seller"}}).reason is None


def test_status_and_version_are_kept_for_people() -> None:
    """As the marketplace writes them."""
    assert read({"Status": "Pending", "latestVersionId": "v2"}) == Suggestion(
        state="pending", status="Pending", version="v2"
    )


def test_a_deep_answer_takes_no_time() -> None:
    """However deep, and however wide."""
    body: Any = {"Status": "Pending"}
    for _ in range(10_000):
        body = {"x": [body, {}]}

    assert read(body).state == "unknown"


@given(json)
def test_no_answer_breaks_the_reading(body: Any) -> None:
    """Any JSON at all has a state."""
    found = read(body)

    assert found.state in {"pending", "accepted", "denied", "unknown"}
    assert found.may_be_updated == (found.state == "pending")


@given(st.sampled_from(WORDS), json)
def test_a_status_at_the_top_decides_alone(word: str, rest: Any) -> None:
    """Whatever stands below it."""
    assert read({"status": word, "below": rest}).state == state_of(word)
