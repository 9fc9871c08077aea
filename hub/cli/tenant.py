"""`hub tenant`."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import store
from hub.store import connections

app = typer.Typer(add_completion=False, help="Organisations or stores: every connection belongs to one.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, unique in this hub.")], as_json: Json = False
) -> None:
    """Add a tenant."""
    with store() as db:
        tenant_id = connections.add_tenant(db, name)
    output.show({"id": tenant_id, "name": name}, as_json, lambda: output.say(f"added the tenant {name}"))


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List all tenants."""
    with store() as db:
        tenants = [output.presentable(row) for row in connections.list_tenants(db)]
    output.show(
        tenants,
        as_json,
        lambda: output.table(
            "tenants",
            ["name", "connections", "created_at"],
            tenants,
            none="none yet; `hub tenant add NAME` adds one",
        ),
    )
