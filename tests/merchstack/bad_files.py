"""The table of bad input: files of an export, what becomes of them, and how they look when they were mended."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub import codec
from hub.records import JSON
from tests.connectors.merchstack.import_world import category, jsonl, product

FILE = "product_export90100_1.jsonl"
CATEGORIES = "category_export90100_1.jsonl"
MORE_CATEGORIES = "category_export90100_2.jsonl"
PACKED = FILE + ".gz"

#: Line, key and field of a rejection, and a part of its reason.
Rejection = tuple[int, str | None, str | None, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """``keys`` are in the catalog afterwards, ``rejected`` stand in the report of ``file``, ``warned`` too.

    ``all_keys`` are in the catalog once ``mended`` has been put in place of the files.
    """

    name: str
    files: Mapping[str, bytes]
    keys: Sequence[str] = ("a", "z")
    rejected: Sequence[Rejection] = ()
    warned: Sequence[str] = ()
    mended: Mapping[str, bytes]
    all_keys: Sequence[str] = ("a", "b", "z")
    kind: str = "product"
    file: str = FILE
    settings: Mapping[str, Any] = field(default_factory=dict)


def three(**middle: Any) -> list[JSON]:
    """Three products; the one in the middle has these fields."""
    return [product("a", 1, 3), product("b", 2, 3, **middle), product("z", 3, 3)]


def lines(middle: bytes) -> bytes:
    """The same, with bytes in the middle."""
    return jsonl([product("a", 1, 3)]) + middle + b"\n" + jsonl([product("z", 3, 3)])


def priced(**variant: Any) -> bytes:
    """The same, with a variant in the middle."""
    return jsonl(three(variants=[{"externalSystemId": "v", "currencyCode": "USD", **variant}]))


def tree(**parents: str) -> bytes:
    """Categories by key, each with its parent; "" for none."""
    return jsonl(
        [
            category(key, number, len(parents), **({"externalSystemParentId": parent} if parent else {}))
            for number, (key, parent) in enumerate(parents.items(), start=1)
        ]
    )


def _case(
    name: str, middle: bytes | JSON, *rejected: Rejection, good: bytes | None = None, **more: Any
) -> Case:
    content = lines(middle) if isinstance(middle, bytes) else jsonl(three(**middle))
    return Case(
        name=name,
        files={FILE: content},
        rejected=rejected,
        mended={FILE: good or jsonl(three())},
        **more,
    )


GOOD = codec.dumps(product("b", 2, 3))
RATE = "variants.0.price"

CASES: Sequence[Case] = (
    _case("not UTF-8", GOOD[:-1] + b', "brand": "Stra\xdfe"}', (2, None, None, "is not UTF-8 at byte")),
    Case(
        name="a BOM, CRLF and blank lines",
        files={FILE: b"\xef\xbb\xbf" + jsonl(three()).replace(b"\n", b"\r\n\r\n  \n")},
        keys=("a", "b", "z"),
        mended={FILE: jsonl(three())},
    ),
    _case("a line cut in the middle", GOOD[:60], (2, None, None, "ends in the middle")),
    Case(
        name="a file cut in the middle",
        files={FILE: jsonl(three())[:-40]},
        keys=("a", "b"),
        rejected=((3, None, None, "ends in the middle"),),
        mended={FILE: jsonl(three())},
    ),
    _case(
        "a line that is too long",
        {"brand": "x" * 5000},
        (2, None, None, "is longer than 2048 bytes and was not read"),
        settings={"max_line_bytes": 2048},
    ),
    _case("JSON that is no object", b'["b"]', (2, None, None, "a record is a JSON object")),
    _case("no JSON", b"b;2;3", (2, None, None, "is no JSON")),
    _case(
        "wrong types",
        {"enabled": "yes", "brand": 7, "categoryIds": "c1"},
        (2, "b", "brand", "7 is no text"),
        (2, "b", "enabled", "neither true nor false"),
        (2, "b", "categoryIds", "is no array"),
    ),
    _case(
        "ids that are missing or no text",
        {"externalSystemId": 5, "storeId": ""},
        (2, None, "storeId", "a text that is not empty"),
        (2, None, "externalSystemId", "a text that is not empty"),
    ),
    Case(
        name="a price with a decimal point",
        files={FILE: priced(price=39.99)},
        rejected=((2, "b", RATE, "39.99 has a decimal point; write minor units, 3999"),),
        mended={FILE: priced(price=3999)},
    ),
    Case(
        name="a negative price",
        files={FILE: priced(price=-1, compareAtPrice=-2)},
        rejected=((2, "b", RATE, "-1 is negative"), (2, "b", "variants.0.compareAtPrice", "-2 is negative")),
        mended={FILE: priced(price=1, compareAtPrice=2)},
    ),
    Case(
        name="an unknown currency",
        files={FILE: priced(price=1, currencyCode="XYZ")},
        rejected=((2, "b", "variants.0.currencyCode", '"XYZ" is no ISO 4217 currency'),),
        mended={FILE: priced(price=1, currencyCode="840")},
    ),
    Case(
        name="ids that come twice",
        files={FILE: jsonl([*three(), product("b", 4, 4, brand="last")])},
        keys=("a", "b", "z"),
        warned=("line 2 was replaced by line 4", "recordOf: 3, 4"),
        mended={FILE: jsonl(three(brand="last"))},
    ),
    Case(
        name="a category that is its own ancestor",
        files={CATEGORIES: tree(a="", b="c", c="b", z="a", y="b")},
        keys=("a", "y", "z"),
        rejected=(
            (2, "b", "externalSystemParentId", "makes the category its own ancestor"),
            (3, "c", "externalSystemParentId", "makes the category its own ancestor"),
        ),
        warned=('nobody knows the category "b"',),
        mended={CATEGORIES: tree(a="", b="", c="b", z="a", y="b")},
        all_keys=("a", "b", "c", "y", "z"),
        kind="category",
        file=CATEGORIES,
    ),
    Case(
        name="a category that is its own parent",
        files={CATEGORIES: tree(a="", b="b", z="")},
        rejected=((2, "b", "externalSystemParentId", "own ancestor"),),
        mended={CATEGORIES: tree(a="", b="a", z="")},
        kind="category",
        file=CATEGORIES,
    ),
    Case(
        name="two tenants in one file",
        files={FILE: jsonl(three(tenantId="XYZ"))},
        rejected=((2, "b", "tenantId", 'is "XYZ", not the connection\'s "ABC"'),),
        mended={FILE: jsonl(three())},
    ),
    Case(
        name="formatVersion 2.0",
        files={FILE: jsonl(three(metadata={"formatVersion": "2.0"}))},
        rejected=((2, "b", "exportMetaData.formatVersion", 'is "2.0"; this reader knows "1.0"'),),
        mended={FILE: jsonl(three())},
    ),
    Case(
        name="no metadata",
        files={FILE: lines(b'{"tenantId": "ABC", "storeId": "123", "externalSystemId": "b"}')},
        rejected=((2, "b", "exportMetaData", "is missing"),),
        mended={FILE: jsonl(three())},
    ),
    Case(name="an empty file", files={FILE: b""}, keys=(), mended={FILE: jsonl(three())}),
    Case(
        name="a gzip file that is cut",
        files={PACKED: gzip.compress(jsonl(three()), compresslevel=0)[:-40]},
        keys=("a", "b"),
        rejected=((3, None, None, "the gzip file is cut here"),),
        mended={PACKED: gzip.compress(jsonl(three()))},
        file=PACKED,
    ),
    Case(
        name="what is called gzip and is none",
        files={PACKED: jsonl(three())},
        keys=(),
        rejected=((1, None, None, "cannot be unpacked from here on"),),
        mended={PACKED: gzip.compress(jsonl(three()))},
        file=PACKED,
    ),
)
