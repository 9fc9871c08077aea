"""`hub vtex`."""

from __future__ import annotations

import typer

from connectors.vtex.marketplace import commands as marketplace
from connectors.vtex.seller import commands as seller

app = typer.Typer(help="Accounts on VTEX.", no_args_is_help=True)
app.add_typer(seller.app, name="suggestions")
app.add_typer(marketplace.app, name="categories")
app.command()(marketplace.logs)


@app.callback()
def vtex() -> None:
    """Accounts on VTEX."""
