"""`hub dead`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from hub.cli import exit_codes, output
from hub.cli.output import Json
from hub.cli.records import Id, Limit, print_whole, whole
from hub.cli.session import store
from hub.errors import ConfigurationError
from hub.store import connections
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.ledger import letters

app = typer.Typer(
    add_completion=False,
    help="Dead letters: pushes and reports whose attempts are spent, kept until somebody decides.",
)

#: Beyond any number of dead letters that one command can be meant for.
ALL = 1_000_000

Ids = Annotated[list[int] | None, typer.Argument(help="Ids of dead letters.")]
All = Annotated[str | None, typer.Option("--all", metavar="CONNECTION", help="All of a connection.")]


@app.command("list")
def list_(
    connection: Annotated[str | None, typer.Argument(help="A connection; all of them without it.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, newest first."""
    with store() as db:
        rows = [output.presentable(row) for row in _letters(db, connection, limit)]
    columns = ["id", "connection", "letter", "stream", "key", "total_attempts=attempts", "settled_at", "why"]
    output.show(
        rows, as_json, lambda: output.table("dead letters", columns, [_with_reason(row) for row in rows])
    )


@app.command()
def show(record: Id, as_json: Json = False) -> None:
    """Show a dead letter with its payload and all attempts."""
    with store() as db:
        found = whole(db, record)
    if found["state"] != "dead" and found["report_state"] != "dead":
        raise ConfigurationError(
            f"record {record} is {found['state']} and no dead letter; see `hub records show`"
        )
    output.show(found, as_json, lambda: print_whole(found))


@app.command()
def replay(letter: Ids = None, connection: All = None, as_json: Json = False) -> None:
    """Put dead letters back to work. A dead report is sent again without a push."""
    _each(letter, connection, "replayed", letters.replay, as_json)


@app.command()
def discard(letter: Ids = None, connection: All = None, as_json: Json = False) -> None:
    """Decide that dead letters need no more work. They stay in the ledger as discarded."""
    _each(letter, connection, "discarded", letters.discard, as_json)


def _each(
    ids: Sequence[int] | None,
    connection: str | None,
    verb: str,
    act: Callable[[Database, int], str],
    as_json: bool,
) -> None:
    """Every letter alone: one that is refused keeps none of the others, and ends the command with 1."""
    if bool(ids) == (connection is not None):
        raise typer.BadParameter("give the ids of dead letters, or --all with a connection")
    done: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    with store() as db:
        for record in ids or [row["id"] for row in _letters(db, connection, ALL)]:
            try:
                done.append({"id": record, verb: act(db, record)})
            except ConfigurationError as error:
                refused.append({"id": record, "why": str(error)})
    output.show({verb: done, "refused": refused}, as_json, lambda: _print(verb, done, refused))
    if refused:
        raise typer.Exit(exit_codes.TROUBLE)


def _letters(db: Database, connection: str | None, limit: int) -> list[dict[str, Any]]:
    owners = {stored.id: stored for stored in connections.list_connections(db)}
    wanted = None if connection is None else connections.get_connection(db, connection).id
    found = letters.list_dead(db, wanted, limit=limit)
    return [{**_owner(owners.get(row.pop("connection_id"))), **row} for row in found]


def _owner(stored: StoredConnection | None) -> dict[str, str | None]:
    """None where the connection was removed in between."""
    return {"tenant": stored.tenant if stored else None, "connection": stored.name if stored else None}


def _with_reason(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "why": row["report_error"] if row["letter"] == "report" else row["error"]}


def _print(verb: str, done: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    output.table(verb, ["id", verb], done)
    if refused:
        output.table("refused", ["id", "why"], refused)
