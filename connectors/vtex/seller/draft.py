"""A suggestion while it is put together: all that is wrong with it at once, and every default that was needed."""

from __future__ import annotations

from typing import Any

from hub.records import JSON


class Draft:
    """``fields`` are VTEX's, ``faults`` texts for people, ``defaulted`` by VTEX's field what was put there."""

    def __init__(self) -> None:
        self.fields: JSON = {}
        self.faults: list[str] = []
        self.defaulted: JSON = {}

    def set(self, field: str, value: Any) -> None:
        """A field as the catalog has it."""
        self.fields[field] = value

    def default(self, field: str, value: Any) -> None:
        """A field that the catalog does not have."""
        self.fields[field] = self.defaulted[field] = value

    def fault(self, field: str, ours: str, what: str, remedy: str) -> None:
        """``field`` is VTEX's name, ``ours`` the catalog's or a setting's."""
        self.faults.append(f"{field} ({ours}): {what}; {remedy}")

    def set_or_default(self, field: str, value: Any, default: Any, *, ours: str, setting: str) -> None:
        """The value, else the default, else a fault: None is neither."""
        if value is not None:
            self.set(field, value)
        elif default is not None:
            self.default(field, default)
        else:
            self.fault(
                field, ours, "is missing", f"give it in the catalog, or set settings.defaults.{setting}"
            )
