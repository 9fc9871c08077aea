"""`hub quarantine`."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import store_with
from hub.store.quarantine import list_quarantine

app = typer.Typer(add_completion=False, help="What a source sent that is no record, kept with the reason.")


@app.callback()
def quarantine() -> None:
    """What a source sent that is no record, kept with the reason."""


@app.command("list")
def list_(
    connection: Annotated[str, typer.Argument(help="A connection.")],
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what stands in quarantine, last seen first. The raw text is redacted and cut."""
    with store_with(connection) as (db, stored):
        rows = [output.presentable(row) for row in list_quarantine(db, stored.id, limit=limit)]
    columns = ["id", "stream", "key", "reason", "seen", "last_seen_at", "raw"]
    output.show(rows, as_json, lambda: output.table(f"quarantine of {connection}", columns, rows))
