"""`hub secrets`."""

from __future__ import annotations

import typer

from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import begin
from hub.secrets import new_key as make_key
from hub.secrets import secret_box
from hub.store import connections
from hub.store.opening import open_store

app = typer.Typer(add_completion=False, help="The keys that credentials are encrypted with.")


@app.command("new-key")
def new_key() -> None:
    """Make a key for HUB_SECRET_KEYS and print it. Nothing is stored."""
    typer.echo(make_key())


@app.command()
def rotate(as_json: Json = False) -> None:
    """Encrypt all credentials anew, with the newest (first) key of HUB_SECRET_KEYS. All or none."""
    settings = begin()
    box = secret_box(settings)
    db = open_store(settings)
    try:
        number = connections.reencrypt(db, box.rotate)
    finally:
        db.close()
    output.show(
        {"connections": number},
        as_json,
        lambda: output.say(f"encrypted with the newest key: the credentials of {number} connection(s)"),
    )
