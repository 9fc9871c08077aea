"""The file of JSON lines: whole lines only, whoever writes, dies or runs out of room."""

# ruff: noqa: ASYNC240 - a test may wait for the disk
from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.destinations import jsonl_file
from connectors.destinations.jsonl import JsonlDestination
from connectors.destinations.jsonl_file import Rotation, append
from hub import codec
from hub.connection_file import validated
from hub.connector import NoSettings, Ports
from hub.errors import ConfigurationError, RetryableError
from hub.records import Item, Rejected, Success

WRITER = Path(__file__).with_name("jsonl_writer.py")
TODAY = datetime.now(UTC).date()

MakeItem = Callable[..., Item]
Make = Callable[..., JsonlDestination]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "prices.jsonl"


@pytest.fixture
def make(path: Path, ports: Ports) -> Make:
    def build(**more: Any) -> JsonlDestination:
        return JsonlDestination(JsonlDestination.Settings(path=path, **more), NoSettings(), ports)

    return build


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as a writer that has opened the file comes to wait for its lock."""
    event = threading.Event()
    original = jsonl_file._lock

    def told(*args: Any) -> None:
        event.set()
        original(*args)

    monkeypatch.setattr(jsonl_file, "_lock", told)
    return event


def lines(*paths: Path) -> Sequence[Any]:
    """All lines; fails for half a one."""
    found = b"".join(path.read_bytes() for path in paths)
    assert not found or found.endswith(b"\n")
    return [codec.loads(line) for line in found.splitlines()]


def keys(*paths: Path) -> Sequence[str]:
    return [line["key"] for line in lines(*paths)]


def start_writer(path: Path, **options: Any) -> subprocess.Popen[str]:
    facts = {"path": str(path), "name": "w", "slices": 1, "records": 1, "size": 10} | options
    command = [sys.executable, str(WRITER), json.dumps(facts)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_a_line_holds_what_a_reader_needs(path: Path, make: Make, item: MakeItem) -> None:
    """The folder is made, and numbers keep their digits."""
    results = await make().push([item(1, {"price": Decimal("32.850")}), item(2, ["ü"])])

    assert path.read_bytes().decode() == (
        '{"key":"pr-1","stream":"price","idempotency_key":"key-1","body":{"price":32.850}}\n'
        '{"key":"pr-2","stream":"price","idempotency_key":"key-2","body":["ü"]}\n'
    )
    assert [type(result) for result in results] == [Success, Success]
    assert all(result.duration_ms is not None for result in results)


async def test_a_record_that_is_no_json_is_rejected_alone(path: Path, make: Make, item: MakeItem) -> None:
    """The others of its slice are written."""
    results = await make().push([item(1, {"a": object()}), item(2), item(3, "\ud800")])

    assert [type(result) for result in results] == [Rejected, Success, Rejected]
    assert keys(path) == ["pr-2"]


async def test_a_slice_of_nothing_but_bad_records_makes_no_file(
    path: Path, make: Make, item: MakeItem
) -> None:
    """There is nothing to write."""
    await make().push([item(1, object())])

    assert not path.exists()


async def test_a_line_in_the_record_stays_one_line(path: Path, make: Make, item: MakeItem) -> None:
    """Line ends within a text are escaped, the unusual ones do not count."""
    await make().push([item(1, "a\nb\r\n\u2028\x85")])

    assert path.read_bytes().count(b"\n") == 1
    assert lines(path)[0]["body"] == "a\nb\r\n\u2028\x85"


@pytest.mark.parametrize(
    "torn",
    (
        b"{",
        b'{"key"',
        b'{"key":"pr-2","stream":"pri',
        b'{"key":"pr-2","body":"' + b"x" * 200_000,
        b'{"key":"pr-2","stre\0\0\0\0',
        b"\0\0\0",
    ),
)
async def test_a_torn_line_is_taken_away_before_the_next(
    path: Path, make: Make, item: MakeItem, ports: Ports, *, torn: bytes
) -> None:
    """Its record was not reported as written, so it comes again."""
    destination = make()
    await destination.push([item(1)])
    with path.open("ab") as file:
        file.write(torn)

    await destination.push([item(2), item(3)])

    assert keys(path) == ["pr-1", "pr-2", "pr-3"]
    assert ports.log.events == [  # type: ignore[attr-defined]
        ("a line that a crash had torn was removed", {"path": str(path), "bytes": len(torn)})
    ]


async def test_a_torn_first_line_is_taken_away(path: Path, make: Make, item: MakeItem) -> None:
    """Then the file is empty again."""
    path.parent.mkdir()
    path.write_bytes(b'{"key":"pr-1","st')

    await make().push([item(1)])

    assert keys(path) == ["pr-1"]


async def test_a_whole_line_without_its_end_is_kept(path: Path, make: Make, item: MakeItem) -> None:
    """Its writer died before the last byte; a reader drops the repetition."""
    destination = make()
    await destination.push([item(1), item(2)])
    os.truncate(path, path.stat().st_size - 1)

    await destination.push([item(2)])

    assert keys(path) == ["pr-1", "pr-2", "pr-2"]


@pytest.mark.parametrize("content", (b"some text", b"line\nmore", b'{"other":"json', b"\x89PNG", b"\n[1"))
async def test_a_file_of_somebody_else_is_left_alone(
    path: Path, make: Make, item: MakeItem, *, content: bytes
) -> None:
    """A typing error in the path costs nobody a file."""
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(RetryableError) as caught:
        await make().push([item(1)])

    assert f"{path}: its end is no line of the hub's" in str(caught.value)
    assert path.read_bytes() == content


async def test_a_file_is_put_aside_before_it_grows_too_large(path: Path, make: Make, item: MakeItem) -> None:
    """Under a dated name with a number, in order; a slice is never divided."""
    destination = make(max_bytes=1024)

    for number in range(9):
        await destination.push([item(number, "x" * 300), item(number + 100, "x" * 10)])

    day = f"{TODAY:%Y%m%d}"
    aside = sorted(each.name for each in path.parent.iterdir())
    assert aside == [*(f"prices-{day}-000{number}.jsonl" for number in (1, 2, 3, 4)), "prices.jsonl"]
    files = [path.parent / name for name in aside]
    assert all(file.stat().st_size <= 1024 for file in files)
    assert [key for key in keys(*files) if len(key) == 4] == [f"pr-{number}" for number in range(9)]


async def test_a_slice_that_is_larger_than_a_file_has_one_of_its_own(
    path: Path, make: Make, item: MakeItem
) -> None:
    """Rather than being refused for ever."""
    destination = make(max_bytes=1024)

    await destination.push([item(1, "x" * 5000)])
    await destination.push([item(2)])

    assert keys(path) == ["pr-2"]
    assert len(list(path.parent.iterdir())) == 2


async def test_a_new_day_begins_a_new_file(path: Path, make: Make, item: MakeItem) -> None:
    """The old one is named after the day of its last line, in UTC."""
    destination = make(daily=True)
    await destination.push([item(1)])
    await destination.push([item(2)])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    os.utime(path, (yesterday.timestamp(), yesterday.timestamp()))

    await destination.push([item(3)])

    assert keys(path) == ["pr-3"]
    assert keys(path.with_name(f"prices-{yesterday:%Y%m%d}-0001.jsonl")) == ["pr-1", "pr-2"]


async def test_a_file_that_was_put_aside_by_another_program_is_made_anew(
    path: Path, make: Make, item: MakeItem
) -> None:
    """No handle is kept, so logrotate may do it as well."""
    destination = make()
    await destination.push([item(1)])
    path.rename(path.with_name("taken"))

    await destination.push([item(2)])

    assert keys(path) == ["pr-2"]


async def test_who_waited_for_a_file_that_is_put_aside_writes_to_the_new_one(
    path: Path, make: Make, item: MakeItem, waiting: threading.Event
) -> None:
    """Not to the one that somebody may be reading to its end by now."""
    destination = make()
    await destination.push([item(1)])

    with jsonl_file._locked(path):
        waiting.clear()
        push = asyncio.create_task(destination.push([item(2)]))
        assert await asyncio.to_thread(waiting.wait, 10)
        path.rename(path.with_name("aside"))
    await push

    assert keys(path) == ["pr-2"]
    assert keys(path.with_name("aside")) == ["pr-1"]


async def test_a_lock_that_is_never_let_go_is_tried_again(
    path: Path, make: Make, item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process must not stop the others for ever."""
    monkeypatch.setattr(jsonl_file, "LOCK_TIMEOUT", 0.05)
    path.parent.mkdir()

    with jsonl_file._locked(path), pytest.raises(RetryableError) as caught:
        await make().push([item(1)])

    assert "another process has held its lock" in str(caught.value)


