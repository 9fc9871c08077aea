"""Objects in an order, made when they are asked for: what stands behind every connection."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

Node = dict[str, Any]

#: Where an object stands in its listing; what a cursor carries.
Key = tuple[str | int, ...]


class Listing(Protocol):
    """Objects by key. A key stays good when others are added or deleted."""

    def count(self) -> int:
        """How many there are."""
        ...

    def keys(self, after: Key | None, *, backward: bool) -> Iterator[Key]:
        """The keys beyond ``after`` in that direction."""
        ...

    def node(self, key: Key) -> Node:
        """The object."""
        ...

    def stub(self, key: Key) -> Node:
        """At least its type and id; cheap."""
        ...


class Numbered:
    """Objects that have ascending numbers."""

    def __init__(
        self, numbers: Sequence[int], make: Callable[[int], Node], stub: Callable[[int], Node] | None = None
    ) -> None:
        self._numbers, self._make, self._stub = numbers, make, stub or make

    def count(self) -> int:
        return len(self._numbers)

    def keys(self, after: Key | None, *, backward: bool) -> Iterator[Key]:
        numbers = self._numbers
        if backward:
            end = len(numbers) if after is None else bisect_left(numbers, int(after[0]))
            return ((numbers[at],) for at in range(end - 1, -1, -1))
        begin = 0 if after is None else bisect_right(numbers, int(after[0]))
        return ((numbers[at],) for at in range(begin, len(numbers)))

    def node(self, key: Key) -> Node:
        return self._make(int(key[0]))

    def stub(self, key: Key) -> Node:
        return self._stub(int(key[0]))


class Sorted:
    """Numbered objects in the order of a text that each has; equal texts by number."""

    def __init__(
        self, pairs: Sequence[tuple[str, int]], make: Callable[[int], Node], stub: Callable[[int], Node]
    ) -> None:
        self._pairs, self._make, self._stub = pairs, make, stub

    def count(self) -> int:
        return len(self._pairs)

    def keys(self, after: Key | None, *, backward: bool) -> Iterator[Key]:
        pairs = self._pairs
        given = None if after is None else (str(after[0]), int(after[1]))
        if backward:
            end = len(pairs) if given is None else bisect_left(pairs, given)
            return (pairs[at] for at in range(end - 1, -1, -1))
        begin = 0 if given is None else bisect_right(pairs, given)
        return (pairs[at] for at in range(begin, len(pairs)))

    def node(self, key: Key) -> Node:
        return self._make(int(key[1]))

    def stub(self, key: Key) -> Node:
        return self._stub(int(key[1]))


class Nested:
    """What all owners have, owner by owner, for owners and positions that are numbered."""

    def __init__(
        self,
        owners: Sequence[int],
        positions: Callable[[int], Sequence[int]],
        make: Callable[[int, int], Node],
        where: Callable[[Node], bool] | None = None,
    ) -> None:
        self._owners, self._positions, self._make, self._where = owners, positions, make, where

    def count(self) -> int:
        if self._where is None:
            return sum(len(self._positions(owner)) for owner in self._owners)
        return sum(1 for _ in self.keys(None, backward=False))

    def keys(self, after: Key | None, *, backward: bool) -> Iterator[Key]:
        found = self._all(after, backward)
        return found if self._where is None else (key for key in found if self._where(self.node(key)))

    def node(self, key: Key) -> Node:
        return self._make(int(key[0]), int(key[1]))

    def stub(self, key: Key) -> Node:
        return self.node(key)

    def _all(self, after: Key | None, backward: bool) -> Iterator[Key]:
        owners, step = self._owners, -1 if backward else 1
        begin = len(owners) - 1 if backward else 0
        if after is not None:
            begin = (
                bisect_right(owners, int(after[0])) - 1 if backward else bisect_left(owners, int(after[0]))
            )
        given = None if after is None else (int(after[0]), int(after[1]))
        for at in range(begin, -1 if backward else len(owners), step):
            owner = owners[at]
            for position in self._positions(owner)[::step]:
                key = (owner, position)
                if given is None or (key < given if backward else key > given):
                    yield key


def listed(nodes: Sequence[Node]) -> Numbered:
    """Objects that are there already, in this order."""
    return Numbered(range(len(nodes)), nodes.__getitem__)


def some(listing: Listing, number: int, after: Key | None = None, *, backward: bool = False) -> list[Key]:
    """The next keys, at most so many."""
    return list(islice(listing.keys(after, backward=backward), number))
