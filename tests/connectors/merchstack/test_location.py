"""Where files are exchanged: the same on a real folder and in a bucket of a real service."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.merchstack.location import Location
from hub.errors import ConfigurationError, RetryableError
from tests.connectors.merchstack.s3 import Service

#: What would lead out of a folder, or mean another object than it says.
TRICKS = ("../secret", "/etc/passwd", "a//b", ".", "..", "a/../b", "", "line\nbreak", "back\\slash", "nul\0")


@pytest.fixture
def folder(tmp_path: Path) -> Location:
    """An empty folder as a location."""
    (tmp_path / "exchange").mkdir()
    return Location.open(str(tmp_path / "exchange"), None)


@pytest.fixture(params=("folder", "bucket", "prefix"))
def place(request: pytest.FixtureRequest) -> Location:
    """An empty folder, an empty bucket, and a part of a bucket."""
    if request.param == "folder":
        location: Location = request.getfixturevalue("folder")
        return location
    s3: Service = request.getfixturevalue("s3")
    return s3.location(s3.make_bucket() + ("/in/here/" if request.param == "prefix" else ""))


async def test_what_was_written_is_listed_and_read(place: Location) -> None:
    """A file has a name, a size and a time, and is read in pieces."""
    await place.write("a.jsonl", b"0123456789")

    (file,) = await place.files()

    assert (file.name, file.size) == ("a.jsonl", 10)
    assert abs((datetime.now(UTC) - file.modified).total_seconds()) < 3600
    assert await place.read("a.jsonl", start=2, length=3) == b"234"
    assert await place.read("a.jsonl", start=8, length=100) == b"89"
    assert await place.read("a.jsonl", start=10, length=100) == b""
    assert await place.read("a.jsonl", start=0, length=0) == b""
    assert await place.get("a.jsonl") == b"0123456789"


async def test_a_url_is_the_same_folder(tmp_path: Path) -> None:
    """A folder is named by its path or by a file:// URL."""
    (tmp_path / "a b").mkdir()

    await Location.open(f"file://{tmp_path}/a%20b", None).write("x.jsonl", b"1")

    assert await Location.open(f"{tmp_path}/a b", None).get("x.jsonl") == b"1"


async def test_the_stamp_changes_with_the_content(place: Location) -> None:
    """Even where the size stays the same."""
    await place.write("a.jsonl", b"one")
    before = (await place.files())[0].stamp

    await place.write("a.jsonl", b"two")

    assert (await place.files())[0].stamp != before


async def test_only_the_top_level_is_listed(place: Location) -> None:
    """Folders below are asked for by their name."""
    await place.write("b.jsonl", b"")
    await place.write("a.jsonl", b"")
    await place.write("done/c.jsonl", b"")
    await place.write("done/deeper/d.jsonl", b"")
    await place.write("donegal/e.jsonl", b"")

    assert [file.name for file in await place.files()] == ["a.jsonl", "b.jsonl"]
    assert await place.names_below("done") == ["done/c.jsonl", "done/deeper/d.jsonl"]
    assert await place.names_below("nothing") == []


async def test_moving_twice_is_moving_once(place: Location) -> None:
    """After a crash a move is repeated."""
    await place.write("a.jsonl", b"1")

    await place.move("a.jsonl", "done/a.jsonl")
    await place.move("a.jsonl", "done/a.jsonl")

    assert await place.get("done/a.jsonl") == b"1"
    assert await place.find("a.jsonl") is None


async def test_moving_what_never_was_is_tried_again(place: Location) -> None:
    """Somebody else may have taken it."""
    with pytest.raises(RetryableError):
        await place.move("a.jsonl", "b.jsonl")


async def test_removing_twice_is_removing_once(place: Location) -> None:
    """What is gone is gone."""
    await place.write("a.jsonl", b"1")

    await place.remove("a.jsonl")
    await place.remove("a.jsonl")

    assert await place.get("a.jsonl") is None