async def test_a_push_that_nobody_waits_for_any_more_is_not_written(
    path: Path, make: Make, item: MakeItem, waiting: threading.Event
) -> None:
    """A worker that stops hands its records back; its thread must not write them later."""
    destination = make()
    path.parent.mkdir()
    ended = threading.Event()
    original = destination._append

    def told(*args: Any) -> None:
        try:
            original(*args)
        finally:
            ended.set()

    destination._append = told  # type: ignore[method-assign]
    with jsonl_file._locked(path):
        waiting.clear()
        push = asyncio.create_task(destination.push([item(1)]))
        assert await asyncio.to_thread(waiting.wait, 10)
        push.cancel()
        with suppress(asyncio.CancelledError):
            await push
    assert await asyncio.to_thread(ended.wait, 10)

    assert path.read_bytes() == b""


@pytest.mark.parametrize("place", ("file/prices.jsonl", "file/folder/prices.jsonl", "folder"))
async def test_what_the_system_refuses_is_tried_again(
    tmp_path: Path, item: MakeItem, ports: Ports, *, place: str
) -> None:
    """With the path: a folder that is a file, a file that is a folder."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    destination = JsonlDestination(JsonlDestination.Settings(path=tmp_path / place), NoSettings(), ports)

    with pytest.raises(RetryableError) as caught:
        await destination.push([item(1)])

    assert str(caught.value).startswith(f"{tmp_path / place}: ")
    with pytest.raises(ConfigurationError) as refused:
        await destination.check()
    assert refused.value.field == "destination.settings.path"


async def test_a_device_is_no_file(item: MakeItem, ports: Ports) -> None:
    """Nothing that is written there can be read."""
    destination = JsonlDestination(JsonlDestination.Settings(path="/dev/null"), NoSettings(), ports)

    with pytest.raises(RetryableError, match="this is no regular file"):
        await destination.push([item(1)])


async def test_check_makes_nothing(path: Path, make: Make, item: MakeItem) -> None:
    """It looks at the folder that is there, or at the file."""
    assert (await make().check()).facts == {"path": str(path), "bytes": 0}
    assert not path.parent.exists()

    await make().push([item(1)])
    assert (await make().check()).facts["bytes"] == path.stat().st_size


@pytest.mark.parametrize(
    ("written", "field", "remedy"),
    (
        ({}, "path", "is required"),
        ({"path": "out/prices.jsonl"}, "path", "must be a whole path, from /"),
        ({"path": "/out", "max_bytes": 10}, "max_bytes", "greater than or equal to 1024"),
        ({"path": "/out", "rotate": True}, "rotate", "is not a setting; there are: path, max_bytes, daily"),
    ),
)
def test_a_wrong_setting_is_refused(written: Any, field: str, remedy: str) -> None:
    """With the setting's name and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        validated(JsonlDestination.Settings, written, field="destination.settings")

    assert caught.value.field == f"destination.settings.{field}"
    assert remedy in str(caught.value)


