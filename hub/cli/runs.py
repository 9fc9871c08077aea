"""`hub runs`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli import output
from hub.cli.output import Json
from hub.cli.records import Limit
from hub.cli.session import store
from hub.store import connections, runs
from hub.store.database import Database

app = typer.Typer(
    add_completion=False, help="Runs: polls that brought something, and imports, each with its counters."
)


@app.command("list")
def list_(
    connection: Annotated[str | None, typer.Argument(help="A connection; all of them without it.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with store() as db:
        wanted = None if connection is None else connections.get_connection(db, connection).id
        names = _names(db)
        rows = [_shown(row, names) for row in runs.list_runs(db, wanted, limit=limit)]
    columns = [
        "id",
        "connection",
        "kind",
        "started_at",
        "admitted",
        "success",
        "skipped",
        "rejected",
        "dead",
        "reported",
    ]
    output.show(rows, as_json, lambda: output.table("runs", columns, rows))


@app.command()
def show(run: Annotated[int, typer.Argument(help="A run's id.")], as_json: Json = False) -> None:
    """Show a run with its counters and what the source said of it."""
    with store() as db:
        found = _shown(runs.show_run(db, run), _names(db))
    output.show(found, as_json, lambda: output.facts(f"run {run}", found))


def _names(db: Database) -> dict[int, str]:
    return {stored.id: stored.name for stored in connections.list_connections(db)}


def _shown(row: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    own = {name: value for name, value in row.items() if name not in {"connection_id", "tenant_id"}}
    return {"connection": names.get(row["connection_id"]), **output.presentable(own)}