async def test_reading_what_is_gone_is_tried_again(place: Location) -> None:
    """It was listed a moment ago."""
    with pytest.raises(RetryableError, match="not found"):
        await place.read("a.jsonl", start=0, length=1)


@pytest.mark.parametrize("name", TRICKS)
async def test_a_name_that_leads_elsewhere_is_refused(place: Location, name: str) -> None:
    """By whatever is done with it, before anybody is asked."""
    await place.write("good.jsonl", b"1")

    for call in (
        place.read(name, start=0, length=1),
        place.get(name),
        place.find(name),
        place.write(name, b"x"),
        place.move(name, "b.jsonl"),
        place.move("good.jsonl", name),
        place.remove(name),
        place.names_below(name),
    ):
        with pytest.raises(ConfigurationError, match=r"settings\.url.*leads elsewhere; use plain names"):
            await call

    assert [file.name for file in await place.files()] == ["good.jsonl"]


async def test_writing_again_takes_the_place_of_what_was_there(place: Location) -> None:
    """Also where the new content is shorter, or empty."""
    await place.write("a.jsonl", b"long content")

    await place.write("a.jsonl", b"")

    assert [(file.name, file.size) for file in await place.files()] == [("a.jsonl", 0)]
    assert await place.get("a.jsonl") == b""
    assert await place.read("a.jsonl", start=0, length=10) == b""


async def test_a_reader_sees_a_file_whole_or_as_it_was(place: Location) -> None:
    """While another writes it."""
    contents = [bytes([letter]) * 300_000 for letter in b"abc"]
    await place.write("a.jsonl", contents[0])

    async def write() -> None:
        for content in contents * 3:
            await place.write("a.jsonl", content)

    writing = asyncio.create_task(write())
    seen = []
    while not writing.done():
        seen.append(await place.get("a.jsonl"))
    await writing

    assert set(seen) <= set(contents)


async def test_links_and_odd_names_are_not_there(folder: Location, tmp_path: Path) -> None:
    """A link may lead anywhere, and a name with a line break makes other stores fail."""
    root = tmp_path / "exchange"
    (tmp_path / "secret").write_text("s")
    (root / "link.jsonl").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path, target_is_directory=True)
    (root / "line\nbreak.jsonl").write_text("")
    os.close(os.open(os.fsencode(root) + b"/\xff.jsonl", os.O_CREAT | os.O_WRONLY))
    await folder.write("good.jsonl", b"1")

    assert [file.name for file in await folder.files()] == ["good.jsonl"]
    for name in ("link.jsonl", "folder/secret"):
        with pytest.raises(ConfigurationError, match=r"settings\.url"):
            await folder.get(name)
        with pytest.raises(ConfigurationError, match=r"settings\.url"):
            await folder.write(name, b"x")
    with pytest.raises(ConfigurationError):
        await folder.names_below("folder")
    assert (tmp_path / "secret").read_text() == "s"


async def test_odd_but_honest_names_are_read(place: Location) -> None:
    """Blanks, letters of any script and percent signs are part of a name."""
    names = ["a b.jsonl", "ü.jsonl", "x%20y.jsonl", "商品.jsonl"]
    for name in names:
        await place.write(name, name.encode())

    assert [await place.get(file.name) for file in await place.files()] == [
        name.encode() for name in sorted(names)
    ]


@pytest.mark.parametrize(
    ("url", "remedy"),
    (
        ("exchange", "whole path"),
        ("/nowhere/at/all", "create it"),
        ("ftp://host/x", "neither"),
        ("s3://", "neither"),
        ("file://host/x", "neither"),
    ),
)
def test_what_is_no_place_is_refused(url: str, remedy: str) -> None:
    """The error names the field and what to do."""
    with pytest.raises(ConfigurationError, match=remedy) as caught:
        Location.open(url, None, field="settings.folder")

    assert caught.value.field == "settings.folder"
