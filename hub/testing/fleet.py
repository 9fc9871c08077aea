"""A fleet of real processes on one machine, to be killed, stopped, put to sleep and started anew."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cryptography.fernet import Fernet

from hub import connection_file, connection_save
from hub.boot import open_runtime
from hub.errors import ServiceUnavailableError
from hub.records import JSON
from hub.settings import Settings
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.testing.member import Kind, Member

T = TypeVar("T")

#: What takes longer than this has failed, in seconds.
PATIENCE = 60.0
#: Seconds between two looks.
PAUSE = 0.02

#: Everything that only time mends is mended in seconds. A claim outlives what a busy machine keeps from a heartbeat.
TIMES = {
    "HUB_CLAIM_LEASE": "2",
    "HUB_POLL_LEASE": "1.5",
    "HUB_LEADER_LEASE": "2",
    "HUB_BELL_AGE": "1",
    "HUB_SWEEP_INTERVAL": "0.2",
    "HUB_SCHEDULE_INTERVAL": "0.1",
    "HUB_SHUTDOWN_TIMEOUT": "5",
    # Dramatiq's own, in milliseconds: how long its consumers wait for a broker that is away.
    "dramatiq_restart_delay": "200",
}


class Fleet:
    """Schedulers and workers around one store and one broker, with a connection to work for.

    ``settings`` are further ``HUB_*`` variables. On the way out everybody is killed.
    """

    def __init__(
        self, folder: Path, *, database_url: str, redis_url: str, settings: Mapping[str, str] = TIMES
    ) -> None:
        self.folder = folder
        self.members: list[Member] = []
        self.db = Database(database_url)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
            "HUB_HOME": str(folder),
            "HUB_DATABASE_URL": database_url,
            "HUB_REDIS_URL": redis_url,
            "HUB_SECRET_KEYS": Fernet.generate_key().decode(),
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
            "HUB_THREADS": "4",
            "HUB_WORKER_METRICS_PORT": "0",
            "HUB_SCHEDULER_METRICS_PORT": "0",
            **settings,
        }

    def connect(self, written: JSON, *, tenant: str = "acme", name: str = "connection") -> StoredConnection:
        """Save a connection file under a tenant, unchecked. Its first poll is due then."""
        if all(known["name"] != tenant for known in connections.list_tenants(self.db)):
            connections.add_tenant(self.db, tenant)
        asyncio.run(self._save(written, tenant, name))
        return connections.get_connection(self.db, name)

    def start_scheduler(self) -> Member:
        """As `hub scheduler` does."""
        return self._start("scheduler")

    def start_worker(self) -> Member:
        """As `hub worker` does."""
        return self._start("worker")

    def start_doomed_worker(self, point: str, key: str | None = None) -> Member:
        """One that dies at one of ``hub.testing.crash_points``, or only with the record ``key`` in its hands."""
        return self._start("worker", doomed=(point, key))

    def until(self, found: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
        """Look until ``found`` gives something true; a store that is away gives nothing.

        Raises ``AssertionError`` with what everybody said last when it takes too long, or when a process gave up.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end and not any(member.failed for member in self.members):
            with suppress(ServiceUnavailableError):
                if answer := found():
                    return answer
            time.sleep(PAUSE)
        said = "\n".join(member.said() for member in self.members)
        waited = seconds - (end - time.monotonic())
        raise AssertionError(f"after {waited:.0f} s still not: {what}\n{said}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            member.kill()
        self.db.close()

    def _start(self, kind: Kind, *, doomed: tuple[str, str | None] | None = None) -> Member:
        log = self.folder / f"{kind}-{len(self.members) + 1}.log"
        member = Member(kind, environment=self._environment, log=log, doomed=doomed)
        self.members.append(member)
        return member

    async def _save(self, written: JSON, tenant: str, name: str) -> None:
        fields = {
            key.removeprefix("HUB_").lower(): value
            for key, value in self._environment.items()
            if key.startswith("HUB_")
        }
        runtime = open_runtime(Settings.model_validate(fields), redis_url=None)
        try:
            file = connection_file.parse(written)
            await connection_save.save(runtime, tenant=tenant, name=name, file=file, check=False)
        finally:
            await runtime.close()
