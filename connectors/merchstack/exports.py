"""One export as the cursor keeps it: its record types, since when it is known, and for whom it has ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.merchstack.metadata import Membership
from connectors.merchstack.tracking import Tracking
from hub.records import JSON

#: Products go in without their categories this long after those might have, in milliseconds.
SETTLE_WAIT = 60_000

#: So long after its end an export wakes what has parked, in milliseconds: a slice in flight may park late.
WAKE_FOR = 60_000


@dataclass(kw_only=True)
class ExportProgress:
    """Times are milliseconds. ``final`` says since when records of a type wait for nothing any more."""

    first: int
    last: int
    types: dict[str, Tracking] = field(default_factory=dict)
    final: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, stored: JSON) -> ExportProgress:
        """What ``as_json`` gave."""
        return cls(
            first=stored["first"],
            last=stored["last"],
            types={name: Tracking.parse(one) for name, one in stored["types"].items()},
            final=dict(stored["final"]),
        )

    def as_json(self) -> JSON:
        """For the cursor."""
        types = {name: one.as_json() for name, one in self.types.items()}
        return {"first": self.first, "last": self.last, "types": types, "final": self.final}

    @property
    def complete(self) -> bool:
        """All types that have been seen have all their numbers."""
        return bool(self.types) and all(one.complete for one in self.types.values())

    @property
    def is_final(self) -> bool:
        """Nothing waits for it any more."""
        return "product" in self.final

    def add(self, record_type: str, file: str, member: Membership, now: int) -> None:
        """One of its records was seen in ``file``."""
        self.last = now
        self.types.setdefault(record_type, Tracking()).add(file, member.number, member.of)

    def forget(self, record_type: str, file: str) -> None:
        """The file is read anew."""
        if (tracking := self.types.get(record_type)) is not None:
            tracking.forget(file)

    def ends_at(self, wait: int) -> int:
        """When its end is not waited for any longer."""
        return self.first + wait

    def finish(self, now: int, wait: int, *, categories_open: bool) -> None:
        """Categories are final once it is complete, or was waited for; products once its categories have settled."""
        if not self.final and (self.complete or now >= self.ends_at(wait)):
            self.final["category"] = now
        since = self.final.get("category")
        if since is not None and (not categories_open or now - since >= SETTLE_WAIT):
            self.final.setdefault("product", now)

    def ended_lately(self, now: int) -> bool:
        """Something may have parked for it although it has ended."""
        return any(now - since < WAKE_FOR for since in self.final.values())

    def summary(self) -> Mapping[str, Any]:
        """Its types, for the report."""
        return {name: one.summary() for name, one in self.types.items()}
