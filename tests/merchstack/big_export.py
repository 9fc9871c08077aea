"""An export of a hundred files with everything in it that an import has to tell apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.records import JSON
from tests.connectors.merchstack.import_world import category, jsonl, product

FILES, PER_FILE = 100, 20
PRODUCTS = FILES * PER_FILE
CATEGORY_FILES, CATEGORIES = 4, 60

#: The export before the big one, which brings every tenth product.
BASE, BIG = "1", "2"
#: A line that is no record, and whose number nobody misses.
GARBAGE = b'{"exportMetaData": {"formatVersion": "1.0", "exp\n'

_SCRIPTS = ("Shoe", "Schuh für Frühling", "靴", "حذاء", "ботинок", "รองเท้า")


@dataclass(frozen=True, kw_only=True)
class ExportFile:
    """One file; ``good`` are the keys that the catalog has after it, ``counts`` what its report says."""

    content: bytes
    good: frozenset[str]
    counts: Mapping[str, int]


@dataclass(kw_only=True)
class _Counted:
    lines: list[bytes] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("created", "updated", "unchanged", "rejected"), 0)
    )

    def add(self, effect: str, line: bytes, key: str | None = None) -> None:
        self.lines.append(line)
        self.counts[effect] += 1
        if key is not None:
            self.good.add(key)

    def file(self) -> ExportFile:
        return ExportFile(
            content=b"".join(self.lines),
            good=frozenset(self.good),
            counts={"read": len(self.lines), **self.counts},
        )


def base_file() -> tuple[str, bytes]:
    """Name and content of what was there before."""
    numbers = range(0, PRODUCTS, 10)
    records = [_product(number, place, len(numbers), BASE) for place, number in enumerate(numbers, start=1)]
    return f"product_export{BASE}_1.jsonl", jsonl(records)


def big_export() -> Mapping[str, ExportFile]:
    """Files by name. A third of what was there is changed, a third the same, a third only spelled in another way."""
    files: dict[str, ExportFile] = {}
    for number in range(FILES):
        files[f"product_export{BIG}_{number + 1}.jsonl"] = _product_file(number)
    for number in range(CATEGORY_FILES):
        files[f"category_export{BIG}_{number + 1}.jsonl"] = _category_file(number)
    return files


def _product_file(number: int) -> ExportFile:
    counted = _Counted()
    for each in range(number * PER_FILE, (number + 1) * PER_FILE):
        record = _product(each, each + 1, PRODUCTS, BIG)
        effect, key = "created", f"p{each}"
        if each % 10 == 0:
            effect = ("unchanged", "unchanged", "updated")[each // 10 % 3]
            _change(record, each // 10 % 3)
        elif each % 200 == 7:
            record["variants"][0]["price"] = 12.5
            effect, key = "rejected", ""
        elif number >= FILES - 3 and each % PER_FILE == 3:
            record["categoryIds"].append("nobody's")
        counted.add(effect, jsonl([record]), key or None)
        if each % 180 == 11:
            counted.add("rejected", GARBAGE)
    return counted.file()


def _change(record: JSON, how: int) -> None:
    """Not at all, in its spelling, or in its content."""
    if how == 1:
        record["externalSystemID"] = record.pop("externalSystemId")
    elif how == 2:
        record["brand"] = "another"


def _category_file(number: int) -> ExportFile:
    counted = _Counted()
    for each in range(number, CATEGORIES, CATEGORY_FILES):
        parent = {} if each == 0 else {"externalSystemParentId": f"c{each // 3}"}
        record = category(f"c{each}", each + 1, CATEGORIES, export=BIG, isRoot=each == 0, **parent)
        counted.add("created", jsonl([record]), f"c{each}")
    return counted.file()


def _product(number: int, place: int, of: int, export: str) -> JSON:
    name = _SCRIPTS[number % len(_SCRIPTS)]
    fields = {
        "brand": f"brand {number % 7}",
        "categoryIds": [f"c{number % CATEGORIES}"] if export == BIG and number % 10 else [],
        "translations": [{"languageCode": "en", "name": f"{name} {number}", "slug": f"shoe-{number}"}],
        "variants": [
            {
                "externalSystemId": f"v{number}-{size}",
                "sku": f"{number}-{size}",
                "price": number * 10 + size,
                "currencyCode": ("USD", "JPY", "BHD")[number % 3],
                "stockOnHand": size,
            }
            for size in range(1 + number % 2)
        ],
    }
    return product(f"p{number}", place, of, export=export, **json.loads(json.dumps(fields)))
