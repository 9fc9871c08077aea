"""`hub tenant`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from hub.cli import exit_codes, output
from hub.cli.output import Json
from hub.cli.session import store
from hub.store import connections, erasure

app = typer.Typer(add_completion=False, help="Organisations or stores: every connection belongs to one.")

Tenant = Annotated[str, typer.Argument(help="A tenant.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, unique in this hub.")], as_json: Json = False
) -> None:
    """Add a tenant."""
    with store() as db:
        tenant_id = connections.add_tenant(db, name)
    output.show({"id": tenant_id, "name": name}, as_json, lambda: output.say(f"added the tenant {name}"))


@app.command()
def held(
    name: Tenant,
    person: Annotated[list[str], typer.Option(metavar="KEY", help="What the catalog calls the person.")],
    as_json: Json = False,
) -> None:
    """Show all that is kept of a person: in the catalog, in records, in quarantine."""
    with store() as db:
        found = erasure.held_of(db, connections.require_tenant(db, name), person)
    shown = {place: [output.presentable(row) for row in rows] for place, rows in found.items()}
    output.show(shown, as_json, lambda: _print_held(shown))


@app.command()
def erase(
    name: Tenant,
    person: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="What the catalog calls the person to erase.")
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="What stands for the person alone: e-mail address, telephone number."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="The tenant's connections, records and catalog.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a person from all that is kept for a tenant, or everything that it has. This cannot be undone."""
    if bool(person or text) == everything:
        raise typer.BadParameter("give either --person (with --text) or --everything")
    if not yes:
        typer.confirm(
            f"Erase {'everything' if everything else 'this person'} of {name} for good?", abort=True, err=True
        )
    with store() as db:
        tenant_id = connections.require_tenant(db, name)
        if everything:
            done = erasure.Erased(rows=erasure.erase_tenant(db, tenant_id))
        else:
            done = erasure.erase_person_by_hand(db, tenant_id=tenant_id, keys=person or (), texts=text or ())
    shown = {"tenant": name, "rows": done.rows, "in_hands": done.in_hands}
    output.show(shown, as_json, lambda: output.say(f"erased {done.rows} row(s) of {name}"))
    if done.in_hands:
        output.warn(f"error: {done.in_hands} record(s) are being worked just now: run it again")
        raise typer.Exit(exit_codes.TROUBLE)


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


def _print_held(shown: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    columns = {
        "catalog": ["key", "content", "created_at", "changed_at"],
        "records": ["connection", "stream", "key", "state", "admitted_at", "payload", "error"],
        "quarantine": ["id", "reason", "raw"],
    }
    for place, rows in shown.items():
        output.table(place, columns[place], rows, none="nothing")
