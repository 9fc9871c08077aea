"""What docs/connectors/merchstack.md says is so."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import AliasChoices, BaseModel

from connectors.destinations.catalog import CatalogDestination
from connectors.merchstack import shapes as merchstack
from connectors.merchstack.bucket import S3Credentials
from connectors.merchstack.connector import RECORDS_A_FILE, Merchstack
from connectors.merchstack.export import MerchstackExport
from connectors.merchstack.feed import MAX_IMPORT
from connectors.merchstack.from_catalog import product_record
from connectors.merchstack.import_files import files, numbered
from connectors.merchstack.lines import BadLine, GoodLine, Source, read_line
from connectors.merchstack.metadata import OPERATIONS
from connectors.merchstack.names import parse
from connectors.merchstack.notes import MOST_LISTED
from connectors.merchstack.pages import read_page
from connectors.merchstack.progress import MOST_EXPORTS
from connectors.merchstack.reading import PAGE_BYTES, PAGE_LINES, RawLine
from connectors.merchstack.report import write_report
from connectors.merchstack.to_catalog import product_body
from connectors.merchstack.tracking import MOST_RANGES
from hub import codec, connection_file
from hub.catalog import shapes as catalog
from hub.connection_file import validated
from hub.errors import RejectedError
from hub.records import JSON, GroupTally
from tests.connectors.merchstack.import_world import TurnedClock, category, product

PAGE = (Path(__file__).parents[2] / "docs/connectors/merchstack.md").read_text(encoding="utf-8")
CONNECTORS = {each.name: each for each in (Merchstack, MerchstackExport)}

#: Where a section has more than one table, they stand under each other.
FIELDS: Mapping[str, tuple[type[merchstack.Shape], ...]] = {
    "A category": (merchstack.CategoryRecord,),
    "A product": (merchstack.ProductRecord,),
    "A variant": (merchstack.VariantRecord,),
    "A translation": (merchstack.Translation,),
    "An asset": (merchstack.Asset,),
    "A facet, and a detail of it": (merchstack.Facet, merchstack.FacetDetail),
}
#: What goes into rows of its own, or is a change.
ELSEWHERE = {
    "currency_code": "prices[].currency",
    "price": "prices[].amount",
    "compare_at_price": "prices[].compare_at",
    "stock_on_hand": "stock[].on_hand",
    "out_of_stock_threshold": "stock[].threshold",
    "operation": "media_changes[].operation",
}
#: What a shape of the catalog says of how it is written, and parts with rows of their own.
NO_CONTENT = {
    "extra",
    "operation",
    "source_id",
    "all_variants",
    "wait_for_categories",
    "wait_for_parent",
    "enriches",
    "media_changes",
    "prices",
    "stock",
}


def section(heading: str) -> str:
    """What stands under a heading."""
    return re.split(r"\n#{2,3} ", PAGE.split(f" {heading}\n", 1)[1])[0]


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, without its two header lines."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in each.splitlines()[2:]]
        for each in found
    ]


def quoted(cell: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("heading", "model"),
    (
        ("Settings of `merchstack`", Merchstack.Settings),
        ("Settings of `merchstack-export`", MerchstackExport.Settings),
        ("Credentials of both", S3Credentials),
    ),
)
def test_every_setting_stands_there_with_its_default_and_meaning(
    heading: str, model: type[BaseModel]
) -> None:
    """In order, word for word."""
    (rows,) = tables(section(heading))

    assert [(quoted(name)[0], default, meaning) for name, default, meaning in rows] == [
        (name, _default(field), field.description) for name, field in model.model_fields.items()
    ]
    assert Merchstack.Credentials is MerchstackExport.Credentials is S3Credentials


@pytest.mark.parametrize("written", blocks("toml"))
def test_every_connection_file_is_accepted_as_it_stands(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the connector that it names, and its destination."""
    monkeypatch.setenv("MERCHSTACK_S3_SECRET", "from-the-environment")
    file = connection_file.parse(tomllib.loads(written))
    connector = CONNECTORS[file.connector]

    validated(connector.Settings, file.settings, field="settings")
    validated(connector.Credentials, file.credentials, field="credentials")

    assert (file.destination is not None) == connector.uses_destination
    assert file.destination is None or file.destination.name == CatalogDestination.name


