"""What demos that are told step by step have in common: each step waits until what it is about was seen."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from hub import connection_file, connection_save, event_loop
from hub.boot import open_runtime
from hub.demo import scene
from hub.demo.evidence import Check
from hub.demo.stage import Stage
from hub.settings import Settings
from hub.store import connections
from hub.store.database import Database
from hub.store.opening import open_store

#: Seconds between two looks.
PAUSE = 0.1

#: Told what has happened, with the seconds since the start.
Say = Callable[[float, str], None]


StageT = TypeVar("StageT", bound=Stage)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How it ended; ``seen`` are the steps that were reached, in order."""

    seconds: float
    in_time: bool
    seen: Sequence[str]
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """All of it was seen."""
        return self.in_time and all(check.ok for check in self.checks)


class _LateError(Exception):
    """The time has run out."""


class Story(ABC, Generic[StageT]):
    """A demo on a stage that is up, for at most ``timeout`` seconds."""

    def __init__(self, stage: StageT, settings: Settings, db: Database, timeout: float, say: Say) -> None:
        self.stage, self.db = stage, db
        self._settings, self._timeout, self._say = settings, timeout, say
        self._started = time.monotonic()
        self._seen: list[str] = []

    @property
    @abstractmethod
    def steps(self) -> Sequence[Callable[[], str]]:
        """Each of them says what was seen."""

    @abstractmethod
    def judged(self) -> Sequence[Check]:
        """All that the demo is to show."""

    def tell(self) -> Result:
        """All of it. Raises ``HubError``."""
        in_time = True
        connections.add_tenant(self.db, scene.TENANT)
        try:
            for step in self.steps:
                text = step()
                self._seen.append(text)
                self._say(self._seconds, text)
        except _LateError:
            in_time = False
        return Result(seconds=round(self._seconds, 1), in_time=in_time, seen=self._seen, checks=self.judged())

    def connect(self, name: str, written: Mapping[str, Any]) -> int:
        """A connection, as `hub connection add` adds it; its tenant, as the store calls it."""
        return event_loop.run(_connect(self._settings, name, written))

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it."""
        while not condition():
            self.stage.look()
            if self._seconds > self._timeout:
                raise _LateError
            time.sleep(PAUSE)

    def web_answers(self) -> bool:
        """Whether the web process is ready."""
        try:
            return httpx.get(f"{self.stage.web}/readyz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started


def play(story: type[Story[StageT]], stage: StageT, *, timeout: float, say: Say) -> Result:
    """Tell a story on a stage that is up. Raises ``HubError``."""
    settings = Settings()
    db = open_store(settings)
    try:
        return story(stage, settings, db, timeout, say).tell()
    finally:
        db.close()


async def _connect(settings: Settings, name: str, written: Mapping[str, Any]) -> int:
    runtime = open_runtime(settings, redis_url=None)
    try:
        file = connection_file.parse(dict(written))
        await connection_save.save(runtime, tenant=scene.TENANT, name=name, file=file)
        return connections.get_connection(runtime.db, name).tenant_id
    finally:
        await runtime.close()
