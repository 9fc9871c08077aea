"""The simulator's own time: it goes with the machine's until a test moves or stops it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from hub.records import JSON


class Clock:
    """Seconds and dates of the simulator."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the machine's time."""
        self._offset = 0.0
        self._stopped: float | None = None

    def seconds(self) -> float:
        """Since 1970."""
        return self._stopped if self._stopped is not None else time.time() + self._offset

    def now(self) -> datetime:
        """In UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def text(self) -> str:
        """As the platform writes it."""
        return written(self.now())

    def told(self, arguments: JSON) -> JSON:
        """The command ``clock``: stop, go on, or be moved forward."""
        told = SetClock.model_validate(arguments)
        now = self.seconds() + told.advance
        stopped = told.stopped if told.stopped is not None else self._stopped is not None
        self._stopped = now if stopped else None
        self._offset = now - time.time()
        return {"now": written(self.now()), "stopped": stopped}


class SetClock(BaseModel):
    """``advance`` in seconds, whether it is ``stopped`` from now on."""

    model_config = ConfigDict(extra="forbid")

    advance: float = 0
    stopped: bool | None = None


def written(at: datetime) -> str:
    """ISO 8601 with a Z, whole seconds."""
    return at.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def date_of(seconds: float) -> str:
    """The same for seconds since 1970."""
    return written(datetime.fromtimestamp(seconds, UTC))


def after(seconds: int) -> str:
    """So many seconds after the day on which the oldest generated object was made."""
    return (_BEGINNING + timedelta(seconds=seconds)).isoformat() + "Z"


_BEGINNING = datetime(2025, 1, 1)  # noqa: DTZ001 - in UTC; a bare one is written twice as fast
