"""``kill -9`` in the middle of a hundred files, again and again: the same catalog and the same counts as without it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, text

from hub.store.database import Database
from hub.store.ledger.sweep import expire_claims
from hub.store.rows import SETTLED_STATES
from hub.testing.books import assert_books_balance
from tests.forked import Forked
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.big_export import ExportFile, base_file, big_export
from tests.merchstack.shop import Inbox, everything

#: Seconds that something may take which takes a few at rest.
PATIENCE = 100.0

#: When a process is killed: as soon as so many files are done, records settled, or records known. SQLite takes every
#: other one.
KILLS: Sequence[tuple[str, int]] = (
    ("known", 201),
    ("settled", 700),
    ("done", 45),
    ("settled", 2000),
)

#: Starts ``hub run NAME --drain`` as a process.
Start = Callable[[str], Forked]


@pytest.fixture
async def hub(hub_home: Path, database_url: str) -> AsyncIterator[Hub]:
    """A store in which nobody runs but the processes that a test starts."""
    hub = Hub(hub_home, database_url)
    yield hub
    await hub.close()


@pytest.fixture
def start(hub: Hub) -> Iterator[Start]:
    """None of the processes is left afterwards."""
    environment = {**os.environ, **hub.environment, "HUB_LOG_LEVEL": "ERROR"}
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(Forked(["run", name, "--drain", "--json"], environment))


async def test_kills_in_the_middle_of_an_import_change_nothing(
    hub: Hub, start: Start, tmp_path: Path
) -> None:
    """Process after process dies over it, the last one comes to its end; beside it the same import without any kill."""
    files = big_export()
    calm = await _inbox(hub, tmp_path / "calm", "calm")
    killed = await _inbox(hub, tmp_path / "killed", "killed")
    for inbox in (calm, killed):
        for name, file in files.items():
            inbox.put(name, file.content)
    _run_to_the_end(start, "calm")

    for measure, least in KILLS if hub.db.postgres else KILLS[1::2]:
        _kill_when(start("killed"), killed, measure, least)
        _assert_nothing_was_marked_too_early(killed, files)
        _forget_the_dead(hub.db)
    _run_to_the_end(start, "killed")

    _assert_nothing_was_marked_too_early(killed, files)
    assert everything(hub.db, killed.tenant_id) == everything(hub.db, calm.tenant_id)
    assert _said(killed, files) == _said(calm, files)
    assert {name: killed.report(name)["counts"] for name in files} == {
        name: {**file.counts, "dead": 0, "superseded": 0, "discarded": 0} for name, file in files.items()
    }
    assert [len(killed.reports(name)) for name in files] == [1] * len(files)
    assert not list(killed.folder.glob("*.jsonl"))
    for inbox in (calm, killed):
        assert_books_balance(hub.db, inbox.name, hub.connection(inbox.name).id)


async def _inbox(hub: Hub, folder: Path, name: str) -> Inbox:
    """With a few products that the big export brings again."""
    inbox = await Inbox.connect(hub, folder, name=name, tenant=name)
    inbox.put(*base_file())
    await inbox.run()
    return inbox


def _run_to_the_end(start: Start, name: str) -> None:
    process = start(name)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, printed


def _kill_when(process: Forked, inbox: Inbox, measure: str, least: int) -> None:
    """SIGKILL, while it runs."""
    end = time.monotonic() + PATIENCE
    while _progress(inbox, measure) < least:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, f"{measure} does not come to {least}"
        time.sleep(0.03)
    process.kill(store=inbox.hub.db)
    process.communicate()
    assert process.returncode == -9


def _progress(inbox: Inbox, measure: str) -> int:
    if measure == "done":
        return len(list((inbox.folder / "done").glob("*.jsonl")))
    states = SETTLED_STATES if measure == "settled" else ("admitted",)
    return sum(group[state] for group in _groups(inbox).values() for state in states)


def _assert_nothing_was_marked_too_early(inbox: Inbox, files: Mapping[str, ExportFile]) -> None:
    """Neither moved nor with a report before each of its records had settled, and is in the catalog."""
    marked = {path.name.removesuffix(".report.json") for path in (inbox.folder / "done").iterdir()}
    groups = _groups(inbox)
    there = inbox.keys() | inbox.keys("category")
    for name in marked & files.keys():
        group = groups[name]
        assert group["sealed_at"] is not None, name
        assert group["admitted"] == sum(group[state] for state in SETTLED_STATES), name
        assert files[name].good <= there, name


def _groups(inbox: Inbox) -> dict[str, Mapping[str, Any]]:
    """How far each file is; read past the hub, which on SQLite would take the only write lock."""
    query = text(
        "SELECT g.* FROM recordgroup g JOIN connection c ON c.id = g.connection_id WHERE c.name = :name"
    )
    with _beside(inbox.hub.db.engine.url).connect() as connection:
        rows = connection.execute(query, {"name": inbox.name}).mappings()
        return {row["name"].partition("@")[0]: dict(row) for row in rows}


@cache
def _beside(url: URL) -> Engine:
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)


def _said(inbox: Inbox, files: Mapping[str, ExportFile]) -> dict[str, Any]:
    """The reports without times, and without what was known of the export when a file was done.

    How long a record waits for its category is a matter of time, and so is the warning that it went in without.
    """
    told: dict[str, Any] = {}
    for name in files:
        report = inbox.report(name)
        lasting = (each for each in report["warnings"] if "nobody knows the category" not in each["text"])
        warnings = sorted(lasting, key=lambda each: (each["line"], each["text"]))
        told[name] = {"counts": report["counts"], "rejected": report["rejected"], "warnings": warnings}
    return told


def _forget_the_dead(db: Database) -> None:
    """What a hub does when the leases of a process that died have run out: without this, the test would wait for it."""
    with db.transaction() as tx:
        db.execute(tx, "UPDATE claim SET expires_at = 0")
        db.execute(tx, "UPDATE lease SET expires_at = 0")
    expire_claims(db)
