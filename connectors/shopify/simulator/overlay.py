"""What was changed, added and deleted since the start: all that a generated shop has to remember."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Change:
    """Fields that differ from what was generated, how often they were changed, and when last."""

    updated_at: str
    revision: int = 0
    fields: dict[str, Any] = field(default_factory=dict)


class Overlay(Generic[Key]):
    """Changes and deletions by key. ``version`` moves with each, so that others can keep what they computed."""

    def __init__(self) -> None:
        self.changes: dict[Key, Change] = {}
        self.deleted: set[Key] = set()
        self.version = 0

    def change(self, key: Key, fields: Mapping[str, Any], at: str) -> Change:
        """These fields from now on; none only moves the time."""
        self.version += 1
        change = self.changes.setdefault(key, Change(at))
        change.updated_at = at
        change.revision += bool(fields)
        change.fields.update(fields)
        return change

    def delete(self, key: Key) -> None:
        """It is gone."""
        self.version += 1
        self.deleted.add(key)
        self.changes.pop(key, None)

    def revision(self, key: Key) -> int:
        """How often it was changed."""
        change = self.changes.get(key)
        return change.revision if change else 0


class Table(Overlay[int]):
    """A row of objects numbered from 1; the first ``count`` are there from the start."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.started_with = count
        self._numbers: tuple[int, Sequence[int]] = (0, range(1, count + 1))

    def add(self, at: str) -> int:
        """One more; returns its number."""
        self.count += 1
        self.change(self.count, {}, at)
        return self.count

    def numbers(self) -> Sequence[int]:
        """Those that are there, ascending."""
        version, numbers = self._numbers
        if version != self.version:
            numbers = range(1, self.count + 1)
            if self.deleted:
                numbers = [number for number in numbers if number not in self.deleted]
            self._numbers = (self.version, numbers)
        return numbers

    def has(self, number: int) -> bool:
        """Whether it is there."""
        return 1 <= number <= self.count and number not in self.deleted

    def __len__(self) -> int:
        return self.count - len(self.deleted)
