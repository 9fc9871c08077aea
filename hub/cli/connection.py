"""`hub connection`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hub import codec, connection_file, connection_save, event_loop
from hub.cli import connection_fields, exit_codes, output, session
from hub.cli import connection_views as views
from hub.cli.output import Json
from hub.connection_save import Saved
from hub.errors import ConfigurationError, HubError
from hub.loop import disconnect as disconnects
from hub.loop import plan as planning
from hub.loop.authorization import begin_authorization
from hub.loop.disconnect import Disconnected
from hub.records import JSON
from hub.settings import Settings
from hub.store import connections
from hub.store import history as histories
from hub.store.connections import StoredConnection

app = typer.Typer(add_completion=False, help="A tenant's configured use of a connector.")

Name = Annotated[str, typer.Argument(help="A connection.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it: letters, digits, '.', '-' and '_'.")],
    tenant: Annotated[str, typer.Option(help="Whose it is.")],
    config: Annotated[Path, typer.Option(metavar="FILE", help="A .toml or .json file.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Give it new settings if it exists already.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Ask both sides whether they can be reached.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Check a connection and store it, its credentials encrypted. What is refused leaves nothing behind."""
    settings = session.begin()
    file = connection_file.read(config)

    async def save() -> Saved:
        async with session.runtime(settings) as runtime:
            return await connection_save.save(
                runtime, tenant=tenant, name=name, file=file, check=check, replace=replace
            )

    saved = event_loop.run(save())
    output.show(views.saved(saved), as_json, lambda: views.print_saved(saved))


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None, as_json: Json = False
) -> None:
    """List connections."""
    with session.store() as db:
        if tenant is not None:
            connections.require_tenant(db, tenant)
        rows = [views.line(db, stored) for stored in connections.list_connections(db, tenant)]
    output.show(rows, as_json, lambda: views.print_lines(rows))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show settings, schedule and tallies. Credentials are never shown."""
    with session.store_with(name) as (db, stored):
        found = views.whole(db, stored)
    output.show(found, as_json, lambda: views.print_whole(found))


@app.command()
def check(name: Name, as_json: Json = False) -> None:
    """Ask both sides whether they can be reached with these credentials (1 if not). Nothing is written."""
    settings = session.begin()
    found = event_loop.run(_check(settings, name))
    output.show(found, as_json, lambda: views.print_check(found))
    if not found["ok"]:
        output.warn(f"error: {found['error']}")
        raise typer.Exit(exit_codes.TROUBLE)


@app.command()
def authorize(name: Name, as_json: Json = False) -> None:
    """Print a link to open in a browser, once and within ten minutes, for a connector that is authorised there."""
    settings = session.begin()

    async def begin() -> str:
        async with session.runtime(settings) as runtime:
            return await begin_authorization(runtime, name)

    link = event_loop.run(begin())
    output.show({"connection": name, "link": link}, as_json, lambda: output.say(link))


@app.command()
def plan(name: Name, as_json: Json = False) -> None:
    """Say what a run would change, without a write, for a connector that can tell."""
    settings = session.begin()

    async def ask() -> JSON:
        async with session.runtime(settings) as runtime:
            return planning.as_json(await planning.plan(runtime, name))

    found = event_loop.run(ask())
    output.show(found, as_json, lambda: output.facts(f"plan of {name}", found))


@app.command()
def pause(name: Name, as_json: Json = False) -> None:
    """Poll and push nothing until it is resumed. What was pushed is still reported."""
    _set_paused(name, True, as_json)


@app.command()
def resume(name: Name, as_json: Json = False) -> None:
    """Go on, at once; refused credentials and a failed connection get a new chance."""
    _set_paused(name, False, as_json)


@app.command()
def disconnect(name: Name, as_json: Json = False) -> None:
    """Give up its access: the platform is asked to void it, credentials are erased. Nothing imported is deleted."""
    settings = session.begin()

    async def give_up() -> Disconnected:
        async with session.runtime(settings) as runtime:
            stored = await runtime.db.run(connections.get_connection, runtime.db, name)
            return await disconnects.disconnect(runtime, stored.id) or Disconnected()

    done = event_loop.run(give_up())
    output.show(
        {"name": name, "disconnected": True, "revoked": done.revoked, "warning": done.warning},
        as_json,
        lambda: views.print_disconnected(name, done.revoked, done.warning),
    )


@app.command("set")
def set_(
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(metavar="FIELD=VALUE...", help="As settings.url=… or credentials.key=env:NAME."),
    ],
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Ask both sides whether they can be reached.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Give a connection some new settings or credentials; one that was disconnected is live again."""
    settings = session.begin()

    async def save() -> Saved:
        async with session.runtime(settings) as runtime:
            stored = await runtime.db.run(connections.get_connection, runtime.db, name)
            file = connection_fields.changed(runtime.file_of(stored), values)
            return await connection_save.save(
                runtime, tenant=stored.tenant, name=name, file=file, check=check, replace=True
            )

    saved = event_loop.run(save())
    output.show(views.saved(saved), as_json, lambda: views.print_saved(saved))