@pytest.mark.parametrize("heading", FIELDS)
def test_every_field_stands_there_in_all_its_spellings(heading: str) -> None:
    """The official one first, with its name in the catalog."""
    documented = [
        (quoted(field)[0], quoted(others), quoted(name)[0])
        for table in tables(section(heading))
        for field, others, name, _ in table
    ]

    assert documented == [
        (*_spellings(shape, name), ELSEWHERE.get(name, name))
        for shape in FIELDS[heading]
        for name in shape.model_fields
        if shape.model_fields[name].validation_alias
    ]


@pytest.mark.parametrize(
    ("of", "own", "theirs"),
    (
        ("a category", catalog.Category, merchstack.CategoryRecord),
        ("a product", catalog.Product, merchstack.ProductRecord),
        ("a variant", catalog.Variant, merchstack.VariantRecord),
        ("a medium", catalog.Medium, merchstack.Asset),
        ("", catalog.Translation, merchstack.Translation),
        ("", catalog.Facet, merchstack.Facet),
        ("", catalog.FacetDetail, merchstack.FacetDetail),
        ("", catalog.FocalPoint, merchstack.FocalPoint),
    ),
)
def test_what_the_catalog_has_and_merchstack_has_not_is_said_to_be_left_out(
    of: str, own: type[catalog.Shape], theirs: type[merchstack.Shape]
) -> None:
    """So that no field of the catalog is forgotten."""
    rows = {row[0]: set(quoted(row[1])) for row in tables(section("What is left out"))[0]}
    left_out = (
        {field.encode_name for field in msgspec.structs.fields(own)} - set(theirs.model_fields) - NO_CONTENT
    )

    assert rows.get(of, set()) == left_out


def test_every_operation_has_its_row() -> None:
    """Besides the one for none."""
    (rows,) = tables(section("Operations"))

    assert [row[0].strip("`") for row in rows] == ["absent", *OPERATIONS]


def _line(kind: str, record: JSON) -> tuple[str, bytes]:
    return kind, codec.dumps(record)


def _variant(**fields: Any) -> tuple[str, bytes]:
    return _line(
        "product",
        product("p1", variants=[{"externalSystemId": "v1", "price": 1, "currencyCode": "USD", **fields}]),
    )


def _metadata(**fields: Any) -> tuple[str, bytes]:
    return _line("product", product("p1", metadata=fields))


def _product(**fields: Any) -> tuple[str, bytes]:
    return _line("product", {**product("p1"), **fields})


_BARE = {name: value for name, value in product("p1").items() if name != "exportMetaData"}
BAD: Mapping[str, tuple[str, bytes]] = {
    "not UTF-8": ("product", b'{"a": "\xff"}'),
    "cut in the middle": ("product", b'{"cut": '),
    "no JSON": ("product", b'{"a": 1,}'),
    "JSON, and no object": ("product", b"[1]"),
    "nested more than 100 deep": ("product", b'{"a": ' * 5000 + b"1" + b"}" * 5000),
    "a NUL character": _product(brand="a\0b"),
    "no metadata": _line("product", _BARE),
    "an unknown version": _metadata(formatVersion="2.0"),
    "no export id": _metadata(exportId=""),
    "a number that is none": _metadata(recordNum=0),
    "a record of the other type": _metadata(recordType="category"),
    "an unknown operation": _metadata(operationType="merge"),
    "a product deleted by an export": _metadata(operationType="delete"),
    "another tenant's": _product(tenantId="XYZ"),
    "no store": _product(storeId=""),
    "no id": _product(externalSystemId=None),
    "two ids": _product(externalSystemID="p2"),
    "an id that is too long": _product(externalSystemId="k" * 600),
    "a wrong type": _product(brand=7),
    "an asset without an id": _product(assets=[{"name": "a.jpg"}]),
    "an unknown asset operation": _product(assets=[{"externalSystemAssetId": "1", "operation": "dropAsset"}]),
    "a width that is none": _product(assets=[{"externalSystemAssetId": "1", "width": "wide"}]),
    "a price with a point": _product(
        variants=[{"externalSystemId": "v1", "price": 0, "currencyCode": "USD"}]
    ),
    "a negative price": _variant(price=-1),
    "a price as a text": _variant(price="3999"),
    "an unknown currency": _variant(currencyCode="XXQ"),
    "a price without a currency": _product(variants=[{"externalSystemId": "v1", "price": 1}]),
    "a negative threshold": _variant(outOfStockThreshold=-1),
    "one variant twice": _product(
        variants=[{"externalSystemId": "v1", "sku": "a"}, {"externalSystemId": "v1", "sku": "b"}]
    ),
    "a category under itself": _line("category", category("c1", externalSystemParentId="c1")),
}
#: No JSON that this code writes has fractions as floats.
WITH_POINT = {"a price with a point": (b'"price":0', b'"price":39.99')}


