"""A hub in the test's own process: the loop's functions with a runtime filled in, and a clock that can be moved."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from cryptography.fernet import Fernet

from hub import connection_file, connection_save, registry
from hub.connector import Connector, Destination, Stream
from hub.http import HttpPool
from hub.loop import poll as polling
from hub.loop import sweep as sweeping
from hub.loop import work as working
from hub.loop.poll import PollOutcome
from hub.loop.work import SliceOutcome
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.records import JSON, GroupTally, Item, Outcome, Page, PollRequest, PushResult, ReportResult
from hub.runtime import Runtime
from hub.secrets import secret_box
from hub.settings import Settings
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.ledger import letters
from hub.store.ledger.bells import Bell
from hub.store.quarantine import list_quarantine
from hub.store.runs import list_runs
from hub.store.schema import metadata
from hub.store.stats import StreamStats, by_stream
from hub.telemetry import Polled, Swept, Worked

SECOND = 1_000_000
TENANT = "acme"

#: Connects something under a name.
Connect = Callable[..., Awaitable[StoredConnection]]
#: Routes records to the target, ``count`` made-up ones or the given ``items`` and ``texts``; their keys.
Offer = Callable[..., list[str]]
#: Tells a simulator what goes wrong from now on; nothing without faults.
Harm = Callable[..., None]


@dataclass(kw_only=True)
class Script:
    """What a ``Scripted`` connector does, and what it was asked. A function that is None does the usual."""

    poll: Callable[[PollRequest], Any] | None = None
    fetch: Callable[[Sequence[Item]], Any] | None = None
    transform: Callable[[Item], Any] | None = None
    push: Callable[[Sequence[Item]], Any] | None = None
    follow: Callable[[Sequence[Item]], Any] | None = None
    report: Callable[[Sequence[Outcome]], Any] | None = None
    close_group: Callable[[GroupTally], Any] | None = None
    asked: dict[str, list[Any]] = field(default_factory=dict)

    async def play(self, verb: str, argument: Any, otherwise: Callable[[], Any]) -> Any:
        """Note what was asked and answer; an answer may be awaitable."""
        self.asked.setdefault(verb, []).append(argument)
        act = getattr(self, verb)
        answer = act(argument) if act is not None else otherwise()
        return await answer if hasattr(answer, "__await__") else answer


class Scripted(Connector[Any, Any]):
    """A connector that does what a test says; made a class of the test's own by ``with_script``."""

    name = "scripted"
    streams: ClassVar[Sequence[Stream]] = (Stream(name="price"), Stream(name="stock"))
    reports = True
    script: ClassVar[Script]

    @classmethod
    def with_script(cls, script: Script, **attributes: Any) -> type[Scripted]:
        return type("Scripted", (cls,), {"script": script, "__doc__": cls.__doc__, **attributes})

    async def poll(self, request: PollRequest) -> Page:
        page: Page = await self.script.play("poll", request, Page)
        return page

    async def fetch(self, items: Sequence[Item]) -> Sequence[Item]:
        fetched: Sequence[Item] = await self.script.play("fetch", items, lambda: items)
        return fetched

    def transform(self, item: Item) -> Any:
        return item.payload if self.script.transform is None else self.script.transform(item)

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        results: Sequence[PushResult] = await self.script.play("push", items, lambda: ())
        return results

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        results: Sequence[PushResult] = await self.script.play("follow", items, lambda: ())
        return results

    async def report(self, outcomes: Sequence[Outcome]) -> Sequence[ReportResult]:
        def acknowledge() -> Any:
            return super(Scripted, self).report(outcomes)

        results: Sequence[ReportResult] = await self.script.play("report", outcomes, acknowledge)
        return results

    async def close_group(self, tally: GroupTally) -> None:
        await self.script.play("close_group", tally, lambda: None)


