"""`hub catalog`."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from hub import money
from hub.cli import catalog_views as views
from hub.cli import output
from hub.cli.output import Json
from hub.cli.session import store
from hub.errors import ConfigurationError, NotFoundError
from hub.excerpt import excerpt
from hub.store import connections
from hub.store.catalog import listing
from hub.store.database import Database

app = typer.Typer(add_completion=False, help="What connectors brought of a tenant's goods.")

#: By kind the commands about it.
GROUPS = {
    "product": typer.Typer(help="Products with their variants."),
    "category": typer.Typer(help="The tree of categories."),
    "stock": typer.Typer(help="How many of a variant there are at each location."),
    "price": typer.Typer(help="What variants cost."),
    "location": typer.Typer(help="Warehouses and shops that hold stock."),
    "customer": typer.Typer(help="Those who buy."),
}

Tenant = Annotated[
    str | None, typer.Option(help="Whose catalog; may be left out where the hub has one tenant.")
]
Key = Annotated[str, typer.Argument(help="Its key, as the list shows it.")]
After = Annotated[str, typer.Option(metavar="KEY", help="Begin behind this key: the last one of a page.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
Gone = Annotated[bool, typer.Option("--gone", help="Also those that were deleted.")]
Variant = Annotated[str | None, typer.Option(metavar="KEY", help="Only those of this variant.")]


@GROUPS["product"].command("list")
def list_products(
    sku: Annotated[str | None, typer.Option(help="Only those with a variant of this SKU.")] = None,
    category: Annotated[str | None, typer.Option(metavar="KEY", help="Only those in this category.")] = None,
    tenant: Tenant = None,
    after: After = "",
    limit: Limit = 50,
    gone: Gone = False,
    as_json: Json = False,
) -> None:
    """List products by key."""
    _list("product", tenant, after, limit, gone, as_json, sku=sku, category=category)


@GROUPS["stock"].command("list")
def list_stock(
    variant: Variant = None,
    location: Annotated[str | None, typer.Option(metavar="KEY", help="Only at this location.")] = None,
    out_of_stock: Annotated[
        bool, typer.Option("--out-of-stock", help="Only levels at or below their threshold (without one: 0).")
    ] = False,
    tenant: Tenant = None,
    after: After = "",
    limit: Limit = 50,
    gone: Gone = False,
    as_json: Json = False,
) -> None:
    """List stock levels by key."""
    wanted = {"variant": variant, "location": location, "out_of_stock": out_of_stock or None}
    _list("stock", tenant, after, limit, gone, as_json, **wanted)


@GROUPS["price"].command("list")
def list_prices(
    variant: Variant = None,
    currency: Annotated[
        str | None, typer.Option(help="Only in this currency: a code such as USD, in any case.")
    ] = None,
    tenant: Tenant = None,
    after: After = "",
    limit: Limit = 50,
    gone: Gone = False,
    as_json: Json = False,
) -> None:
    """List prices by key."""
    code = None if currency is None else _currency(currency)
    _list("price", tenant, after, limit, gone, as_json, variant=variant, currency=code)


@app.command()
def stats(
    tenant: Annotated[str | None, typer.Option(help="This one alone.")] = None, as_json: Json = False
) -> None:
    """Count what there is of each kind, for every tenant, and name the systems of record."""
    with store() as db:
        names = [row["name"] for row in connections.list_tenants(db)] if tenant is None else [tenant]
        found = [_stats(db, name) for name in names]
    output.show(found, as_json, lambda: views.print_stats(found))


def _currency(text: str) -> str:
    try:
        return money.code(text)
    except ValueError as error:
        raise ConfigurationError(str(error), field="--currency") from None


def _add_list(kind: str) -> None:
    @GROUPS[kind].command("list", help=f"List {views.LISTS[kind][0]} by key.")
    def list_(
        tenant: Tenant = None,
        after: After = "",
        limit: Limit = 50,
        gone: Gone = False,
        as_json: Json = False,
    ) -> None:
        _list(kind, tenant, after, limit, gone, as_json)


def _add_show(kind: str) -> None:
    title = views.LISTS[kind][0]

    @GROUPS[kind].command("show", help=f"Show one of the {title} whole, and where it came from.")
    def show(key: Key, tenant: Tenant = None, as_json: Json = False) -> None:
        with store() as db:
            stored = listing.shown(db, _tenant_id(db, tenant), kind, key)
        if stored is None:
            raise NotFoundError(
                f"{excerpt(key)} is none of the {title} of this tenant; `hub catalog {title} list` shows them"
            )
        found = views.whole(stored)
        output.show(found, as_json, lambda: views.print_whole(found))


for _kind, _group in GROUPS.items():
    if not _group.registered_commands:
        _add_list(_kind)
    _add_show(_kind)
    app.add_typer(_group, name=views.LISTS[_kind][0])


def _list(
    kind: str, tenant: str | None, after: str, limit: int, gone: bool, as_json: bool, **filters: Any
) -> None:
    with store() as db:
        found = listing.listed(
            db, _tenant_id(db, tenant), kind, after=after, limit=limit + 1, gone=gone, filters=filters
        )
    rows = [views.line(kind, row) for row in found[:limit]]

    def people() -> None:
        views.print_list(kind, rows, gone=gone)
        if len(found) > limit:
            output.say(f"there are more: --after {shlex.quote(rows[-1]['key'])}")

    output.show(rows, as_json, people)


def _stats(db: Database, tenant: str) -> dict[str, Any]:
    tenant_id = connections.require_tenant(db, tenant)
    return views.stats(tenant, listing.counts(db, tenant_id), listing.owned(db, tenant_id))


def _tenant_id(db: Database, name: str | None) -> int:
    if name is not None:
        return connections.require_tenant(db, name)
    tenants = connections.list_tenants(db)
    if not tenants:
        raise ConfigurationError("there is no tenant yet; `hub tenant add NAME` adds one")
    if len(tenants) > 1:
        raise ConfigurationError(
            "this hub has several tenants; name one of those that `hub tenant list` shows", field="--tenant"
        )
    return int(tenants[0]["id"])
