"""Lines of real files, page by page."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.merchstack import reading
from connectors.merchstack.location import Location
from connectors.merchstack.reading import PAGE_BYTES, PAGE_LINES, Lines, Place, RawLine, Reader

NAME = "product_export1_1.jsonl"
LIMIT = 4096


async def reader_of(folder: Path, content: bytes, *, packed: bool = False, limit: int = LIMIT) -> Reader:
    """A reader of a file that holds ``content``."""
    (folder / NAME).write_bytes(content)
    location = Location.open(str(folder), None)
    (file,) = await location.files()
    return Reader(location, file, gzip=packed, max_line_bytes=limit)


async def read_all(reader: Reader) -> list[RawLine]:
    """All lines, page by page."""
    place, lines = Place(), list[RawLine]()
    while not place.ended:
        taken = await reader.take(place)
        lines += taken.lines
        place = taken.place
    return lines


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize("is_packed", (False, True))
@pytest.mark.parametrize(
    ("content", "lines"),
    (
        (b"", []),
        (b"a", [(1, b"a")]),
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a"), (2, b"b")]),
        (b"\n\na\n \t\n\r\nb", [(3, b"a"), (6, b"b")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\r\na", [(2, b"a")]),
        (b"a\rb\n", [(1, b"a\rb")]),
    ),
    ids=range(9),
)
async def test_a_file_is_its_lines(
    tmp_path: Path, content: bytes, lines: list[tuple[int, bytes]], is_packed: bool
) -> None:
    """Blank ones are counted and left out; a mark of the byte order is none but at the very start."""
    reader = await reader_of(tmp_path, packed(content) if is_packed else content, packed=is_packed)

    found = await read_all(reader)

    assert [(line.number, line.text) for line in found] == lines
    assert all(line.fault is None for line in found)


async def test_a_page_holds_a_thousand_lines_and_the_last_one_ends_the_file(tmp_path: Path) -> None:
    """A file of the documented size is one page."""
    reader = await reader_of(tmp_path, b"{}\n" * (PAGE_LINES * 2))

    first = await reader.take(Place())
    second = await reader.take(first.place)

    assert [len(page.lines) for page in (first, second)] == [PAGE_LINES, PAGE_LINES]
    assert (first.place.ended, second.place.ended) == (False, True)
    assert second.lines[0].number == PAGE_LINES + 1


async def test_a_page_of_long_lines_holds_fewer(tmp_path: Path) -> None:
    """A line is taken whole or with the next page."""
    line = b"x" * 3_000_000 + b"\n"
    reader = await reader_of(tmp_path, line * 5, limit=4_000_000)

    first = await reader.take(Place())
    second = await reader.take(first.place)
    third = await reader.take(second.place)

    assert [len(page.lines) for page in (first, second, third)] == [2, 2, 1]
    assert sum(len(each.text) for each in first.lines) <= PAGE_BYTES


@pytest.mark.parametrize("is_packed", (False, True))
async def test_a_line_that_is_too_long_is_told_of_and_not_kept(tmp_path: Path, is_packed: bool) -> None:
    """It costs neither memory nor the lines around it, be it far or only one byte too long."""
    content = b"a\n" + b"x" * 5_000_000 + b"\nb\n" + b"y" * (LIMIT + 1) + b"\n" + b"z" * LIMIT + b"\r\n"
    reader = await reader_of(tmp_path, packed(content) if is_packed else content, packed=is_packed)

    found = await read_all(reader)

    assert [(line.number, line.fault is None) for line in found] == [
        (1, True),
        (2, False),
        (3, True),
        (4, False),
        (5, True),
    ]
    assert "max_line_bytes" in str(found[1].fault)
    assert len(found[1].text) < 1000


async def test_a_last_line_that_is_too_long_ends_the_file(tmp_path: Path) -> None:
    """With or without its end."""
    reader = await reader_of(tmp_path, b"a\n" + b"x" * 3_000_000)

    found = await read_all(reader)

    assert [line.number for line in found] == [1, 2]
    assert found[1].fault is not None


@pytest.mark.parametrize("is_packed", (False, True))
async def test_a_page_ends_when_time_is_up_and_goes_on_from_there(tmp_path: Path, is_packed: bool) -> None:
    """Even in the middle of a line that is too long; it is told of once."""
    content = b"a\n" + b"x" * 9_000_000 + b"\nb\n"
    reader = await reader_of(tmp_path, packed(content) if is_packed else content, packed=is_packed)
    place, pages, lines = Place(), 0, list[RawLine]()

    while not place.ended:
        taken = await reader.take(place, seconds=-1 if pages < 50 and pages % 2 else 20)
        lines, place, pages = [*lines, *taken.lines], taken.place, pages + 1
        if pages % 2:
            page = await reader.take(place, seconds=-1)
            lines, place = [*lines, *page.lines], page.place

    assert [(line.number, line.fault is None) for line in lines] == [(1, True), (2, False), (3, True)]


async def test_a_reader_without_time_still_gets_on(tmp_path: Path) -> None:
    """What it went through is kept, so a file that takes an hour to unpack is read one day."""
    reader = await reader_of(tmp_path, packed(b"x" * 9_000_000 + b"\nb\n"), packed=True)
    place, pages = Place(), 0

    while not place.ended:
        place = (await reader.take(place, seconds=-1)).place
        pages += 1

    assert 2 < pages < 50


@pytest.mark.parametrize("is_packed", (False, True))
async def test_another_reader_goes_on_where_one_stopped(tmp_path: Path, is_packed: bool) -> None:
    """In another process, say; gzip is unpacked again from its start."""
    content = b"".join(b"%d\n" % number for number in range(2500))
    content = packed(content) if is_packed else content
    first = await (await reader_of(tmp_path, content, packed=is_packed)).take(Place())

    second = await (await reader_of(tmp_path, content, packed=is_packed)).take(first.place)

    assert second.lines[0].text == b"1000"
    assert second.lines[0].number == 1001


@pytest.mark.parametrize("is_packed", (False, True))
async def test_a_page_may_be_asked_for_again(tmp_path: Path, is_packed: bool) -> None:
    """The one before was not stored; the reader goes back."""
    content = b"".join(b"%d\n" % number for number in range(2500))
    reader = await reader_of(tmp_path, packed(content) if is_packed else content, packed=is_packed)

    first = await reader.take(Place())
    second = await reader.take(first.place)

    assert await reader.take(first.place) == second
    assert await reader.take(Place()) == first


async def test_gzip_may_have_several_members_and_padding(tmp_path: Path) -> None:
    """As ``cat a.gz b.gz`` makes it, and tape drives do."""
    content = packed(b"a\nb") + packed(b"c\n") + b"\0" * 700 + packed(b"d") + b"\0" * 3

    found = await read_all(await reader_of(tmp_path, content, packed=True))

    assert [line.text for line in found] == [b"a", b"bc", b"d"]
    assert all(line.fault is None for line in found)


@pytest.mark.parametrize(
    ("broken", "told"),
    (
        (packed(b"a\nb\n" + random.Random(1).randbytes(1500).hex().encode())[:-500], "is cut"),
        (packed(b"a\nb\n")[:-4], "is cut"),
        (packed(b"a\nb\n") + b"rubbish that is longer than a header", "cannot be unpacked"),
        (packed(b"a\nb\n")[:-8] + b"\0" * 8, "cannot be unpacked"),
    ),
    ids=("in the data", "in the end", "rubbish behind", "wrong sum"),
)
async def test_gzip_that_breaks_off_gives_what_was_before(tmp_path: Path, broken: bytes, told: str) -> None:
    """And one line that says why there is no more."""
    found = await read_all(await reader_of(tmp_path, broken, packed=True))

    assert [line.text for line in found[:2]] == [b"a", b"b"]
    assert [line.fault is None for line in found] == [True, True, False]
    assert told in str(found[-1].fault)


@pytest.mark.parametrize("broken", (b"\x1f", b"\x1f\x8b\x08", b"{}\n", b"PK\x03\x04"))
async def test_what_is_no_gzip_is_one_line_that_says_so(tmp_path: Path, broken: bytes) -> None:
    """Whatever the name promises."""
    (line,) = await read_all(await reader_of(tmp_path, broken, packed=True))

    assert line.number == 1
    assert line.fault is not None


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Nor with what a small file unpacks to: this one holds 200 MB in one line."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as file:
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b"\nb\n")
    reader = await reader_of(tmp_path, stream.getvalue(), packed=True, limit=1_000_000)
    tracemalloc.start()

    found = await read_all(reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [line.number for line in found] == [1, 2]
    assert peak < 16_000_000


async def test_many_blank_lines_do_not_make_a_poll_endless(tmp_path: Path) -> None:
    """A page looks at so many lines and no more."""
    reader = await reader_of(tmp_path, b"\n" * (reading.PAGE_LOOKS + 5) + b"a\n")

    first = await reader.take(Place())
    second = await reader.take(first.place)

    assert first == Lines(lines=[], place=Place(offset=reading.PAGE_LOOKS, line=reading.PAGE_LOOKS))
    assert [line.number for line in second.lines] == [reading.PAGE_LOOKS + 6]


@settings(deadline=None, max_examples=60)
@given(
    parts=st.lists(
        st.sampled_from((b"a", b"\n", b"\r\n", b" ", b"x" * 50, b"\xef\xbb\xbf", b"\xff")), max_size=60
    ),
    is_packed=st.booleans(),
)
async def test_any_bytes_are_split_as_python_splits_them(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], is_packed: bool
) -> None:
    """With every page read by another reader, in pieces."""
    content = b"".join(parts)
    expected = [
        (number, text.removesuffix(b"\r"))
        for number, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
        if text.strip()
    ]
    folder = tmp_path_factory.mktemp("files")

    found = await read_all(
        await reader_of(folder, packed(content) if is_packed else content, packed=is_packed, limit=LIMIT)
    )

    assert [(line.number, line.text) for line in found] == expected
