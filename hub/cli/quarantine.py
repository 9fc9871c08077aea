"""`hub quarantine`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import store
from hub.store import connections
from hub.store.database import Database
from hub.store.quarantine import list_quarantine

app = typer.Typer(add_completion=False, help="What a source sent that is no record, kept with the reason.")


@app.callback()
def quarantine() -> None:
    """What a source sent that is no record, kept with the reason."""


@app.command("list")
def list_(
    connection: Annotated[str | None, typer.Argument(help="A connection; all of them without it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what stands in quarantine, last seen first. The raw text is redacted and cut."""
    with store() as db:
        rows = [output.presentable(row) for row in _listed(db, connection, limit)]
    columns = ["id", "connection", "stream", "key", "reason", "seen", "last_seen_at", "raw"]
    output.show(rows, as_json, lambda: output.table("quarantine", columns, rows))


def _listed(db: Database, connection: str | None, limit: int) -> list[dict[str, Any]]:
    wanted = None if connection is None else connections.get_connection(db, connection).id
    names = {stored.id: stored.name for stored in connections.list_connections(db)}
    found = list_quarantine(db, wanted, limit=limit)
    return [{"connection": names.get(row.pop("connection_id")), **row} for row in found]
