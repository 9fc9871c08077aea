"""`hub run --drain` with more processes than one: who else works, and that nobody outlives the one that is helped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from hub.testing.books import assert_books_balance
from tests.connectors.merchstack.import_world import jsonl, product
from tests.forked import Forked
from tests.loop.hub_of_a_test import Hub
from tests.merchstack.shop import Inbox

FILE = "product_export90100_1.jsonl"
PRODUCTS = 600
#: Seconds that a process may take to end.
PATIENCE = 60.0

#: Helpers alone, without the drain that they help: it polls nothing and works nothing.
ALONE = """
import asyncio, os, signal, sys
from collections import Counter
from hub.cli import session
from hub.cli.helpers import helpers

total = Counter()

async def work(ready):
    done = asyncio.Event()

    def hear(states):
        total.update(states)
        if os.environ.get("DIE"):
            print("working", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if total.total() >= int(os.environ["PRODUCTS"]):
            done.set()

    ready.begin(int(os.environ["CONNECTION"]), at_once=2, on_done=hear)
    await done.wait()
    await ready.end()

with helpers(session.begin(), redis_url=None, processes=3, load=lambda: None) as ready:
    asyncio.run(work(ready))
print(ready.number, dict(total))
"""


#: How many there are by default, on one core and on all of them, and how often was loaded what they need.
NUMBERS = """
import os
from hub.cli import session
from hub.cli.helpers import helpers

loads = []

def number(**given):
    with helpers(session.begin(), redis_url=None, load=lambda: loads.append(1), **given) as ready:
        return ready.number, len(loads)

cores = os.sched_getaffinity(0)
everywhere = number()
alone = number(processes=1)
os.sched_setaffinity(0, {min(cores)})
print(len(cores), everywhere, alone, number())
"""


@pytest.fixture
async def inbox(hub_home: Path, postgres_url: str, tmp_path: Path) -> AsyncIterator[Inbox]:
    """A connection with a file of products that have been admitted and not yet worked."""
    hub = Hub(hub_home, postgres_url)
    inbox = await Inbox.connect(hub, tmp_path / "inbox")
    records = [product(f"p{number}", number, PRODUCTS) for number in range(1, PRODUCTS + 1)]
    inbox.put(FILE, jsonl(records))
    yield inbox
    await hub.close()


async def test_helpers_work_what_is_due(inbox: Inbox) -> None:
    """Each record once, and what became of them is told to the one that they help."""
    await _admit(inbox)

    process = _start(inbox, "-c", ALONE)
    printed, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, printed.split(maxsplit=1)) == (0, ["2", f"{{'success': {PRODUCTS}}}\n"])
    assert len(inbox.keys()) == PRODUCTS
    assert_books_balance(inbox.hub.db, inbox.name, inbox.hub.connection(inbox.name).id)


async def test_there_is_one_a_core_beside_the_one_that_they_help(inbox: Inbox) -> None:
    """And none on a machine of one core, where it could only take the time of the other. Only for helpers is loaded what
    they need."""
    process = _start(inbox, "-c", NUMBERS)
    printed, _ = process.communicate(timeout=PATIENCE)

    cores = int(printed.split(maxsplit=1)[0])
    there = (min(cores, 4), 1) if cores > 1 else (0, 0)
    assert printed.split(maxsplit=1)[1] == f"{there} {(0, there[1])} {(0, there[1])}\n"


async def test_a_drain_of_a_connection_that_there_is_not_says_so(inbox: Inbox) -> None:
    """Before anybody is forked for it."""
    process = _start(inbox, "-m", "hub", "run", "nobody", "--drain")
    _, said = process.communicate(timeout=PATIENCE)

    assert (process.returncode, len(said.splitlines())) == (2, 1)
    assert "nobody" in said


async def test_a_helper_ends_with_the_one_that_it_helps(inbox: Inbox) -> None:
    """Also where that was killed: the pipe from it, which its helpers hold as well, comes to its end."""
    await _admit(inbox)

    process = _start(inbox, "-c", ALONE, DIE="1")
    printed, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, printed) == (-9, "working\n")


@pytest.mark.parametrize("processes", ("1", "3"))
async def test_a_drain_counts_what_its_helpers_did(inbox: Inbox, processes: str) -> None:
    """However many they are."""
    command = ("run", inbox.name, "--drain", "--json", "--processes", processes)
    with Forked(command, _environment(inbox)) as process:
        printed, _ = process.communicate(timeout=PATIENCE)

    summary = json.loads(printed)
    assert process.returncode == 0
    assert {name: summary[name] for name in ("polled", "pushed", "succeeded", "waiting")} == {
        "polled": PRODUCTS,
        "pushed": PRODUCTS,
        "succeeded": PRODUCTS,
        "waiting": 0,
    }
    assert inbox.report(FILE)["counts"]["created"] == PRODUCTS


async def _admit(inbox: Inbox) -> None:
    admitted = 0
    while admitted < PRODUCTS:
        admitted += (await inbox.hub.poll(inbox.name)).taken_in


def _start(inbox: Inbox, *arguments: str, **more: str) -> subprocess.Popen[str]:
    environment = {**_environment(inbox), **more}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *arguments], text=True, env=environment, stdout=pipe, stderr=pipe
    )


def _environment(inbox: Inbox) -> Mapping[str, str]:
    return {
        **os.environ,
        **inbox.hub.environment,
        "CONNECTION": str(inbox.hub.connection(inbox.name).id),
        "PRODUCTS": str(PRODUCTS),
    }