def _errors() -> dict[str, str]:
    return {line: said.strip("`") for line, said in tables(section("Errors"))[0]}


def test_the_error_table_and_the_lines_tried_here_are_the_same() -> None:
    """But for the line that is too long, which the reader of bytes tells of."""
    limit = Merchstack.Settings.model_fields["max_line_bytes"].default

    assert _errors().keys() - BAD.keys() == {"longer than `max_line_bytes`"}
    assert BAD.keys() <= _errors().keys()
    assert f"is longer than {limit} bytes" in _errors()["longer than `max_line_bytes`"]


@pytest.mark.parametrize("name", BAD)
def test_every_bad_line_gets_the_stated_words(name: str) -> None:
    """Field, reason and remedy, as the report has them."""
    kind, text = BAD[name]
    found = parse(f"{kind}_export90100_1.jsonl")
    assert found is not None
    source = Source(file=found, group="g", seen=0, tenant_id="ABC")

    assert (
        _said(RawLine(number=1, text=text.replace(*WITH_POINT.get(name, (b"", b"")))), source)
        == _errors()[name]
    )


def test_the_report_has_the_stated_fields() -> None:
    """The example, the table and what is written."""
    none = dict.fromkeys(("admitted", "success", "skipped", "rejected", "dead", "superseded", "discarded"), 0)
    notes = {"good": 0, "bad": 0, "rejected": [], "warnings": []}
    written = codec.loads(
        write_report(
            name="n",
            stamp="s",
            notes=notes,
            tally=GroupTally(name="n", stream="product", **none),
            exports={},
            at=TurnedClock().now(),
        )
    )
    example = codec.loads(blocks("json")[0])
    documented = [name for row in tables(section("The report"))[0] for name in quoted(row[0])]

    assert list(example) == list(written)
    assert list(example["counts"]) == list(written["counts"])
    counts = [f"counts.{name}" for name in written["counts"]]
    assert documented == [each for name in written for each in (counts if name == "counts" else [name])]


def test_the_record_that_is_shown_is_one_that_is_written() -> None:
    """Byte for byte, but for blanks."""
    shown = codec.loads(blocks("json")[1])
    metadata = shown["importMetaData"]
    content = {
        name: value for name, value in shown.items() if name not in {"importMetaData", "tenantId", "storeId"}
    }
    record = product_record(
        product_body(content, operation="update", wait=False, location="x"), currency=None
    )

    (line,) = numbered(
        [("create", record)],
        import_id=metadata["importId"],
        record_type="product",
        total=metadata["recordOf"],
        frame={"tenantId": "ABC", "storeId": "123"},
    )

    assert line == codec.dumps(shown) + b"\n"
    assert [name for name, _ in files([line], import_id="7", record_type="product")] == [
        "product_import7_1.jsonl"
    ]


@pytest.mark.parametrize(
    "said",
    (
        f"a page is at most {PAGE_LINES:,} lines, and {PAGE_BYTES // 2**20} MiB",
        f"holds more than {RECORDS_A_FILE:,} records",
        f"or at {MAX_IMPORT:,}",
        f"Up to {MOST_EXPORTS} exports",
        f"more than {MOST_RANGES:,} pieces",
        f"about {MOST_LISTED:,} are listed",
    ),
)
def test_every_limit_is_the_stated_one(said: str) -> None:
    """So that none is changed behind the page's back."""
    assert said in " ".join(PAGE.split())


def _said(line: RawLine, source: Source) -> str:
    read = read_line(line, source)
    if isinstance(read, BadLine):
        return str(read.faults[0])
    assert isinstance(read, GoodLine)
    (bad,) = read_page([line], source).bad or [None]
    if bad is not None:
        return str(bad.faults[0])
    with pytest.raises(RejectedError) as refused:
        product_body(read.record.payload["record"], operation="update", wait=False, location="x")
    return refused.value.errors[0]


def _spellings(shape: type[merchstack.Shape], name: str) -> tuple[str, list[str]]:
    alias = shape.model_fields[name].validation_alias
    assert isinstance(alias, AliasChoices)
    official, *others = map(str, alias.choices)
    return official, others


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    return {None: "none", False: "false"}.get(field.default, str(field.default))
