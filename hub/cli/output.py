"""How data is shown: as one JSON document, or as tables for people. Nothing else goes to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub import codec

#: Columns where standard output is no terminal: wide enough that nothing is cut.
PIPE_WIDTH = 240
#: Longest text in a table's cell, in characters.
CELL = 120

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]

#: How fields end that hold microseconds since 1970 (an attempt's is called ``at`` alone).
_TIMES = ("_at", "_until")


def show(value: Any, as_json: bool, people: Callable[[], None]) -> None:
    """``value`` as JSON, or what ``people`` prints."""
    if as_json:
        document(value)
    else:
        people()


def document(value: Any) -> None:
    """Print one JSON document."""
    text = msgspec.json.format(codec.dumps(value), indent=2).decode()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One line for people."""
    sys.stdout.write(f"{plain(text)}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """One line for people, on standard error."""
    sys.stderr.write(f"{plain(text)}\n")


def table(
    title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, none: str = "none"
) -> None:
    """Rows by column name; a column is called ``name`` or ``name=heading``."""
    shown = list(rows)
    if not shown:
        say(f"{title}: {none}")
        return
    drawn = Table(title=Text(title), title_justify="left", show_edge=False, pad_edge=False)
    names = [column.partition("=") for column in columns]
    for name, _, heading in names:
        drawn.add_column(Text((heading or name).replace("_", " ")), overflow="fold")
    for row in shown:
        drawn.add_row(*(Text(cell(row.get(name))) for name, _, _ in names))
    console().print(drawn)


def facts(title: str, values: Mapping[str, Any]) -> None:
    """Name and value of one thing, a line each, however long; what is None is left out."""
    shown = {
        name.replace("_", " "): cell(value, limit=None) for name, value in values.items() if value is not None
    }
    width = max(map(len, shown), default=0)
    say(title)
    for name, value in shown.items():
        say(f"  {name.ljust(width)}  {value}")


def console() -> Console:
    """Standard output, wide where nobody looks at it."""
    made = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    return made if made.is_terminal else Console(file=sys.stdout, highlight=False, width=PIPE_WIDTH)


def presentable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store with its times as text (ISO 8601, UTC)."""
    return {name: iso(value) if f"_{name}".endswith(_TIMES) else value for name, value in row.items()}


def iso(micros: int | None) -> str | None:
    """A time of the store, in microseconds, as text."""
    if micros is None:
        return None
    return (
        datetime.fromtimestamp(micros / 1_000_000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def cell(value: Any, *, limit: int | None = CELL) -> str:
    """A value as a person reads it, on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case int() | float():
            return str(value)
        case _:
            text = codec.dumps(value).decode()
    text = plain(text)
    return text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: str) -> str:
    """Without what could steer a terminal: control characters are spelled out, line breaks become blanks."""
    return "".join(character if character.isprintable() else _spelled(character) for character in text)


def _spelled(character: str) -> str:
    return " " if character in "\r\n\t" else f"\\x{ord(character):02x}"
