"""`hub vtex suggestions`."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from connectors.vtex.seller import desk
from connectors.vtex.seller.connector import VtexSeller
from connectors.vtex.seller.standing import Known
from hub.commands import Json, Opened, output, with_connection
from hub.errors import ConfigurationError
from hub.records import JSON

app = typer.Typer(help="What became of SKUs that a marketplace was offered.", no_args_is_help=True)

STATES = get_args(Known)
COLUMNS = ["sku", "state", "since", "sent", "said=the marketplace calls it", "reason"]

Name = Annotated[str, typer.Argument(help="A connection of vtex-seller.")]
Sku = Annotated[str, typer.Argument(help="The seller's SKU id, as the list shows it.")]


@app.command("list")
def list_(
    name: Name,
    state: Annotated[str | None, typer.Option(help=f"Only those in this state: {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    after: Annotated[
        str, typer.Option(metavar="SKU", help="Begin behind this SKU: the last one of a page.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List SKUs by id, with what the hub knows of them at the marketplace."""
    if state is not None and state not in STATES:
        raise ConfigurationError(f"{state!r} is no state; it is one of {', '.join(STATES)}", field="--state")

    async def listed(opened: Opened[VtexSeller]) -> list[JSON]:
        return await desk.listed(opened.connector.ports.ids, state=state, after=after, limit=limit)

    rows = with_connection(name, VtexSeller, listed)
    output.show(rows, as_json, lambda: output.table(f"suggestions of {name}", COLUMNS, rows))


@app.command()
def show(name: Name, sku: Sku, as_json: Json = False) -> None:
    """Show what is known of a SKU at the marketplace, and what became of it last."""
    found = with_connection(name, VtexSeller, lambda opened: desk.shown(opened, sku))
    output.show(found, as_json, lambda: _print_shown(found))


@app.command()
def forget(name: Name, sku: Sku, as_json: Json = False) -> None:
    """Take a suggestion back that is pending or was denied, forget what is known of the SKU, and offer it anew."""
    done = with_connection(name, VtexSeller, lambda opened: desk.forget(opened, sku))
    output.show(done, as_json, lambda: _print_forgotten(done))


def _print_shown(found: JSON) -> None:
    record = found["record"]
    output.facts(
        found["sku"], {name: value for name, value in found.items() if name not in {"sku", "record"}}
    )
    if record is not None:
        output.facts("the last record", record)


def _print_forgotten(done: JSON) -> None:
    was: dict[str, Any] = done["known"] or {}
    there = (
        f"its suggestion, {done['found']} there, was taken back"
        if done["taken_back"]
        else "the marketplace has no suggestion of it to take back"
    )
    output.say(f"{done['sku']}: {there}")
    output.say(f"forgotten: {was['state']} since {was['since']}" if was else "there was nothing to forget")
    live = done["status"] == "live"
    output.say(
        "it is offered anew as soon as a worker of the hub runs"
        if live
        else f"it is offered anew once the connection runs: it is {done['status']}"
    )
