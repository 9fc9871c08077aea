"""What an import file holds: complete metadata, numbers that run across all files, at most 1,000 records. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from hub import codec
from hub.records import JSON

#: Merchstack facts: the version of the format, and what a file may hold.
FORMAT_VERSION = "1.0"
MAX_RECORDS = 1000


def file_name(record_type: str, import_id: str, number: int) -> str:
    """Merchstack facts: ``product_import90100_1.jsonl``; others are ignored there."""
    return f"{record_type}_import{import_id}_{number}.jsonl"


def numbered(
    records: Iterable[tuple[str, JSON]],
    *,
    import_id: str,
    record_type: str,
    total: int,
    frame: Mapping[str, Any],
) -> Iterator[bytes]:
    """Lines of JSON for pairs of operation type and record. ``frame`` are fields that stand in every record."""
    for number, (operation, record) in enumerate(records, start=1):
        head = {
            "importMetaData": {
                "formatVersion": FORMAT_VERSION,
                "importId": import_id,
                "recordNum": number,
                "recordOf": total,
                "recordType": record_type,
                "operationType": operation,
            },
            **frame,
        }
        content = {name: value for name, value in record.items() if name not in head}
        yield codec.dumps({**head, **content}) + b"\n"


def files(
    lines: Iterable[bytes], *, import_id: str, record_type: str, size: int = MAX_RECORDS
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, in order; one file is in memory at a time."""
    waiting = iter(lines)
    number = 1
    while content := b"".join(islice(waiting, size)):
        yield file_name(record_type, import_id, number), content
        number += 1
