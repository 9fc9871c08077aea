"""`hub import`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from hub import event_loop
from hub.cli import exit_codes, output, run, session
from hub.cli.output import Json
from hub.connector import ImportReport
from hub.loop import imports
from hub.loop import plan as planning
from hub.runtime import Runtime

T = TypeVar("T")


def import_(  # each is an option
    name: Annotated[str, typer.Argument(help="A connection that imports.")],
    *,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only say what would come: counts, a sample, warnings and a hash."),
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="Import only if that is still what the preview with this hash said; "
            f"{planning.LEAST_OF_A_HASH} characters of it will do.",
            show_default=False,
        ),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say how the import goes, or went.")] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Give up the import that is under way; what was read goes in.")
    ] = False,
    wait: run.Wait = 60.0,
    processes: run.Processes = None,
    as_json: Json = False,
) -> None:
    """Bring in all that the source has, in the foreground, until nothing is left, and say what came.

    Again and again without duplicates: what is known is left alone, what is gone is marked. One that is under way is gone
    on with. Ends as `hub run` does, and with 1 where no import was made. `hub connection pause` and `resume` hold an import
    and let it go on.
    """
    if sum([preview, status, cancel]) > 1 or (plan is not None and (preview or status or cancel)):
        raise typer.BadParameter("one of --preview, --plan, --status and --cancel at a time")
    if preview:
        _show_preview(name, as_json)
    elif cancel:
        _cancel(name, as_json)
    elif status:
        _show_report(name, as_json)
    else:
        if plan is not None:
            held = plan
            _with_runtime(lambda runtime: planning.hold(runtime, name, held))
        _import(name, wait, processes, as_json)


def _import(name: str, wait: float, processes: int | None, as_json: bool) -> None:
    before = _with_runtime(lambda runtime: imports.report(runtime, name))
    goes_on = before is not None and before.state in ("running", "settling") and before.full
    summary = run.drained(name, wait=wait, processes=processes, quiet=as_json, full_pass=not goes_on)
    report = _with_runtime(lambda runtime: imports.report(runtime, name))
    made = None if report is None or report.state == "beginning" else report
    shown = {**run.shown_of(summary), "import": None if made is None else _as_row(made)}
    output.show(shown, as_json, lambda: _say_report(name, made) if made else None)
    run.end(name, summary, trouble=_what_is_left(name, made))


def _what_is_left(name: str, made: ImportReport | None) -> str | None:
    """That this was no import from its beginning to its end; what is in its way is said before."""
    if made is None:
        return (
            f"no import has begun; it is still asked for, and begins once {name} can be polled. "
            f"`hub import {name} --cancel` gives that up"
        )
    if made.state == "cancelled":
        return f"the import {made.name} was cancelled: `hub import {name}` begins another one"
    if made.state in ("running", "settling") and made.full:
        return f"the import {made.name} has not ended: `hub import {name}` goes on with it"
    return None


def _cancel(name: str, as_json: bool) -> None:
    done = _with_runtime(lambda runtime: imports.cancel(runtime, name))
    shown = {
        "connection": name,
        "cancelled": done.outcome == "cancelled",
        "outcome": done.outcome,
        "import": None if done.last is None else done.last.name,
    }
    said = f"{name}: {_said_of(done)}"
    output.show(shown, as_json, lambda: output.say(said) if done.outcome == "cancelled" else None)
    if done.outcome != "cancelled":
        output.warn(f"error: {said}")
        raise typer.Exit(exit_codes.TROUBLE)


def _said_of(done: imports.Cancelled) -> str:
    last = done.last
    if done.outcome == "cancelled":
        return f"cancelled {last.name}" if last and last.name else "cancelled before its first poll"
    if last is None:
        return "nothing is under way, and there was no import yet"
    if last.state == "settling":
        return f"nothing is left to give up: the import {last.name} is read to the end, and what was read goes in"
    ended = "was cancelled already" if last.state == "cancelled" else "had ended already"
    at = f", at {last.ended_at.isoformat()}" if last.ended_at else ""
    if done.outcome == "ended":
        return f"the import {last.name} {ended}{at}, before it could be given up"
    return f"nothing is under way: the last import, {last.name}, {ended}{at}"


def _show_preview(name: str, as_json: bool) -> None:
    found = planning.as_json(_with_runtime(lambda runtime: planning.plan(runtime, name)))

    def show() -> None:
        output.facts(f"preview of {name}", {"hash": found["hash"]})
        output.table("what would come", ["resource", *_verbs(found["counts"])], _by_resource(found["counts"]))
        output.table("sample", sorted({key for row in found["sample"] for key in row}), found["sample"])
        for warning in found["warnings"]:
            output.warn(warning)
        output.say(f"`hub import {name} --plan {found['hash']}` imports exactly this")

    output.show(found, as_json, show)


def _verbs(counts: Mapping[str, int]) -> Sequence[str]:
    return list(dict.fromkeys(name.rpartition(".")[2] for name in counts))


def _by_resource(counts: Mapping[str, int]) -> Sequence[Mapping[str, Any]]:
    """A row a resource out of ``products.created``; of counts without a resource one row."""
    rows: dict[str, dict[str, Any]] = {}
    for name, count in counts.items():
        resource, _, verb = name.rpartition(".")
        rows.setdefault(resource, {"resource": resource or "all"})[verb] = count
    return list(rows.values())


def _show_report(name: str, as_json: bool) -> None:
    report = _with_runtime(lambda runtime: imports.report(runtime, name))
    shown = {"connection": name, "import": None if report is None else _as_row(report)}
    output.show(shown, as_json, lambda: _say_report(name, report))


def _say_report(name: str, report: ImportReport | None) -> None:
    if report is None:
        output.say(f"{name}: no import yet")
        return
    if report.state == "beginning":
        asked_for = report.started_at.isoformat()
        output.facts(f"import of {name}", {"state": report.state, "asked_for_at": asked_for})
        output.say("its first poll is not over")
        return
    times = {
        "started_at": report.started_at.isoformat(),
        "ended_at": report.ended_at and report.ended_at.isoformat(),
    }
    output.facts(f"import of {name}", {"import": report.name, "state": report.state, **times})
    rows = [{"resource": resource, **counts} for resource, counts in report.resources.items()]
    columns = ["resource", "read", "created", "updated", "unchanged", "gone", "rejected"]
    output.table("resources", columns, [{column: row.get(column, 0) for column in columns} for row in rows])
    for warning in report.warnings:
        output.warn(warning)


def _as_row(report: ImportReport) -> dict[str, object]:
    row = asdict(report)
    return {
        **row,
        "started_at": report.started_at.isoformat(),
        "ended_at": report.ended_at and report.ended_at.isoformat(),
    }


def _with_runtime(ask: Callable[[Runtime], Awaitable[T]]) -> T:
    settings = session.begin()

    async def asked() -> T:
        async with session.runtime(settings) as runtime:
            return await ask(runtime)

    return event_loop.run(asked())
