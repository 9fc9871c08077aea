"""How far a connection is: with its load, with the comparison of what is sold, and with switching everything off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from hub.records import JSON

#: SKUs are compared with the mapping once more so long after it was news: it may have been told of before it was written, by a
#: process that died then, and nobody tells of it again.
ONCE_MORE: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Load:
    """All SKUs of the sales channel. ``began`` (ISO 8601) names it, ``pages`` are fingerprints of those read.

    ``again``: not before this time, as the list was empty; whatever else is to be done goes on meanwhile. ``last`` is the last
    page once that was read: from then on the list is gone over backwards, for the ``again_over``-th time, to see whether it
    stayed as it was; ``moved`` says that it has not, so far.
    """

    began: str
    page: int = 1
    pages: Sequence[str] = ()
    again: str | None = None
    last: int | None = None
    again_over: int = 0
    moved: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether the next page may be asked for."""
        return self.again is None or datetime.fromisoformat(self.again) <= now

    def met(self, page: str) -> Self:
        """With the fingerprint of a page that was not read before."""
        return replace(self, pages=(*self.pages, page), moved=True, again=None)

    def over_again(self, last: int) -> Self:
        """At the beginning of another pass, which is the list's end."""
        return replace(self, page=last, last=last, again_over=self.again_over + 1, moved=False)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A pass over what the marketplace sells, from behind the SKU ``after`` on."""

    began: str
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The cursor. Times are ISO 8601.

    ``loaded`` and ``checked`` are when the last pass began that has ended. ``off``: everything is, or is being, switched
    off. What changed up to ``rechecked`` was read once more. ``mapping`` is the revision of the category mapping whose news were
    told, ``tree_at`` when the mapper was last seen to. ``remap`` is a pass over SKUs for which their category may be mapped anew,
    ``remapped`` the revision as of which the last one began, ``remap_at`` when another one is to begin whatever is news.
    """

    load: Load | None = None
    loaded: str | None = None
    check: Walk | None = None
    checked: str | None = None
    off: Walk | None = None
    is_off: bool = False
    rechecked: str = ""
    mapping: int = 0
    remap: Walk | None = None
    remapped: int = 0
    remap_at: str | None = None
    tree_at: str | None = None

    @classmethod
    def of(cls, cursor: JSON, *, full_pass: bool, selling: bool, now: str) -> Self:
        """As it was stored, with what begins by itself: the first load, one that is asked for, switching on and off."""
        place = cls._stored(cursor)
        if not selling:
            begun = place.off or (None if place.is_off else Walk(began=now))
            return replace(place, load=None, loaded=None, check=None, off=begun)
        place = replace(place, off=None, is_off=False)
        if full_pass or (place.load is None and place.loaded is None):
            return replace(place, load=Load(began=now))
        return place

    def with_remap(self, now: datetime) -> Self:
        """With a pass over SKUs where the mapping has changed since the last one began; one that is under way is ended first."""
        is_due = self.remap_at is not None and now >= datetime.fromisoformat(self.remap_at)
        if self.remap is not None or not (self.mapping > self.remapped or is_due):
            return self
        again = (now + ONCE_MORE).isoformat() if self.mapping > self.remapped else None
        walk = Walk(began=now.isoformat())
        return replace(self, remap=walk, remapped=self.mapping, remap_at=again)

    @classmethod
    def _stored(cls, cursor: JSON) -> Self:
        """Other versions may have written more."""
        known = _known(cls, cursor)
        for name, kind in (("load", Load), ("check", Walk), ("off", Walk), ("remap", Walk)):
            if known.get(name) is not None:
                known[name] = kind(**_known(kind, known[name]))
        return cls(**known)

    @property
    def cursor(self) -> JSON:
        """What to store."""
        return asdict(self)


def _known(kind: Any, stored: JSON) -> JSON:
    return {name: value for name, value in stored.items() if name in kind.__dataclass_fields__}
