"""`hub export`, and the progress that both it and `hub run` show in a terminal."""

from __future__ import annotations

import os
import pty
import re
from pathlib import Path

import pytest

from hub.testing.faults import Faults
from tests.cli.conftest import Hub, Served
from tests.forked import Forked

#: Seconds that something may take which takes no time on a machine at rest.
SOON = 60.0


def in_terminal(*arguments: str) -> tuple[int, str]:
    """Run `hub …` with a terminal on standard output and standard error; its exit code and all that it drew."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    drawn = b""
    try:
        with Forked(arguments, environment, terminal=theirs) as process:
            os.close(theirs)
            while chunk := _read(ours):
                drawn += chunk
            return process.wait(timeout=SOON), drawn.decode()
    finally:
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody holds the other end any more
        return b""


def plain(drawn: str) -> str:
    """Without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


@pytest.mark.parametrize("command", (("run", "prices", "--drain"), ("export", "prices")))
def test_a_terminal_shows_progress_by_records(
    hub: Hub, prices: str, destination: Served, command: tuple[str, ...]
) -> None:
    """How many of all that are known are done; it is gone in the end, and the summary stands there."""
    destination.app.faults.set([Faults(latency_ms=1000, match="POST")])
    code, drawn = in_terminal(*command)
    bar, _, summary = plain(drawn).rpartition("/20 ")

    assert code == 0, plain(drawn)
    assert re.search(r"prices +━+ +0(/20|$)", bar)
    assert re.search(r"succeeded +20\s", summary)
    assert "\x1b[?25h" in drawn, "the cursor is shown again"


def test_json_and_pipes_show_no_progress(hub: Hub, prices: str) -> None:
    """Standard output is one document; a script's log is not filled with bars."""
    code, drawn = in_terminal("export", prices, "--json")
    piped = hub("run", prices, "--drain")

    assert (code, drawn.lstrip()[0], drawn.rstrip()[-1]) == (0, "{", "}")
    assert "\x1b" not in drawn
    assert piped.stderr == ""
    assert "\x1b" not in piped.stdout


def test_an_export_is_a_drain(hub: Hub, prices: str, destination: Served) -> None:
    """The same summary, the same exit codes."""
    assert hub.json("export", prices)["succeeded"] == 20
    assert hub.json("export", prices)["polled"] == 0
    assert "hub connection list" in hub.refused("export", "nobody")


def test_an_import_is_no_export(hub: Hub, acme: str, tmp_path: Path) -> None:
    """It is not run under another name than its own, and is told what to use."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "product_export1_1.jsonl").write_text("")
    settings = f'url = "{tmp_path / "in"}"\ntenant_id = "T"\nquiet_seconds = 0'
    text = f'connector = "merchstack"\n[settings]\n{settings}\n[destination]\nname = "catalog"\n'
    hub.ok("connection", "add", "shop-in", "--tenant", acme, "--config", hub.write(text))

    line = hub.refused("export", "shop-in")

    assert line == ("shop-in imports into the catalog and exports nothing; `hub run shop-in --drain` runs it")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["product_export1_1.jsonl"]


def test_an_export_that_is_not_finished_says_so(hub: Hub, prices: str, destination: Served) -> None:
    """What is left is named, and it ends with 1."""
    destination.app.faults.set([Faults(error=1, match="POST")])
    result = hub("export", prices, "--wait", "0", "--json")

    assert result.exit_code == 1
    assert "20 records are left" in result.stderr


def test_a_full_export_begins_from_the_start(hub: Hub, prices: str, source: Served) -> None:
    """It asks for a full pass, which is still owed when its first poll fails, and done with the first that does not."""

    def owed() -> bool:
        return bool(hub.json("connection", "show", prices)["schedule"]["full_pass"])

    source.app.faults.set([Faults(error=1, match="GET")])
    assert hub("export", prices).exit_code == 1
    assert not owed()
    assert hub("export", prices, "--full").exit_code == 1
    assert owed()

    source.app.faults.set([])
    assert hub.json("export", prices)["succeeded"] == 20
    assert not owed()
