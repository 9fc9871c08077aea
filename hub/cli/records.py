"""`hub records`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub import codec
from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import store, store_with
from hub.store import connections
from hub.store.database import Database
from hub.store.ledger import letters

app = typer.Typer(add_completion=False, help="The ledger: every record and what became of it.")

COLUMNS = [
    "id",
    "stream",
    "key",
    "state",
    "total_attempts=attempts",
    "response_code=code",
    "report_state=report",
    "error",
]

Id = Annotated[int, typer.Argument(help="A record's id, as the lists show it.")]
Ids = Annotated[list[int], typer.Argument(help="Ids of records.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]


@app.command("list")
def list_(
    connection: Annotated[str, typer.Argument(help="A connection.")],
    state: Annotated[str | None, typer.Option(help="Only records in this state.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only records of this stream.")] = None,
    key: Annotated[str | None, typer.Option(help="Only versions of this key.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the newest records of a connection."""
    with store_with(connection) as (db, stored):
        found = letters.list_records(db, stored.id, state=state, stream=stream, key=key, limit=limit)
    rows = [output.presentable(row) for row in found]
    output.show(rows, as_json, lambda: output.table(f"records of {connection}", COLUMNS, rows))


@app.command()
def show(record: Id, as_json: Json = False) -> None:
    """Show a record with its payload and its earlier attempts."""
    with store() as db:
        found = whole(db, record)
    output.show(found, as_json, lambda: print_whole(found))


@app.command()
def replay(records: Ids, as_json: Json = False) -> None:
    """Put records back to work that are dead, rejected or skipped. A dead report is sent again without a push."""
    with store() as db:
        done = [{"id": record, "replayed": letters.replay(db, record)} for record in records]
    output.show(done, as_json, lambda: output.table("replayed", ["id", "replayed"], done))


def whole(db: Database, record_id: int) -> dict[str, Any]:
    """A record as it is shown: payload and handle as JSON, times as text. Raises ``NotFoundError``."""
    found = letters.show_record(db, record_id)
    connection = connections.get_connection_by_id(db, found.pop("connection_id"))
    row = {"connection": connection.name, **output.presentable(found)}
    for name in ("payload", "handle"):
        if row[name] is not None:
            row[name] = codec.loads(row[name])
    return {**row, "earlier_attempts": [output.presentable(attempt) for attempt in row["earlier_attempts"]]}


def print_whole(record: dict[str, Any]) -> None:
    """For people."""
    attempts = record["earlier_attempts"]
    rest = {name: value for name, value in record.items() if name != "earlier_attempts"}
    output.facts(f"record {record['id']}", rest)
    if attempts:
        columns = ["at", "stage", "number", "result", "response_code=code", "duration_ms", "error"]
        output.table("earlier attempts", columns, attempts)