def test_a_full_disk_leaves_no_half_line(path: Path) -> None:
    """The slice that does not fit is tried again; what was written before stays, and goes on once there is room."""
    with start_writer(path, slices=5, records=20, size=500, limit=30_000) as writer:
        told = writer.communicate()[0].splitlines()

    assert [line.split()[0] for line in told] == ["written", "written", "refused", "refused", "refused"]
    assert f"{path}: File too large" in told[2]
    assert len(keys(path)) == 40

    with start_writer(path, name="later", slices=1, records=20, size=500) as writer:
        assert writer.communicate()[0] == "written 0\n"
    assert len(keys(path)) == 60


def test_a_writer_that_is_killed_in_the_middle_loses_nothing(path: Path) -> None:
    """Killed while its slice is half written, again and again, until at least three lines were torn."""
    torn = rounds = 0
    written: list[str] = []
    while torn < 3:
        rounds += 1
        assert rounds < 60, "no write was ever hit: make the slices larger"
        written += kill_in_a_write(path, name=f"round{rounds}")
        torn += not path.read_bytes().endswith(b"\n")

        append(path, b'{"key":"next-%d"}\n' % rounds, rotation=Rotation(), today=TODAY)

        found = keys(path)
        assert found[-1] == f"next-{rounds}"
        assert set(written) <= set(found)
        path.unlink()
        written.clear()