class Hub:
    """One hub over a store, without a broker: bells are kept in ``rung`` and events in ``told``."""

    def __init__(
        self,
        home: Path,
        database_url: str,
        *,
        settings: Mapping[str, Any] | None = None,
        destinations: Mapping[str, type[Destination[Any, Any]]] | None = None,
        **plugins: type[Connector[Any, Any]],
    ) -> None:
        self.settings = Settings(
            home=home,
            database_url=database_url,
            secret_keys=Fernet.generate_key().decode(),
            allow_private_hosts=True,
            **(settings or {}),
        )
        self.db = Database(database_url)
        known = registry.load()
        self.registry = replace(
            known,
            connectors={**known.connectors, **plugins},
            destinations={**known.destinations, **(destinations or {})},
        )
        self.secrets = secret_box(self.settings)
        self.rung: list[Bell] = []
        self.told: list[Polled | Worked | Swept | Any] = []
        self._passed = 0.0
        self.circuit, self.limiter = MemoryCircuit(self._clock), MemoryLimiter(self._clock)
        self.runtimes: list[Runtime] = []
        self.runtime = self.make_runtime()

    @property
    def environment(self) -> Mapping[str, str]:
        """For commands, which are to find this hub."""
        assert self.settings.database_url
        assert self.settings.secret_keys
        return {
            "HUB_HOME": str(self.settings.home),
            "HUB_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "HUB_SECRET_KEYS": self.settings.secret_keys.get_secret_value(),
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
        }

    def make_runtime(self) -> Runtime:
        """One more process, as it were: it shares the store, the bells and the policies."""
        runtime = Runtime(
            settings=self.settings,
            db=self.db,
            registry=self.registry,
            secrets=self.secrets,
            pool=HttpPool.of(self.settings),
            limiter=self.limiter,
            circuit=self.circuit,
            ring=self.rung.extend,
            observe=self.told.append,
        )
        self.runtimes.append(runtime)
        return runtime

    async def connect(
        self, written: JSON, *, name: str = "prices", tenant: str = TENANT, replace: bool = False
    ) -> StoredConnection:
        """Save a connection, or ``replace`` it with other settings; its first poll is due."""
        if all(known["name"] != tenant for known in connections.list_tenants(self.db)):
            connections.add_tenant(self.db, tenant)
        file = connection_file.parse(written)
        await connection_save.save(
            self.runtime, tenant=tenant, name=name, file=file, check=False, replace=replace
        )
        return connections.get_connection(self.db, name)

    # The loop

    async def poll(self, name: str = "prices", *, runtime: Runtime | None = None) -> PollOutcome:
        """One poll, whether it is due or not."""
        return await polling.poll(runtime or self.runtime, self.connection(name).id, early=True)

    async def work(self, name: str = "prices", *, runtime: Runtime | None = None) -> SliceOutcome:
        """One slice."""
        return await working.work(runtime or self.runtime, self.connection(name).id)

    async def report(self, name: str = "prices", *, runtime: Runtime | None = None) -> SliceOutcome:
        """One slice of reports."""
        return await working.report(runtime or self.runtime, self.connection(name).id)

    async def work_off(self, name: str = "prices") -> None:
        """Slices and reports until nothing is due."""
        while (await self.work(name)).records or (await self.report(name)).records:
            pass

    async def sweep(self, **options: Any) -> Swept:
        """One round of the sweeper."""
        return await sweeping.sweep(self.runtime, **options)

    def pass_time(self, seconds: float) -> None:
        """Everything stored becomes so much older, which is all that waiting would do. Ask a new runtime then."""
        self._passed += seconds
        with self.db.transaction() as tx:
            for table in metadata.sorted_tables:
                times = [column.name for column in table.columns if column.name.endswith(("_at", "_until"))]
                moved = ", ".join(f"{name} = {name} - :by" for name in times)
                if moved and table.name != "connection":  # its birth is part of idempotency keys
                    self.db.execute(tx, f"UPDATE {table.name} SET {moved}", by=round(seconds * SECOND))

    def _clock(self) -> float:
        return time.monotonic() + self._passed

    # What there is to see

    def connection(self, name: str = "prices") -> StoredConnection:
        return connections.get_connection(self.db, name)

    def stats(self, name: str = "prices", stream: str = "price") -> StreamStats:
        return next(one for one in by_stream(self.db, name) if one.stream == stream)

    def rows(self, name: str = "prices") -> list[dict[str, Any]]:
        """All records, in the order of their ids."""
        return self._query("record", name)

    def row(self, key: str, name: str = "prices") -> dict[str, Any]:
        """The newest record of a key."""
        return next(row for row in reversed(self.rows(name)) if row["key"] == key)

    def states(self, name: str = "prices") -> dict[str, str]:
        return {row["key"]: row["state"] for row in self.rows(name)}

    def schedule(self, name: str = "prices") -> dict[str, Any]:
        """The connection's polls; ``due_in`` in seconds from now."""
        row = self._query("schedule", name)[0]
        with self.db.transaction() as tx:
            return {**row, "due_in": (row["due_at"] - self.db.now(tx)) / SECOND}

    def claims(self, name: str = "prices") -> list[dict[str, Any]]:
        return self._query("claim", name)

    def bells(self, name: str = "prices") -> list[dict[str, Any]]:
        return self._query("bell", name)

    def quarantine(self, name: str = "prices") -> Sequence[dict[str, Any]]:
        return list_quarantine(self.db, self.connection(name).id)

    def runs(self, name: str = "prices") -> Sequence[dict[str, Any]]:
        return list_runs(self.db, self.connection(name).id)

    def replay(self, key: str, name: str = "prices") -> str:
        return letters.replay(self.db, self.row(key, name)["id"])

    async def close(self) -> None:
        for runtime in self.runtimes:
            await runtime.close()
        self.db.close()

    def _query(self, table: str, name: str) -> list[dict[str, Any]]:
        order = "connection_id" if table == "schedule" else "id"
        connection_id = self.connection(name).id
        with self.db.transaction() as tx:
            rows = self.db.execute(
                tx, f"SELECT * FROM {table} WHERE connection_id = :id ORDER BY {order}", id=connection_id
            )
            return [dict(row) for row in rows.mappings()]
