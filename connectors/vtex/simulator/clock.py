"""The account's own time: it goes with the machine's until a test moves or stops it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from hub.records import JSON


class Clock:
    """Seconds and dates of the simulator; never steps back by itself."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the machine's time."""
        self._offset = time.time() - time.monotonic()
        self._stopped: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether it stands still."""
        return self._stopped is not None

    def seconds(self) -> float:
        """Since 1970."""
        return self._stopped if self._stopped is not None else time.monotonic() + self._offset

    def text(self) -> str:
        """``2018-10-11T04:52:42.123456``, in UTC and without saying so, as VTEX writes dates in bodies."""
        return (
            datetime.fromtimestamp(self.seconds(), UTC)
            .replace(tzinfo=None)
            .isoformat(timespec="microseconds")
        )

    def ticks(self) -> str:
        """``2018-08-20T15:11:28.1978783Z``: seven digits, as in notifications (vtex facts, "Notification")."""
        return f"{self.text()}0Z"

    def told(self, arguments: JSON) -> JSON:
        """The command ``clock``: stop, go on, or be moved forward."""
        told = SetClock.model_validate(arguments)
        now = self.seconds() + told.advance
        try:
            datetime.fromtimestamp(now, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError(
                f"advance: {told.advance:g} seconds lead out of all years that there are"
            ) from None
        stopped = told.stopped if told.stopped is not None else self.stopped
        self._stopped = now if stopped else None
        self._offset = now - time.monotonic()
        return {"now": self.text(), "stopped": stopped}


class SetClock(BaseModel):
    """``advance`` in seconds, whether it is ``stopped`` from now on."""

    model_config = ConfigDict(extra="forbid")

    advance: float = 0
    stopped: bool | None = None
