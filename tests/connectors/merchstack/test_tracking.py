"""An export across its files, and the sets of numbers that it is kept in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.merchstack import tracking
from connectors.merchstack.ranges import Ranges, merged
from connectors.merchstack.tracking import Tracking
from hub import codec

NUMBERS = st.integers(1, 30)


def tracked(files: dict[str, list[int]], of: int = 30) -> Tracking:
    """What has been seen of an export."""
    found = Tracking()
    for file, numbers in files.items():
        for number in numbers:
            found.add(file, number, of)
    return found


@given(files=st.dictionaries(st.sampled_from("abcd"), st.lists(NUMBERS), max_size=4), of=NUMBERS)
def test_what_is_missing_and_doubled_is_what_counting_says(files: dict[str, list[int]], of: int) -> None:
    """However the numbers come; and the cursor brings it back the same."""
    found = tracked(files, of)
    counts = Counter(number for numbers in files.values() for number in numbers)

    found = Tracking.parse(codec.loads(codec.dumps(found.as_json())))

    assert _all(found.doubled()) == {number for number, count in counts.items() if count > 1}
    if counts:
        assert _all(found.missing()) == set(range(1, of + 1)) - set(counts)
        assert found.complete == (set(range(1, of + 1)) <= set(counts))
        assert found.summary()["seen"] == len(counts)
    else:
        assert not found.complete


def test_records_without_numbers_are_not_followed() -> None:
    """Import files may leave them out; a total or a number alone is something to follow."""
    unnumbered, total_alone, number_alone = Tracking(), Tracking(), Tracking()
    unnumbered.add("a", None, None)
    total_alone.add("a", None, 2)
    number_alone.add("a", 1, None)

    found = [Tracking.parse(each.as_json()) for each in (unnumbered, total_alone, number_alone, Tracking())]
    states = [each.summary()["state"] for each in found]

    assert not any(each.complete for each in found)
    assert states == ["not followed", "incomplete", "incomplete", "incomplete"]


@given(st.lists(NUMBERS))
def test_ranges_hold_what_was_put_in_and_are_as_few_as_can_be(numbers: list[int]) -> None:
    """Sorted, and none touches the next."""
    ranges = Ranges()

    new = [ranges.add(number) for number in numbers]

    assert sum(new) == len(set(numbers)) == ranges.count
    assert _all(ranges) == set(numbers)
    assert {number for number in range(32) if number in ranges} == set(numbers)
    assert all(end + 1 < start for (_, end), (start, _) in zip(ranges.pairs, ranges.pairs[1:], strict=False))


@given(st.lists(st.lists(NUMBERS), max_size=4))
def test_merged_tells_all_numbers_and_those_in_more_than_one(sets: list[list[int]]) -> None:
    """As sets do."""
    many = []
    for numbers in sets:
        many.append(Ranges())
        for number in numbers:
            many[-1].add(number)
    counts = Counter(number for numbers in sets for number in set(numbers))

    union, common = merged(many)

    assert _all(union) == set(counts)
    assert _all(common) == {number for number, count in counts.items() if count > 1}


def test_a_whole_export_is_one_range_a_file() -> None:
    """So the cursor stays small."""
    found = tracked({"1": list(range(1, 1001)), "2": list(range(1001, 1301))}, of=1300)

    assert found.as_json() == {"files": {"1": [[[1, 1000]], []], "2": [[[1001, 1300]], []]}, "of": [1300]}
    assert found.complete


def test_a_file_that_comes_again_takes_its_own_place() -> None:
    """Its numbers are not doubled; those of another file are."""
    found = tracked({"1": [1, 2, 3], "2": [3, 4]}, of=4)

    found.forget("1")
    for number in (1, 2):
        found.add("1", number, 4)

    assert found.complete
    assert str(found.doubled()) == ""


def test_records_that_disagree_are_told_and_the_largest_total_counts() -> None:
    """So that nothing is called complete too early."""
    found = tracked({"1": [1, 2]}, of=2)

    found.add("1", 3, 4)
    found.add("1", 9, 4)

    assert not found.complete
    assert list(found.warnings()) == [
        "its records disagree on recordOf: 2, 4; the largest counts",
        "recordNum 9 is above recordOf, 4",
    ]


def test_an_export_in_too_many_pieces_is_given_up_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than that the cursor grows with it."""
    monkeypatch.setattr(tracking, "MOST_RANGES", 10)
    found = tracked({"1": list(range(1, 100, 2)), "2": [2]}, of=100)

    again = Tracking.parse(found.as_json())

    assert not found.complete
    assert again.summary()["state"] == "not followed"
    assert len(list(again.warnings())) == 1
    assert again.pieces == 0


def test_gaps_are_put_into_words() -> None:
    """Very many are cut short."""
    few, many = Ranges([(2, 3), (7, 7)]), Ranges([(n, n) for n in range(2, 100, 2)])

    assert str(few.gaps(9)) == "1, 4-6, 8-9"
    assert str(few.gaps(2)) == "1"
    assert str(few.gaps(0)) == ""
    assert str(many).endswith("40 and 29 more ranges")


def _all(ranges: Ranges) -> set[int]:
    return {number for start, end in ranges.pairs for number in range(start, end + 1)}
