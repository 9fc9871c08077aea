"""`hub vtex`."""

from __future__ import annotations

import typer

from connectors.vtex.marketplace import commands as marketplace
from connectors.vtex.marketplace import load_command
from connectors.vtex.seller import commands as seller

app = typer.Typer(help="Accounts on VTEX.", no_args_is_help=True)
app.add_typer(seller.app, name="suggestions")
app.add_typer(marketplace.app, name="categories")
app.command()(marketplace.logs)
app.command()(load_command.load)


@app.callback()
def vtex() -> None:
    """Accounts on VTEX."""
