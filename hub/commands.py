"""What a plugin's own commands are made of (``hub.commands`` entry points), so that they need none of the hub's machinery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import typer

from hub import codec, connection_file, connection_save, event_loop
from hub.cli import connection_views as views
from hub.cli import exit_codes, output, run, session
from hub.cli.output import Json
from hub.cli.run import Wait
from hub.connector import Connector
from hub.errors import ConfigurationError, HubError, NotFoundError
from hub.loop.admission import admit_page, wake_and_note
from hub.loop.authorization import begin_authorization
from hub.loop.drain import DrainSummary
from hub.pipeline import Pipeline
from hub.records import JSON, Page, Record
from hub.runtime import Runtime
from hub.settings import Settings
from hub.store import connections, schedule
from hub.store.connections import StoredConnection
from hub.store.ledger import letters

__all__ = [
    "Json",
    "Opened",
    "Wait",
    "Wanted",
    "connect_in_browser",
    "drained",
    "output",
    "read_connection_file",
    "show_drained",
    "with_connection",
]

#: How often the store is looked at while somebody is at the browser, in seconds.
LOOK_EVERY = 0.5

PluginT = TypeVar("PluginT", bound=Connector[Any, Any])
Found = TypeVar("Found")


class Opened(Generic[PluginT]):
    """A stored connection that a command has to do with: ``connector`` is the plugin with its settings and ports."""

    def __init__(self, runtime: Runtime, pipeline: Pipeline, connector: PluginT) -> None:
        self._runtime, self._pipeline = runtime, pipeline
        self.connector = connector

    @property
    def status(self) -> str:
        """``live``, ``paused``, ``inactive``, ``failed`` or ``needs_reauth``: only a live one does anything."""
        stored = self._pipeline.connection
        return "paused" if stored.paused and stored.shown_status == "live" else stored.shown_status

    async def latest(self, stream: str, key: str) -> JSON | None:
        """The newest record of a key as `hub records show` has it; None where there is none, or it was pruned."""
        return await self._runtime.db.run(self._latest, stream, key)

    async def admit(self, records: Sequence[Record]) -> None:
        """Take records in as if a poll had found them; they are worked as soon as the connection runs."""
        page = Page(records=records)
        db = self._runtime.db
        admission = await db.run(lambda: admit_page(db, self._pipeline, page, kind="command"))
        await asyncio.to_thread(self._runtime.ring, admission.bells)

    async def wake(self, wake_key: str) -> int:
        """What was parked for ``wake_key`` goes on at once; how many records that were."""
        db = self._runtime.db
        woken, rung = await db.run(lambda: wake_and_note(db, self._pipeline, wake_key))
        await asyncio.to_thread(self._runtime.ring, rung)
        return woken

    async def cursor(self) -> JSON | None:
        """Where its polls are; None where a full pass was asked for whose first poll is not over."""
        db, connection_id = self._runtime.db, self._pipeline.connection.id
        stored = await self._runtime.db.run(schedule.shown, db, connection_id)
        if stored is None or stored["full_pass"]:
            return None
        cursor: JSON = codec.loads(stored["cursor"])
        return cursor

    def _latest(self, stream: str, key: str) -> JSON | None:
        db, connection_id = self._runtime.db, self._pipeline.connection.id
        rows = letters.list_records(db, connection_id, stream=stream, key=key, limit=1)
        if not rows:
            return None
        found = output.presentable(letters.show_record(db, rows[0]["id"]))
        return {**found, "payload": codec.loads(found["payload"])}


def with_connection(
    name: str, connector: type[PluginT], work: Callable[[Opened[PluginT]], Awaitable[Found]]
) -> Found:
    """Do ``work`` with the connection ``name``, which has to be of ``connector``.

    Raises ``NotFoundError`` and ``ConfigurationError``, and whatever ``work`` raises.
    """

    async def opened(settings: Settings) -> Found:
        async with session.runtime(settings) as runtime:
            stored = await runtime.db.run(connections.get_connection, runtime.db, name)
            if stored.connector != connector.name:
                raise ConfigurationError(
                    f"the connection {name} is of the connector {stored.connector}; this is for {connector.name}",
                    field="name",
                )
            pipeline = await runtime.pipeline(stored.id)
            plugin = pipeline.connector
            if not isinstance(plugin, connector):
                raise ConfigurationError(f"the connector {connector.name} is another one here", field="name")
            return await work(Opened(runtime, pipeline, plugin))

    return event_loop.run(opened(session.begin()))


def drained(name: str, *, wait: float, quiet: bool, full_pass: bool) -> DrainSummary:
    """Work a connection in the foreground until nothing is left, as `hub run --drain` does, beside a fleet or without one.

    With ``full_pass`` its first poll begins from the start. ``wait`` is for what is not due yet, in seconds; not ``quiet``, a
    terminal shows a bar.
    """
    return run.drained(name, wait=wait, processes=None, quiet=quiet, full_pass=full_pass)


def show_drained(
    name: str,
    summary: DrainSummary,
    found: JSON,
    *,
    as_json: bool,
    people: Callable[[], None],
    trouble: str | None = None,
) -> None:
    """What was found beside what a drain did, and then what is left and what ``trouble`` there is, on standard error.

    Ends the command as `hub run --drain` does, and with 1 where there is trouble.
    """
    output.show({**run.shown_of(summary), **found}, as_json, people)
    run.end(name, summary, trouble=trouble)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A connection that is to be authorised. ``written`` gives its connection file if it is not there yet.

    ``same`` are settings that it must have if it is there, and ``only_new`` names options that were given and that only
    one that is added takes. ``signal`` names a field of the credentials that is another one after each authorization.
    """

    name: str
    tenant: str
    connector: str
    same: Mapping[str, Any]
    written: Callable[[], JSON]
    signal: str
    only_new: Sequence[str] = ()


