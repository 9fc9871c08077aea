"""The cursor: how far each file is read, and what has been seen of each export. Stored with the page it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.merchstack import names
from connectors.merchstack.exports import ExportProgress
from connectors.merchstack.location import File
from connectors.merchstack.metadata import Membership
from connectors.merchstack.reading import Place
from hub.records import JSON

#: Exports that are followed at one time.
MOST_EXPORTS = 200

#: Files that are in the cursor before they are read to their end; the others come when there is room.
MOST_WAITING = 200

#: Files that may not be read and are told of at one time; the others are when there is room.
MOST_LOCKED = 200

#: So many exports of one file are named in its report.
_MOST_OF_A_FILE = 20

#: An export is forgotten this long after its last record, in milliseconds.
_REMEMBERED = 24 * 3600 * 1000


@dataclass(frozen=True, kw_only=True)
class FileProgress:
    """One file of one ``stamp``, ``seen`` first at that time (milliseconds): both name the group of its records."""

    name: str
    stamp: str
    seen: int
    place: Place = field(default_factory=Place)
    good: int = 0
    bad: int = 0
    exports: Sequence[str] = ()

    @property
    def group(self) -> str:
        """A file that comes back word for word is another group, since one that is closed stays so."""
        return f"{self.name}@{self.stamp}@{self.seen}"

    @property
    def order(self) -> tuple[object, ...]:
        """See ``FileName.order``."""
        return names.order_of(self.name)

    @property
    def begun(self) -> bool:
        """Some of it has been read."""
        return self.place != Place()

    def as_json(self) -> JSON:
        """For the cursor."""
        place = self.place
        return {
            "stamp": self.stamp,
            "seen": self.seen,
            "place": [place.offset, place.line, place.inside, place.ended],
            "counts": [self.good, self.bad],
            "exports": list(self.exports),
        }

    @classmethod
    def parse(cls, name: str, stored: JSON) -> FileProgress:
        """What ``as_json`` gave."""
        offset, line, inside, ended = stored["place"]
        return cls(
            name=name,
            stamp=stored["stamp"],
            seen=stored["seen"],
            place=Place(offset=offset, line=line, inside=inside, ended=ended),
            good=stored["counts"][0],
            bad=stored["counts"][1],
            exports=stored["exports"],
        )


def name_and_stamp(group: str) -> tuple[str, str] | None:
    """What ``FileProgress.group`` was made of; None for a text that is no such group."""
    name, found, rest = group.partition("@")
    stamp, found_too, _ = rest.rpartition("@")
    return (name, stamp) if found and found_too and names.parse(name) else None


@dataclass(kw_only=True)
class Progress:
    """All that is known between polls. ``looks`` only says that something is being waited for."""

    files: dict[str, FileProgress] = field(default_factory=dict)
    exports: dict[str, ExportProgress] = field(default_factory=dict)
    untracked_at: int | None = None
    looks: int = 0
    #: Files that may not be read, with their stamps; each has been told of once.
    locked: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, cursor: JSON) -> Progress:
        """What ``as_json`` gave; an empty cursor is a start."""
        return cls(
            files={name: FileProgress.parse(name, one) for name, one in cursor.get("files", {}).items()},
            exports={key: ExportProgress.parse(one) for key, one in cursor.get("exports", {}).items()},
            untracked_at=cursor.get("untracked_at"),
            looks=cursor.get("looks", 0),
            locked=dict(cursor.get("locked", {})),
        )

    def as_json(self) -> JSON:
        """For the cursor."""
        cursor: dict[str, Any] = {
            "files": {name: one.as_json() for name, one in self.files.items()},
            "exports": {key: one.as_json() for key, one in self.exports.items()},
            "looks": self.looks,
        }
        if self.locked:
            cursor["locked"] = self.locked
        return cursor if self.untracked_at is None else {**cursor, "untracked_at": self.untracked_at}

    def lock(self, files: Sequence[File]) -> Sequence[File]:
        """These are all that may not be read, as far as they are remembered; those that are new are to be told of."""
        known, kept = self.locked, sorted(files, key=lambda file: file.name)[:MOST_LOCKED]
        self.locked = {file.name: file.stamp for file in kept}
        return [file for file in kept if known.get(file.name) != file.stamp]

    def notice(self, listed: Mapping[str, File], now: int) -> Sequence[str]:
        """Compare with what is there: files that are gone are dropped, new and changed ones begin. Returns the groups
        that end unfinished."""
        ended = []
        for name, known in list(self.files.items()):
            file = listed.get(name)
            if file is not None and file.stamp == known.stamp:
                continue
            if known.begun and not known.place.ended:
                ended.append(known.group)
            del self.files[name]
            if file is not None or not known.place.ended:
                self._forget(known)
        new = sorted((name for name in listed if name not in self.files), key=names.order_of)
        room = MOST_WAITING - sum(not file.place.ended for file in self.files.values())
        for name in new[: max(0, room)]:
            self.files[name] = FileProgress(name=name, stamp=listed[name].stamp, seen=now)
        return ended

    def advance(
        self,
        file: FileProgress,
        place: Place,
        *,
        good: int,
        bad: int,
        members: Iterable[Membership],
        now: int,
    ) -> FileProgress:
        """A page of ``file`` was read up to ``place``."""
        record_type = _type_of(file.name)
        if not file.begun:  # a file of this name may have been here before
            for export in self.exports.values():
                export.forget(record_type, file.name)
        exports = dict.fromkeys(file.exports)
        for member in members:
            if (tracked := self._export(member.export, now)) is not None:
                tracked.add(record_type, file.name, member, now)
                exports[member.export] = None
        named = list(exports)[:_MOST_OF_A_FILE]
        further = replace(file, place=place, good=file.good + good, bad=file.bad + bad, exports=named)
        self.files[file.name] = further
        return further

    def open_categories(self, export: str) -> bool:
        """Whether records of categories of that export may still be on their way into the catalog."""
        return any(
            export in file.exports and _type_of(name) == "category" for name, file in self.files.items()
        )

    def forget_old(self, now: int) -> None:
        """Exports of which nothing has been heard for long."""
        used = {export for file in self.files.values() for export in file.exports}
        for key, export in list(self.exports.items()):
            if export.is_final and key not in used and now - export.last > _REMEMBERED:
                del self.exports[key]

    def _forget(self, file: FileProgress) -> None:
        """It is read anew, or was never read to its end: its numbers have not been seen."""
        for key in file.exports:
            if (export := self.exports.get(key)) is not None:
                export.forget(_type_of(file.name), file.name)

    def _export(self, key: str, now: int) -> ExportProgress | None:
        if key not in self.exports:
            if len(self.exports) >= MOST_EXPORTS and not self._make_room():
                self.untracked_at = now
                return None
            self.exports[key] = ExportProgress(first=now, last=now)
        return self.exports[key]

    def _make_room(self) -> bool:
        old = [key for key, export in self.exports.items() if export.is_final]
        if old:
            del self.exports[min(old, key=lambda key: self.exports[key].last)]
        return bool(old)


def _type_of(name: str) -> str:
    parsed = names.parse(name)
    return parsed.record_type if parsed is not None else ""
