"""Parents before their children."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.merchstack.lines import GoodLine
from connectors.merchstack.metadata import Membership
from connectors.merchstack.sorting import parents_first
from hub.records import Record

KEYS = st.sampled_from("abcdefgh")


def line(number: int, key: str, parent: str | None) -> GoodLine:
    """A category's line."""
    record = Record(stream="category", key=key, payload={})
    return GoodLine(number=number, record=record, member=Membership(export="1"), raw=b"", parent=parent)


@given(st.lists(st.tuples(KEYS, st.none() | KEYS), max_size=12))
def test_every_line_is_sorted_or_its_own_ancestor(edges: list[tuple[str, str | None]]) -> None:
    """No child before its parent, lines of one key in their order, and nothing lost."""
    lines = [line(number, key, parent) for number, (key, parent) in enumerate(edges, start=1)]
    parents = dict(edges)

    good, bad = parents_first(lines)

    assert sorted(each.number for each in (*good, *bad)) == [each.number for each in lines]
    assert {each.key for each in bad} == {key for key in parents if _is_own_ancestor(key, parents)}
    place = {each.key: position for position, each in reversed(list(enumerate(good)))}
    assert all(place[parents[key]] < place[key] for key in place if parents[key] in place)  # type: ignore[index]
    for key in place:
        numbers = [each.number for each in good if each.key == key]
        assert numbers == sorted(numbers)


@given(st.lists(KEYS, unique=True))
def test_lines_that_are_sorted_stay_as_they_are(keys: list[str]) -> None:
    """A chain from its root down."""
    lines = [
        line(number, key, parent)
        for number, (key, parent) in enumerate(zip(keys, [None, *keys], strict=False), start=1)
    ]

    good, bad = parents_first(lines)

    assert good == lines
    assert bad == []


def test_a_deep_tree_takes_no_recursion() -> None:
    """A thousand levels, the leaf first."""
    lines = [line(number, str(number), str(number + 1)) for number in range(1, 1001)]

    good, _ = parents_first(lines)

    assert [each.number for each in good] == list(range(1000, 0, -1))


def test_a_cycle_is_shown() -> None:
    """With what to do."""
    _, bad = parents_first([line(1, "a", "b"), line(2, "b", "a"), line(3, "c", "c")])

    reasons = [str(each.faults[0]) for each in bad]
    assert reasons[0].startswith("externalSystemParentId: makes the category its own ancestor: ")
    assert '"c" in "c"; give one of them another parent' in reasons[2]


def _is_own_ancestor(key: str, parents: dict[str, str | None]) -> bool:
    above, steps = parents.get(key), 0
    while above is not None and above != key and steps < len(parents):
        above, steps = parents.get(above), steps + 1
    return above == key