def read_connection_file(path: Path) -> JSON:
    """What stands in a connection file, to be laid over. Raises ``ConfigurationError``."""
    found = connection_file.written(path)
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path.name} must hold one JSON object", field="--config")
    return found


def connect_in_browser(wanted: Wanted, *, timeout: float, as_json: bool) -> None:
    """Add the connection if it is not there, print a link, and wait until somebody has authorised it there.

    Ends the command with 1 when nobody does within ``timeout`` seconds. Raises ``ConfigurationError`` and
    ``NotFoundError`` naming what is wrong; nothing is stored then.
    """
    found = event_loop.run(_connect(session.begin(), wanted, timeout))
    output.show(found, as_json, lambda: _say(found))
    if not found["connected"]:
        output.warn(
            f"error: nobody has authorised {wanted.name} within {timeout:g} seconds; where it was refused, the browser's page "
            f"says why. `hub connection authorize {wanted.name}` prints another link"
        )
        raise typer.Exit(exit_codes.TROUBLE)


async def _connect(settings: Settings, wanted: Wanted, within: float) -> dict[str, Any]:
    async with session.runtime(settings) as runtime:
        added = await _present(runtime, wanted)
        before = await _signal(runtime, wanted)
        link = await begin_authorization(runtime, wanted.name)
        # Beside the one document that --json prints.
        output.warn(f"open this link in a browser, once and within ten minutes: {link}")
        connected = await _wait(runtime, wanted, before, within)
        return {
            "name": wanted.name,
            "tenant": wanted.tenant,
            "added": added,
            "connected": connected,
            **(await _facts(runtime, wanted.name) if connected else {}),
        }


async def _present(runtime: Runtime, wanted: Wanted) -> bool:
    """See that the connection is there, as it is wanted; whether it had to be added."""
    try:
        stored = await runtime.db.run(connections.get_connection, runtime.db, wanted.name)
    except NotFoundError:
        file = connection_file.parse(wanted.written())
        await connection_save.save(runtime, tenant=wanted.tenant, name=wanted.name, file=file, check=False)
        return True
    _require_same(stored, wanted)
    return False


def _require_same(stored: StoredConnection, wanted: Wanted) -> None:
    if (stored.tenant, stored.connector) != (wanted.tenant, wanted.connector):
        # The other tenant is not named: names of connections are the whole hub's.
        raise ConfigurationError(
            f"the connection {wanted.name} is there already, of another tenant or connector; choose another name",
            field="name",
        )
    settings = stored.config["settings"]
    other = [
        name
        for name, value in wanted.same.items()
        if value is not None and _low(settings.get(name)) != _low(value)
    ]
    if other:
        raise ConfigurationError(
            f"the connection {wanted.name} is there already, with another {', '.join(other)}; add one under another name, "
            "or change it (`hub connection add --replace`)",
            field=f"settings.{other[0]}",
        )
    if wanted.only_new:
        raise ConfigurationError(
            f"is for a connection that is added, and {wanted.name} is there already: leave it out to connect {wanted.name} "
            f"again as it is, and change it by `hub connection set {wanted.name} settings.NAME=VALUE`",
            field=wanted.only_new[0],
        )


def _low(value: Any) -> Any:
    """Settings are stored as they were written."""
    return value.casefold() if isinstance(value, str) else value


async def _signal(runtime: Runtime, wanted: Wanted) -> Any:
    stored = await runtime.db.run(connections.get_connection, runtime.db, wanted.name)
    return runtime.file_of(stored).credentials.get(wanted.signal)


async def _wait(runtime: Runtime, wanted: Wanted, before: Any, within: float) -> bool:
    give_up = time.monotonic() + within
    while await _signal(runtime, wanted) == before:
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True


async def _facts(runtime: Runtime, name: str) -> dict[str, Any]:
    """What is connected now; it is connected whether that can be told or not."""
    stored = await runtime.db.run(connections.get_connection, runtime.db, name)
    pipeline = runtime.assemble(stored)
    try:
        checks = views.checks(await connection_save.check_sides(pipeline))
    except HubError as error:
        checks = {"checks": {}, "error": str(error)}
    finally:
        await pipeline.close()
    return {"status": stored.shown_status, **checks}


def _say(found: Mapping[str, Any]) -> None:
    if not found["connected"]:
        return
    source = found["checks"].get("source", {"facts": {}, "warnings": []})
    output.facts(f"{found['name']} is {found['status']}", source["facts"])
    for warning in source["warnings"]:
        output.warn(f"warning: {warning}")
    if "error" in found:
        output.warn(f"warning: it cannot be read yet: {found['error']}")
