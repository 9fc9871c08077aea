"""Moments of the catalog, which are texts, as points in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str | None) -> datetime | None:
    """A text in ISO 8601; without an offset it is in UTC. None for what is none."""
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Since 1970, as the store counts."""
    return (at - _EPOCH) // timedelta(microseconds=1)