@app.command()
def history(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="Lines, newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """Show who did what with a connection, and when; also with one that was removed."""
    with session.store() as db:
        rows = [output.presentable(row) for row in histories.of_connection(db, name, limit=limit)]
    columns = ["at", "what", "who", "facts", "tenant"]
    output.show(rows, as_json, lambda: output.table(f"history of {name}", columns, rows))


@app.command()
def rewind(
    name: Name,
    cursor: Annotated[str | None, typer.Option(metavar="JSON", help="Where the next poll begins.")] = None,
    full_pass: Annotated[
        bool, typer.Option("--full-pass", help="The next poll begins from the start.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Edit the cursor, or ask for a full pass. The next poll is due at once."""
    if (cursor is not None) == full_pass:
        raise typer.BadParameter("give either --cursor or --full-pass")
    wanted = None if cursor is None else _cursor(cursor)
    with session.store_with(name) as (db, stored):
        views.require_polls(db, stored)
        connections.rewind(db, name, cursor=wanted, full_pass=full_pass)
        found = views.whole(db, stored)["schedule"]
    text = "the next poll is a full pass" if full_pass else f"the next poll begins at {output.cell(wanted)}"
    output.show(found, as_json, lambda: output.say(f"{name}: {text}"))


@app.command()
def remove(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Even with open or unreported records.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a connection and all that it owns: records, runs, dead letters, ids."""
    with session.store_with(name) as (db, _):
        connections.remove_connection(db, name, even_if_open=force)
    output.show({"name": name, "removed": True}, as_json, lambda: output.say(f"removed {name}"))


async def _check(settings: Settings, name: str) -> dict[str, Any]:
    async with session.runtime(settings) as runtime:
        stored = await runtime.db.run(connections.get_connection, runtime.db, name)
        pipeline = runtime.assemble(stored)
        try:
            checks = await connection_save.check_sides(pipeline)
        except HubError as error:
            return {"name": name, "ok": False, "error": str(error)}
        finally:
            await pipeline.close()
    return {"name": name, "ok": True, **views.checks(checks)}


def _set_paused(name: str, paused: bool, as_json: bool) -> None:
    with session.store_with(name) as (db, _):
        connections.set_paused(db, name, paused)
        stored: StoredConnection = connections.get_connection(db, name)
    shown = {"name": name, "paused": stored.paused, "status": stored.shown_status}
    output.show(shown, as_json, lambda: output.say(f"{name} is {'paused' if paused else 'resumed'}"))


def _cursor(text: str) -> JSON:
    try:
        value = codec.loads(text)
    except codec.DecodeError as error:
        raise ConfigurationError(f"is no JSON: {error}", field="--cursor") from None
    if not isinstance(value, dict):
        raise ConfigurationError("has to be a JSON object, such as {}", field="--cursor")
    return value
