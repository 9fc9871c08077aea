"""What a query for logs asks for, in every spelling, and what it is told where it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.log_query import SPELLINGS, BadQueryError, asked
from connectors.vtex.marketplace.messages import Status

NOW = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
ZONES = (UTC, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Tokyo"))


def test_a_day_is_one_of_the_time_zone() -> None:
    """Half past one in London is yesterday in São Paulo."""
    found = asked("", zone=ZONES[1], now=NOW)

    assert (found.since.isoformat(), found.until.isoformat()) == (
        "2026-02-28T00:00:00-03:00",
        "2026-03-01T00:00:00-03:00",
    )
    assert found.statuses == frozenset(Status)
    assert asked("DateAt=2026-03-29", zone=ZoneInfo("Europe/Berlin"), now=NOW).until.isoformat() == (
        "2026-03-30T00:00:00+02:00"
    )


@pytest.mark.parametrize(
    ("query", "text"),
    (
        ("DateAt=yesterday", 'DateAt: "yesterday" is no day; write it as yyyy-mm-dd'),
        ("DateAt=20260301", "DateAt"),
        ("DateAt=2026-02-30", "DateAt"),
        ("DateAt=9999-12-31", "DateAt"),
        ("DateAt=2026-03-01&DateAt=2026-03-02", "DateAt: is given several times"),
        ("DateAt=2026-03-01T00:00", "DateAt"),
        (
            "status=done",
            'status: "done" is unknown; it is one of all, success, sucess, error, warning, alert, pending',
        ),
        ("status=error,done", '"done"'),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=٣", "limit"),
        ("a=1&" * 60, "too many"),
        ("a" * 5000, "too long"),
    ),
)
def test_what_is_wrong_is_named(query: str, text: str) -> None:
    """With what it may be."""
    with pytest.raises(BadQueryError, match=text.replace("?", r"\?")):
        asked(query, zone=UTC, now=NOW)


@given(
    st.lists(st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=4), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.sampled_from(ZONES),
)
def test_every_list_of_known_statuses_is_understood(
    lists: list[list[str]], random: object, zone: object
) -> None:
    """In any case, with blanks, repeated."""
    spelt = [
        ("status", " , ".join(word.upper() if random.random() < 0.5 else word for word in some))  # type: ignore[attr-defined]
        for some in lists
    ]

    found = asked(urlencode(spelt), zone=zone, now=NOW)  # type: ignore[arg-type]

    assert found.statuses == {SPELLINGS[word] for some in lists for word in some}


@given(st.text(max_size=60), st.sampled_from(ZONES))
def test_any_query_is_understood_or_refused(query: str, zone: object) -> None:
    """With the one error and nothing else."""
    for text in (query, urlencode({"DateAt": query}), urlencode({"status": query, "limit": query})):
        try:
            found = asked(text, zone=zone, now=NOW)  # type: ignore[arg-type]
        except BadQueryError:
            continue
        assert found.since < found.until
        assert found.statuses
