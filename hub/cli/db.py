"""`hub db`."""

from __future__ import annotations

import tempfile

import typer

from hub.cli import exit_codes, output
from hub.cli.output import Json
from hub.cli.session import begin
from hub.settings import Settings
from hub.store import migrate
from hub.store.database import Database, default_url

app = typer.Typer(add_completion=False, help="The store and its migrations.")


@app.command()
def upgrade(as_json: Json = False) -> None:
    """Bring the store to the shape that this version of the hub needs. Callers at the same time take turns."""
    db = _open(begin())
    try:
        revision = migrate.upgrade(db)
    finally:
        db.close()
    output.show({"revision": revision}, as_json, lambda: output.say(f"the store is at revision {revision}"))


@app.command()
def current(as_json: Json = False) -> None:
    """Show at which revision the store is, and whether this version of the hub works with it (1 if not)."""
    db = _open(begin())
    try:
        present, wanted = migrate.revisions(db)
    finally:
        db.close()
    output.show(
        {"revision": present, "needed": wanted, "current": present == wanted},
        as_json,
        lambda: output.say(f"the store is at revision {present or 'none'}; this hub needs {wanted}"),
    )
    if present != wanted:
        raise typer.Exit(exit_codes.TROUBLE)


@app.command()
def check(as_json: Json = False) -> None:
    """Check, on a temporary SQLite, that the migrations run from empty give what the models say (1 if not)."""
    with tempfile.TemporaryDirectory(prefix="hub-db-check-") as folder:
        db = Database(default_url(folder))
        try:
            migrate.upgrade(db)
            found = [str(difference) for difference in migrate.differences(db)]
        finally:
            db.close()
    output.show({"differences": found}, as_json, lambda: _print_differences(found))
    if found:
        raise typer.Exit(exit_codes.TROUBLE)


def _open(settings: Settings) -> Database:
    """The store as it is, whatever its revision."""
    if settings.database_url is not None:
        return Database(settings.database_url.get_secret_value())
    home = settings.home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Database(default_url(str(home)))


def _print_differences(found: list[str]) -> None:
    for difference in found:
        output.say(difference)
    output.say("migrations and models differ" if found else "migrations and models agree")
