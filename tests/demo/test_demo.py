"""`hub demo`, as `make demo` runs it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.forked import Forked

#: Seconds that a demo may take on a machine that has other things to do.
SOON = 150.0


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: pytest's own grow with its runs and tests, and a unix socket's path has little room."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Forked]]:
    """Starts `hub demo` in an empty folder, where it makes its own."""
    with ExitStack() as stack:

        def run(*arguments: str, **environment: str) -> Forked:
            own = {**os.environ, "TMPDIR": str(tmp_path), **environment}
            return stack.enter_context(Forked(["demo", *arguments], own, apart=True, folder=tmp_path))

        yield run


def test_every_invariant_holds_and_nothing_is_left(
    demo: Callable[..., Forked], tmp_path: Path, hub_home: Path
) -> None:
    """With refusals, 429s, stalls, errors and lost answers on the way; the user's own hub is not touched."""
    running = demo(
        "--records",
        "200",
        "--json",
        HUB_HOME=str(hub_home),
        HUB_DATABASE_URL="postgresql://nobody@nowhere/hub",
    )
    output, said = running.communicate(timeout=SOON)
    result = json.loads(output)

    assert running.returncode == 0, said
    assert all(check["ok"] for check in result["checks"])
    assert result["reported"] == result["admitted"] == 200
    assert result["destination"]["doubled"] == 0
    assert result["destination"]["refused"] > 0
    assert result["faults"]["destination"]
    assert list(hub_home.iterdir()) == []
    assert list(tmp_path.glob("hub-*")) == []


def test_a_demo_that_is_interrupted_takes_everything_away(
    demo: Callable[..., Forked], tmp_path: Path
) -> None:
    """Its processes and its folder."""
    running = demo("--records", "1000")
    _until(lambda: len(psutil.Process(running.pid).children(recursive=True)) >= 6)
    family = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=SOON)

    assert running.returncode == 130
    assert not [one for one in family if _runs(one)]
    assert list(tmp_path.glob("hub-*")) == []


def test_a_demo_that_runs_out_of_time_fails_and_says_what_is_missing(
    demo: Callable[..., Forked], tmp_path: Path
) -> None:
    """And keeps its folder for whoever wants to look, if asked to."""
    running = demo("--records", "1000", "--timeout", "1", "--keep")
    output, said = running.communicate(timeout=SOON)

    assert running.returncode == 1
    assert "FAIL  every record has its outcome at MerchantOps" in output
    assert "FAIL  it did not end in time" in output
    [kept] = tmp_path.glob("hub-demo-*")
    assert f"kept: {kept}" in said
    assert (kept / "hub.db").exists()


@pytest.mark.parametrize("which", ("vtex-seller", "vtex-marketplace"))
def test_goods_reach_a_marketplace_and_nothing_is_left(
    demo: Callable[..., Forked], tmp_path: Path, hub_home: Path, which: str
) -> None:
    """From several systems through one catalog, or an account's own, with the embedded services."""
    running = demo(which, "--json", "--timeout", str(SOON), HUB_HOME=str(hub_home))
    output, said = running.communicate(timeout=2 * SOON)
    result = json.loads(output)

    assert [check for check in result["checks"] if not check["ok"]] == [], said
    assert (running.returncode, result["ok"], len(result["seen"])) == (0, True, 5)
    assert list(hub_home.iterdir()) == []
    assert list(tmp_path.glob("hub-*")) == []


def test_a_demo_of_goods_that_runs_out_of_time_says_what_is_missing(
    demo: Callable[..., Forked],
) -> None:
    """And ends with 1."""
    running = demo("vtex-seller", "--timeout", "1")
    output, _ = running.communicate(timeout=SOON)

    assert running.returncode == 1
    assert "FAIL  it was told of prices, and of nothing else: 0 price notifications instead of 5" in output
    assert "FAIL  it did not end in time" in output


@pytest.mark.parametrize("arguments", (("shopify",), ("vtex-seller", "--records", "5")))
def test_a_demo_that_there_is_not_is_refused(
    demo: Callable[..., Forked], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Before anything is started."""
    running = demo(*arguments)
    _, said = running.communicate(timeout=SOON)

    assert running.returncode == 2
    assert said.startswith("error: ")
    assert list(tmp_path.glob("hub-*")) == []


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
