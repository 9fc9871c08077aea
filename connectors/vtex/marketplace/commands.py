"""`hub vtex categories` and `hub vtex logs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from connectors.vtex.marketplace import categories
from connectors.vtex.marketplace.connector import VtexMarketplace
from connectors.vtex.marketplace.log_codes import CATEGORY
from connectors.vtex.marketplace.log_query import Asked, BadQueryError, day, statuses
from connectors.vtex.marketplace.logs import Line
from hub.commands import Json, Opened, output, with_connection
from hub.errors import ConfigurationError
from hub.records import JSON

app = typer.Typer(help="Categories of VTEX, and what they are mapped to.", no_args_is_help=True)

CATEGORIES = [
    "category=VTEX id",
    "path=VTEX category",
    "mapped_to=marketplace category",
    "waiting=SKUs that wait",
]
LOGS = ["at", "sku", "code", "status", "operation", "message"]

Name = Annotated[str, typer.Argument(help="A connection of vtex-marketplace.")]


@app.command("list")
def list_(name: Name, as_json: Json = False) -> None:
    """List categories that are mapped, and those that SKUs wait for."""

    async def listed(opened: Opened[VtexMarketplace]) -> list[JSON]:
        plugin = opened.connector
        return await categories.listed(plugin.categories, plugin.history, plugin.ports.ids)

    rows = with_connection(name, VtexMarketplace, listed)
    shown = [{**row, "mapped_to": row["marketplace_category"] or "not mapped"} for row in rows]
    output.show(rows, as_json, lambda: output.table(f"categories of {name}", CATEGORIES, shown))


@app.command("map")
def map_(
    name: Name,
    vtex_id: Annotated[str, typer.Argument(help="A VTEX category's id, as the list shows it.")],
    marketplace_id: Annotated[str, typer.Argument(help="The id of the marketplace's category.")],
    as_json: Json = False,
) -> None:
    """Map a category; SKUs that wait for it go on at once."""

    async def mapped(opened: Opened[VtexMarketplace]) -> tuple[JSON, Sequence[str]]:
        plugin = opened.connector
        found, warnings = await categories.map_one(
            plugin.categories, plugin.ports.marketplace, vtex_id, marketplace_id
        )
        woken = await opened.wake(f"{CATEGORY}{vtex_id}")
        return {**found, "woken": woken, "status": opened.status}, warnings

    found, warnings = with_connection(name, VtexMarketplace, mapped)
    for warning in warnings:
        output.warn(f"warning: {warning}")
    output.show(found, as_json, lambda: _print_mapped(found))


@app.command()
def push(name: Name, as_json: Json = False) -> None:
    """Register with VTEX Mapper and send it the marketplace's category tree, whether it has changed or not."""

    async def pushed(opened: Opened[VtexMarketplace]) -> JSON:
        plugin = opened.connector
        marketplace = plugin.ports.marketplace
        tree = None if marketplace is None else await marketplace.categories()
        if not tree:
            raise ConfigurationError(
                "the destination has no category tree to send: VTEX Mapper is not needed for it", field="name"
            )
        kept = await plugin.mapper.keep(tree, anyway=True)
        return {"id": kept.id, "categories": kept.categories, "response_code": kept.status}

    found = with_connection(name, VtexMarketplace, pushed)
    output.show(found, as_json, lambda: output.facts(f"VTEX Mapper has the category tree of {name}", found))


def logs(
    name: Name,
    date: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="A day in the connection's time zone; today by default.")
    ] = "",
    status: Annotated[
        list[str] | None,
        typer.Option(help="success, error, warning, pending or all; several, or divided by commas."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many messages.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what VTEX is told of a day: each SKU's message, newest first."""

    async def read(opened: Opened[VtexMarketplace]) -> list[Line]:
        plugin = opened.connector
        since, until = day(date, zone=plugin.logs.zone, now=plugin.ports.clock.now())
        asked = Asked(since=since, until=until, statuses=statuses(status or ()))
        lines: list[Line] = []
        async for page in plugin.logs.pages(asked):
            lines += page.lines
            if len(lines) >= limit:
                break
        return lines[:limit]

    try:
        lines = with_connection(name, VtexMarketplace, read)
    except BadQueryError as error:
        field, _, text = str(error).partition(": ")
        raise ConfigurationError(text, field="--date" if field == "DateAt" else "--status") from None
    rows = [_shown(line) for line in lines]
    output.show(rows, as_json, lambda: output.table(f"logs of {name}", LOGS, rows))


def _shown(line: Line) -> JSON:
    at = line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {"at": at, "sku": line.sku, "code": line.code, "status": line.status, "operation": line.operation}
    return {**own, "message": line.message, **line.payload()}


def _print_mapped(found: JSON) -> None:
    named = f" ({found['path']})" if found["path"] else ""
    verb = "is mapped" if found["changed"] else "was mapped already"
    output.say(f"{found['category']} {verb} to {found['marketplace_category']}{named}")
    if found["woken"]:
        live = found["status"] == "live"
        when = (
            "as soon as a worker of the hub runs"
            if live
            else f"once the connection runs: it is {found['status']}"
        )
        output.say(f"{found['woken']} SKU(s) that waited for it go on {when}")
