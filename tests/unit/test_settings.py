"""Settings come from the environment, where everything is a text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from hub.settings import Settings


@pytest.mark.parametrize(
    ("written", "meant"),
    (
        ("30", timedelta(seconds=30)),
        ("0.5", timedelta(milliseconds=500)),
        ("PT2M", timedelta(minutes=2)),
        ("P30D", timedelta(days=30)),
    ),
)
def test_a_duration_is_written_in_seconds_or_in_iso_8601(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: timedelta
) -> None:
    """Most people write the number."""
    monkeypatch.setenv("HUB_CLAIM_LEASE", written)

    assert Settings().claim_lease == meant


@pytest.mark.parametrize("written", ("0", "-1", "nan", "inf", "soon", ""))
def test_a_duration_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """A lease of no time would be lost before it is held."""
    monkeypatch.setenv("HUB_CLAIM_LEASE", written)

    with pytest.raises(ValidationError, match="claim_lease"):
        Settings()