def kill_in_a_write(path: Path, *, name: str) -> Sequence[str]:
    """Kills a writer once a slice after its first one has begun to grow the file; the keys it said were written."""
    records, size = 8, 2_000_000
    with start_writer(path, name=name, slices=20, records=records, size=size) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        before = path.stat().st_size
        while path.stat().st_size == before:
            pass
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    numbers = [line.split()[1] for line in told if line.startswith("written") and line.endswith("\n")]
    return [f"{name}-{number}-{record}" for number in numbers for record in range(records)]


def test_several_processes_write_to_one_file(path: Path) -> None:
    """Whole lines, none lost, none twice, though the file is put aside again and again."""
    names = ("a", "b", "c")
    writers = [
        start_writer(path, name=name, slices=60, records=5, size=200, max_bytes=20_000) for name in names
    ]
    for writer in writers:
        with writer:
            assert writer.communicate()[0].count("written") == 60

    files = sorted(path.parent.iterdir())
    expected = {f"{name}-{number}-{record}" for name in names for number in range(60) for record in range(5)}
    assert len(files) > 5
    assert sorted(keys(*files)) == sorted(expected)
    assert all(file.stat().st_size <= 20_000 for file in files)


async def test_slices_of_one_process_write_to_one_file(path: Path, make: Make, item: MakeItem) -> None:
    """Threads wait for each other as processes do."""
    one, two = make(), make()

    await asyncio.gather(*(each.push([item(number)]) for number in range(20) for each in (one, two)))

    assert sorted(keys(path)) == sorted([f"pr-{number}" for number in range(20)] * 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    written=st.lists(st.text(max_size=20), min_size=1, max_size=4),
    cut=st.integers(min_value=0, max_value=10**6),
    zeros=st.integers(0, 3),
)
def test_wherever_a_write_ends_the_file_is_whole_again(
    tmp_path: Path, written: Iterable[str], cut: int, zeros: int
) -> None:
    """The lines before the cut are kept, and all that follow are whole."""
    path = tmp_path / "cut.jsonl"
    path.unlink(missing_ok=True)
    whole = [codec.dumps({"key": text}) + b"\n" for text in written]
    content = b"".join(whole)
    kept = content[: cut % (len(content) + 1)]
    path.write_bytes(kept + b"\0" * zeros)

    append(path, b'{"key":"after"}\n', rotation=Rotation(), today=TODAY)

    before = [codec.loads(line)["key"] for line in kept.split(b"\n") if line + b"\n" in whole]
    assert keys(path) == [*before, "after"]
