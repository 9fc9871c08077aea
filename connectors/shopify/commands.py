"""`hub shopify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.shopify.settings import shop_domain
from connectors.shopify.tokens import AUTHORISED_AT
from hub.commands import Json, Wanted, connect_in_browser, read_connection_file
from hub.errors import ConfigurationError
from hub.records import JSON

#: Where the app's secret is read from; a command line can be read by everybody on the machine.
SECRET_VARIABLE = "SHOPIFY_CLIENT_SECRET"  # noqa: S105 - the name of a variable

app = typer.Typer(help="Shops on Shopify.", no_args_is_help=True)


@app.callback()
def shopify() -> None:
    """Shops on Shopify."""


@app.command()
def connect(
    name: Annotated[str, typer.Argument(help="The connection; it is added if it is not there.")],
    shop: Annotated[str, typer.Option(help="The shop's own domain, such as example.myshopify.com.")],
    tenant: Annotated[str, typer.Option(help="Whose connection it is.")],
    client_id: Annotated[
        str | None,
        typer.Option(
            envvar="SHOPIFY_CLIENT_ID", help=f"The app's; its secret is read from {SECRET_VARIABLE}."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A connection file with more settings, for one that is added and no other."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the shop's owner.")] = 1200,
    as_json: Json = False,
) -> None:
    """Print a link for the shop's owner, wait until access is granted, and say what is connected then (1 if nothing is).

    `hub up` or `hub web` has to run meanwhile. A connection that is there is authorised anew.
    """
    try:
        domain = shop_domain(shop)
    except ValueError as error:
        raise ConfigurationError(str(error), field="--shop") from None
    wanted = Wanted(
        name=name,
        tenant=tenant,
        connector="shopify",
        same={"shop": domain, "client_id": client_id},
        written=lambda: _written(domain, client_id, config),
        signal=AUTHORISED_AT,
        only_new=() if config is None else ("--config",),
    )
    connect_in_browser(wanted, timeout=timeout, as_json=as_json)


def _written(shop: str, client_id: str | None, config: Path | None) -> JSON:
    """The connection file of one that is added: what is given here, laid over the file."""
    file: dict[str, Any] = {} if config is None else read_connection_file(config)
    settings, credentials = dict(file.get("settings") or {}), dict(file.get("credentials") or {})
    if client_id is None and "client_id" not in settings:
        raise ConfigurationError("is missing; name the app (or set SHOPIFY_CLIENT_ID)", field="--client-id")
    settings |= {"shop": shop} | ({} if client_id is None else {"client_id": client_id})
    return {
        "destination": {"name": "catalog"},
        **file,
        "connector": "shopify",
        "settings": settings,
        "credentials": {"client_secret": f"env:{SECRET_VARIABLE}"} | credentials,
    }
