"""One line of a file as a record, or as what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.merchstack.metadata import (
    DEFAULT_OPERATION,
    LONGEST_ID,
    Fault,
    Membership,
    member_of,
    metadata_faults,
    not_a_text,
)
from connectors.merchstack.names import FileName
from connectors.merchstack.nesting import TOO_DEEP, is_too_deep, may_be_too_deep
from connectors.merchstack.reading import RawLine
from hub import codec
from hub.excerpt import excerpt
from hub.records import JSON, BadRecord, Record

#: The seed spells it both ways.
_ID_FIELDS = ("externalSystemId", "externalSystemID")
_PARENT_FIELDS = ("externalSystemParentId", "externalSystemParentID")

#: A NUL character as JSON spells it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_UNREADABLE = (ValueError, ArithmeticError, RecursionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Whose lines these are: the file, the group of its records, when it was first seen, the connection's own names."""

    file: FileName
    group: str
    seen: int
    tenant_id: str
    store_id: str | None = None


class GoodLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is a record. ``parent`` is a category's, where it names one; ``raw`` the line's text."""

    number: int
    record: Record
    member: Membership
    raw: bytes
    parent: str | None = None

    @property
    def key(self) -> str:
        """What Merchstack calls it."""
        return self.record.key


@dataclass(frozen=True, kw_only=True, slots=True)
class BadLine:
    """A line that is none, with all its faults. ``member`` tells which record is not missing but bad."""

    number: int
    faults: Sequence[Fault]
    raw: bytes
    key: str | None = None
    member: Membership | None = None

    def bad_record(self, file: FileName) -> BadRecord:
        """For quarantine."""
        faults = "; ".join(str(fault) for fault in self.faults)
        return BadRecord(
            reason=f"{file.text} line {self.number}: {faults}",
            raw=self.raw.decode(errors="replace"),
            stream=file.record_type,
            key=self.key,
        )


def read_line(line: RawLine, source: Source) -> GoodLine | BadLine:
    """A line's record; where it is none, all that is wrong with it at once."""
    parsed = _parse(line)
    if isinstance(parsed, Fault):
        return BadLine(number=line.number, faults=[parsed], raw=line.text)
    key = _text(_first(parsed, _ID_FIELDS))
    member = member_of(parsed.get(source.file.metadata), source.file)
    faults = _faults(parsed, line.text, source)
    if key is not None and member is not None and not faults:
        return _good(parsed, key, member, line, source)
    return BadLine(number=line.number, faults=faults, raw=line.text, key=key, member=member)


def _parse(line: RawLine) -> JSON | Fault:
    if line.fault is not None:
        return Fault(field="", reason=line.fault)
    try:
        line.text.isascii() or line.text.decode()  # the parser looks at texts alone
        parsed = codec.loads(line.text)
    except UnicodeDecodeError as error:
        return Fault(field="", reason=f"is not UTF-8 at byte {error.start}; write the file in UTF-8")
    except _UNREADABLE as error:
        return Fault(field="", reason=_no_json(line.text, error))
    if not isinstance(parsed, dict):
        return Fault(field="", reason=f"is {excerpt(parsed)}; a record is a JSON object on one line")
    return parsed


def _no_json(text: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if "truncated" in str(error) and not text.rstrip().endswith(b"}"):
        return "ends in the middle; write every record whole, on one line"
    return f"is no JSON: {error}; write one JSON object a line"


def _good(parsed: JSON, key: str, member: Membership, line: RawLine, source: Source) -> GoodLine | BadLine:
    operation = parsed.pop(source.file.metadata).get("operationType") or DEFAULT_OPERATION
    try:
        content_hash = codec.fingerprint([parsed, operation])
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        fault = Fault(field="", reason=f"holds what cannot be kept ({error}); send plain values")
        return BadLine(number=line.number, faults=[fault], raw=line.text, key=key, member=member)
    payload = {
        "line": line.number,
        "file": source.file.text,
        "export": member.export,
        "seen": source.seen,
        "operation": operation,
        "record": parsed,
    }
    record = Record(
        stream=source.file.record_type,
        key=key,
        payload=payload,
        content_hash=content_hash,
        group=source.group,
    )
    has_parent = source.file.record_type == "category" and operation != "delete"
    parent = _text(_first(parsed, _PARENT_FIELDS)) if has_parent else None
    return GoodLine(number=line.number, record=record, member=member, raw=line.text, parent=parent)


def _faults(parsed: JSON, text: bytes, source: Source) -> Sequence[Fault]:
    return [
        *_of_metadata(parsed, source.file),
        *_of_owner(parsed, "tenantId", source.tenant_id),
        *_of_owner(parsed, "storeId", source.store_id),
        *_of_key(parsed),
        *_of_whole(parsed, text),
    ]


def _of_metadata(parsed: JSON, file: FileName) -> Iterable[Fault]:
    metadata = parsed.get(file.metadata)
    if isinstance(metadata, dict):
        return metadata_faults(metadata, file)
    what = "is missing" if metadata is None else f"is {excerpt(metadata)}"
    return [Fault(field=file.metadata, reason=f"{what}; every record carries it as an object")]


def _of_owner(parsed: JSON, field: str, own: str | None) -> Sequence[Fault]:
    """The tenant or store: a text, and where the connection names one, that one."""
    value = parsed.get(field)
    if not isinstance(value, str) or not value:
        return [Fault(field=field, reason=not_a_text(value, parsed, field))]
    if own is not None and value != own:
        setting = "tenant_id" if field == "tenantId" else "store_id"
        reason = f"is {excerpt(value)}, not the connection's {excerpt(own)}; see settings.{setting}"
        return [Fault(field=field, reason=reason)]
    return []


def _of_key(parsed: JSON) -> Sequence[Fault]:
    faults = []
    given = [name for name in _ID_FIELDS if name in parsed]
    field = given[0] if given else _ID_FIELDS[0]
    value = parsed.get(field)
    if not isinstance(value, str) or not value:
        faults.append(Fault(field=field, reason=not_a_text(value, parsed, field)))
    elif len(value) > LONGEST_ID:
        reason = f"has {len(value)} characters; an id has {LONGEST_ID} at most"
        faults.append(Fault(field=field, reason=reason))
    if len(given) > 1 and len({_text(parsed[name]) for name in given}) > 1:
        faults.append(Fault(field=field, reason=f"differs from {_ID_FIELDS[1]}; send one of them"))
    return faults


def _of_whole(parsed: JSON, text: bytes) -> Sequence[Fault]:
    faults = []
    # Each look is ten times quicker than the next.
    if b"\\" in text and b"\\u0000" in text and _NUL.search(text):
        reason = "holds a NUL character (\\u0000), which databases do not keep; take it out"
        faults.append(Fault(field="", reason=reason))
    if may_be_too_deep(text) and is_too_deep(parsed):
        faults.append(Fault(field="", reason=TOO_DEEP))
    return faults


def _first(parsed: JSON, fields: Sequence[str]) -> Any:
    for name in fields:
        if name in parsed:
            return parsed[name]
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
