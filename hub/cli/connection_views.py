"""A connection as people and programs see it: everything but its credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub import codec
from hub.cli import output
from hub.connection_save import Saved
from hub.connector import CheckResult
from hub.errors import ConfigurationError
from hub.store import history, quarantine, stats
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.schedule import shown
from hub.store.stats import StreamStats

#: A password in a URL that somebody wrote into the settings.
_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)")


def saved(done: Saved) -> dict[str, Any]:
    """What `add` answers."""
    return {
        "id": done.id,
        "name": done.name,
        "tenant": done.tenant,
        "replaced": done.replaced,
        **checks(done.checks),
    }


def checks(found: Mapping[str, CheckResult]) -> dict[str, Any]:
    """What both sides said."""
    return {
        "checks": {
            side: {"facts": check.facts, "warnings": list(check.warnings)} for side, check in found.items()
        }
    }


def line(db: Database, stored: StoredConnection) -> dict[str, Any]:
    """One row of a list."""
    streams = stats.by_stream(db, stored.name)
    return {
        "name": stored.name,
        "tenant": stored.tenant,
        "connector": stored.connector,
        "status": stored.shown_status,
        "paused": stored.paused,
        "backlog": sum(stream.backlog for stream in streams),
        "unreported": sum(stream.unreported for stream in streams),
        "dead": sum(stream.states["dead"] + stream.report_dead for stream in streams),
    }


def whole(db: Database, stored: StoredConnection) -> dict[str, Any]:
    """All there is to know; reasons of refusals are redacted when they are stored."""
    schedule = shown(db, stored.id)
    return {
        "id": stored.id,
        "name": stored.name,
        "tenant": stored.tenant,
        "connector": stored.connector,
        "state": stored.state,
        "state_reason": stored.state_reason,
        "status": stored.shown_status,
        "status_reason": stored.status_reason,
        "source_refused": stored.source_refused,
        "destination_refused": stored.destination_refused,
        "paused": stored.paused,
        "created_at": output.iso(stored.created_at),
        "last_active": output.iso(stats.last_active(db, stored.id)),
        "last_import": _import(db, stored),
        "account": _without_passwords(stored.facts),
        "config": _without_passwords(stored.config),
        "schedule": None if schedule is None else _schedule(schedule),
        "streams": [_stream(stream) for stream in stats.by_stream(db, stored.name)],
        "quarantined": quarantine.count(db, stored.id),
    }


def require_polls(db: Database, stored: StoredConnection) -> None:
    """Raises ``ConfigurationError`` for a connection that is fed by webhooks alone."""
    if shown(db, stored.id) is None:
        raise ConfigurationError(f"{stored.name} is not polled: {stored.connector} is fed by webhooks alone")


def print_saved(done: Saved) -> None:
    """For people."""
    output.say(f"{'replaced' if done.replaced else 'added'} the connection {done.name} of {done.tenant}")
    print_check(checks(done.checks))


def print_disconnected(name: str, revoked: bool | None, warning: str | None) -> None:
    """For people."""
    output.say(f"{name} is disconnected; what it imported is untouched")
    if revoked:
        output.say("the platform has voided its access")
    if warning:
        output.say(f"warning: {warning}")


def print_check(found: Mapping[str, Any]) -> None:
    """For people."""
    for side, check in found.get("checks", {}).items():
        output.facts(side, check["facts"] or {"reached": True})
        for warning in check["warnings"]:
            output.say(f"warning: {warning}")


def print_lines(rows: list[dict[str, Any]]) -> None:
    """For people."""
    columns = ["name", "tenant", "connector", "status", "paused", "backlog", "unreported", "dead"]
    output.table("connections", columns, rows, none="none yet; `hub connection add` adds one")


def print_whole(found: dict[str, Any]) -> None:
    """For people."""
    parts = ("account", "config", "schedule", "streams")
    output.facts(found["name"], {name: value for name, value in found.items() if name not in parts})
    for part in ("account", "config", "schedule"):
        if found[part]:
            output.say("")
            output.facts(part, found[part])
    output.say("")
    rows = [{**stream, **stream["states"]} for stream in found["streams"]]
    columns = [
        "stream",
        "admitted",
        "waiting",
        "working",
        "awaiting",
        "parked",
        "success",
        "skipped",
        "rejected",
    ]
    output.table("streams", [*columns, "dead", "superseded", "discarded", "reported", "unreported"], rows)


def _import(db: Database, stored: StoredConnection) -> dict[str, Any] | None:
    """The last whole import, and how it ended."""
    found = history.last(db, stored.id, "imported", "import failed", "import cancelled")
    return None if found is None else output.presentable(found)


def _stream(stream: StreamStats) -> dict[str, Any]:
    return {
        "stream": stream.stream,
        "admitted": stream.admitted,
        "states": dict(stream.states),
        "reported": stream.reported,
        "unreported": stream.unreported,
        "dead_reports": stream.report_dead,
        "oldest_due_seconds": round(stream.oldest_due_seconds, 3),
    }


def _schedule(row: dict[str, Any]) -> dict[str, Any]:
    cursor = codec.loads(row["cursor"])
    return {**output.presentable(row), "cursor": cursor, "full_pass": bool(row["full_pass"])}


def _without_passwords(value: Any) -> Any:
    match value:
        case str():
            return _PASSWORD.sub(r"\1***\2", value)
        case Mapping():
            return {name: _without_passwords(inner) for name, inner in value.items()}
        case list():
            return [_without_passwords(inner) for inner in value]
    return value
