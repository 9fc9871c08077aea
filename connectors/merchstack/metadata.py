"""What a record says of itself: which export it belongs to, what it is, what is to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.merchstack.names import FileName
from hub.excerpt import excerpt

#: The one that this reader knows (seed 003).
FORMAT_VERSION = "1.0"

#: What a record may ask for (merchstack facts); a record that does not say updates.
OPERATIONS = ("create", "update", "delete")
DEFAULT_OPERATION = "update"

#: An import is followed as an export is, under a name that no export has by chance.
IMPORT = "import:"

#: Longer ids are no keys to the hub, in characters.
LONGEST_ID = 512
#: Numbers of an export beyond this are no numbers of records.
_MOST_RECORDS = 10**12


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with one field ("" is the line as a whole), with what to do."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Which record of which export it is; ``number`` and ``of`` are None where it does not say."""

    export: str
    number: int | None = None
    of: int | None = None


def metadata_faults(metadata: Mapping[str, Any], file: FileName) -> Iterator[Fault]:
    """What is wrong with it, each with its field."""

    def fault(name: str, reason: str) -> Fault:
        return Fault(field=f"{file.metadata}.{name}", reason=reason)

    version = metadata.get("formatVersion")
    if version != FORMAT_VERSION and (version is not None or file.direction == "export"):
        what = "is missing" if version is None else f"is {excerpt(version)}"
        yield fault("formatVersion", f'{what}; this reader knows "{FORMAT_VERSION}"')
    name = _id_name(file)
    export = metadata.get(name)
    if not isinstance(export, str) or not export or len(export) > LONGEST_ID:
        yield fault(name, not_a_text(export, metadata, name))
    for name in ("recordNum", "recordOf"):
        value = metadata.get(name)
        absent_is_fine = value is None and file.direction == "import"
        if not absent_is_fine and _count(value) is None:
            yield fault(name, f"is {_shown(value, metadata, name)}; it is a whole number from 1")
    kind = metadata.get("recordType")
    if kind is not None and kind != file.record_type:
        yield fault("recordType", f"is {excerpt(kind)}; the file's name says {file.record_type}")
    operation = metadata.get("operationType")
    if operation is not None and operation not in OPERATIONS:
        yield fault("operationType", f"is {excerpt(operation)}; it is one of {', '.join(OPERATIONS)}")
    elif operation == "delete" and file.direction == "export" and file.record_type == "product":
        reason = "is delete, but Merchstack never deletes products; send an import file to delete one"
        yield fault("operationType", reason)


def member_of(metadata: Any, file: FileName) -> Membership | None:
    """Where the record belongs, as far as it can be read."""
    export = metadata.get(_id_name(file)) if isinstance(metadata, dict) else None
    if not isinstance(export, str) or not export or len(export) > LONGEST_ID:
        return None
    number, of = _count(metadata.get("recordNum")), _count(metadata.get("recordOf"))
    prefix = "" if file.direction == "export" else IMPORT
    return Membership(export=prefix + export, number=number, of=of)


def _id_name(file: FileName) -> str:
    return f"{file.direction}Id"


def _count(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= _MOST_RECORDS else None


def not_a_text(value: object, within: Mapping[str, Any], field: str) -> str:
    """Why a field is not taken that has to be a text."""
    return f"is {_shown(value, within, field)}; it is a text that is not empty"


def _shown(value: object, within: Mapping[str, Any], field: str) -> str:
    return excerpt(value) if field in within else "missing"
