"""One line as a record, or as what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.merchstack import names
from connectors.merchstack.lines import BadLine, GoodLine, Source, read_line
from connectors.merchstack.nesting import MAX_DEPTH, TOO_DEEP
from connectors.merchstack.reading import RawLine
from hub import codec
from hub.records import JSON
from tests.connectors.merchstack.import_world import category, product


def source(name: str = "product_export90100_1.jsonl", store_id: str | None = None) -> Source:
    """Where a line stands."""
    file = names.parse(name)
    assert file is not None
    return Source(file=file, group="group", seen=7, tenant_id="ABC", store_id=store_id)


CATEGORIES = source("category_export90100_1.jsonl")
IMPORTS = source("product_import7_1.jsonl")


def read(record: Any, where: Source | None = None) -> GoodLine | BadLine:
    text = record if isinstance(record, bytes) else codec.dumps(record)
    return read_line(RawLine(number=3, text=text), where or source())


def faults(record: Any, where: Source | None = None) -> list[tuple[str, str]]:
    """What is wrong, or nothing for a good line."""
    found = read(record, where)
    return [] if isinstance(found, GoodLine) else [(fault.field, fault.reason) for fault in found.faults]


def nested(levels: int, kind: str = "object") -> Any:
    """So many objects or arrays within each other."""
    value: Any = 1
    for _ in range(levels):
        value = {"in": value} if kind == "object" else [value]
    return value


def imported(**metadata: Any) -> JSON:
    record = product("p1")
    del record["exportMetaData"]
    return {**record, "importMetaData": {"importId": "7", "operationType": "create", **metadata}}


def test_a_good_line_is_a_record() -> None:
    """Without its metadata; numbers keep their digits."""
    found = read(product("p1", 12, 1300, weight=1.50, categoryIds=["456"]))

    assert isinstance(found, GoodLine)
    record = found.record
    assert (record.stream, record.key, record.group, record.version) == ("product", "p1", "group", None)
    assert {name: value for name, value in record.payload.items() if name != "record"} == {
        "line": 3,
        "file": "product_export90100_1.jsonl",
        "export": "90100",
        "seen": 7,
        "operation": "update",
    }
    assert set(record.payload["record"]) == {
        "tenantId",
        "storeId",
        "externalSystemId",
        "weight",
        "categoryIds",
    }
    assert (found.member.number, found.member.of) == (12, 1300)


def test_the_hash_is_of_content_and_operation_alone() -> None:
    """Whatever export, line or order of fields it comes in."""
    one = category("c1", 1, 2, enabled=True, metadata={"operationType": "update"})
    same = dict(reversed(category("c1", 9, 10, enabled=True, export="other").items()))
    other = category("c1", 1, 2, enabled=True, metadata={"operationType": "create"})

    hashes = [found.record.content_hash for found in map(_good_category, (one, same, other))]

    assert hashes[0] == hashes[1] != hashes[2]


def test_the_id_is_read_in_both_spellings() -> None:
    """The seed has both."""
    record = product("p1")
    record["externalSystemID"] = record.pop("externalSystemId")

    found = read(record)

    assert isinstance(found, GoodLine)
    assert found.key == "p1"
    assert faults({**record, "externalSystemId": "p1"}) == []
    assert faults({**record, "externalSystemId": "p2"})[0][0] == "externalSystemId"


@pytest.mark.parametrize(
    ("record", "field", "told"),
    (
        ({"exportMetaData": None}, "exportMetaData", "every record carries it"),
        ({"exportMetaData": []}, "exportMetaData", "every record carries it"),
        ({"tenantId": ""}, "tenantId", "not empty"),
        ({"tenantId": 7}, "tenantId", "is 7; it is a text"),
        ({"tenantId": None}, "tenantId", "is null"),
        ({"tenantId": "XYZ"}, "tenantId", 'is "XYZ", not the connection\'s "ABC"; see settings.tenant_id'),
        ({"storeId": ""}, "storeId", "not empty"),
        ({"storeId": {}}, "storeId", "it is a text"),
        ({"externalSystemId": ""}, "externalSystemId", "not empty"),
        ({"externalSystemId": 456}, "externalSystemId", "is 456"),
        ({"externalSystemId": "x" * 513}, "externalSystemId", "512 at most"),
        ({"name": "a\0b"}, "", "NUL character"),
    ),
    ids=range(12),
)
def test_what_is_required_is_named_with_its_field(record: JSON, field: str, told: str) -> None:
    """And with what to do."""
    ((found, reason),) = faults({**product("p1"), **record})

    assert found == field
    assert told in reason


@pytest.mark.parametrize("field", ("tenantId", "storeId", "externalSystemId", "exportMetaData"))
def test_what_is_missing_is_called_missing(field: str) -> None:
    """Not null."""
    record = product("p1")
    del record[field]

    ((found, reason),) = faults(record)

    assert found == field
    assert "is missing" in reason


@pytest.mark.parametrize(
    ("metadata", "field", "told"),
    (
        ({"formatVersion": "2.0"}, "formatVersion", 'is "2.0"; this reader knows "1.0"'),
        ({"formatVersion": 1.0}, "formatVersion", "is 1.0;"),
        ({"formatVersion": None}, "formatVersion", "is missing"),
        ({"exportId": ""}, "exportId", "not empty"),
        ({"exportId": 90100}, "exportId", "it is a text"),
        ({"exportId": "x" * 600}, "exportId", "it is a text"),
        ({"recordNum": 0}, "recordNum", "whole number from 1"),
        ({"recordNum": "1"}, "recordNum", "whole number from 1"),
        ({"recordNum": True}, "recordNum", "whole number from 1"),
        ({"recordNum": 1.5}, "recordNum", "whole number from 1"),
        ({"recordNum": 10**30}, "recordNum", "whole number from 1"),
        ({"recordOf": -1}, "recordOf", "whole number from 1"),
        ({"recordOf": None}, "recordOf", "whole number from 1"),
        ({"recordType": "category"}, "recordType", "the file's name says product"),
        ({"recordType": 7}, "recordType", "the file's name says product"),
        ({"operationType": "upsert"}, "operationType", "create, update, delete"),
        ({"operationType": ["delete"]}, "operationType", "create, update, delete"),
        ({"operationType": "delete"}, "operationType", "never deletes products"),
    ),
    ids=range(18),
)
def test_metadata_that_is_wrong_is_named(metadata: JSON, field: str, told: str) -> None:
    """With the path to it."""
    ((found, reason),) = faults(product("p1", metadata=metadata))

    assert found == f"exportMetaData.{field}"
    assert told in reason


def test_everything_that_is_wrong_is_named_at_once() -> None:
    """So that one round mends it all."""
    found = faults({"exportMetaData": {"formatVersion": "3"}, "tenantId": "XYZ", "storeId": None})

    assert [field for field, _ in found] == [
        "exportMetaData.formatVersion",
        "exportMetaData.exportId",
        "exportMetaData.recordNum",
        "exportMetaData.recordOf",
        "tenantId",
        "storeId",
        "externalSystemId",
    ]


def test_a_bad_record_with_good_metadata_is_not_missing() -> None:
    """Its number has come."""
    found = read(product("p1", 5, 9, tenantId="XYZ"))

    assert isinstance(found, BadLine)
    assert found.member is not None
    assert (found.key, found.member.export, found.member.number, found.member.of) == ("p1", "90100", 5, 9)


@pytest.mark.parametrize(
    ("text", "told"),
    (
        (b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
        (b"\xff\xfe{\x00", "is not UTF-8 at byte 0"),
        (b'{"exportMetaData": {"form', "ends in the middle"),
        (b'{"a": 1} {"b": 2}', "is no JSON"),
        (b"not json", "is no JSON"),
        (b'{"a": NaN}', "is no JSON"),
        (b'{"a": "\\ud800"}', "is no JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "is no JSON"),
        (b"[1, 2]", "is [1,2]; a record is a JSON object"),
        (b'"text"', "a record is a JSON object"),
        (b"null", "a record is a JSON object"),
        (b"[" * 5000, "nested too deeply"),
        (b'{"a": 1e9999999999999999999}', "is no JSON"),
    ),
    ids=range(13),
)
def test_a_line_that_is_no_record_says_why(text: bytes, told: str) -> None:
    """And what to do."""
    ((field, reason),) = faults(text)

    assert field == ""
    assert told in reason


@pytest.mark.parametrize("kind", ("object", "array"))
def test_a_record_has_a_hundred_levels_at_most(kind: str) -> None:
    """The hub reads and writes it again and again, and each time it must fit on the stack."""
    at_most = read(product("p1", 4, 9, deep=nested(MAX_DEPTH - 1, kind)))
    deeper = read(product("p1", 4, 9, deep=nested(MAX_DEPTH, kind)))

    assert isinstance(at_most, GoodLine)
    assert isinstance(deeper, BadLine)
    assert [(fault.field, fault.reason) for fault in deeper.faults] == [("", TOO_DEEP)]
    assert deeper.member is not None
    assert (deeper.key, deeper.member.number) == ("p1", 4)


def test_all_that_is_wrong_with_a_deep_record_is_told() -> None:
    """Its depth is one fault among others."""
    found = faults({**product("p1"), "tenantId": nested(500, "array")})

    assert [field for field, _ in found] == ["tenantId", ""]


def test_a_line_that_could_not_be_read_says_why() -> None:
    """It was too long, or the file broke off there."""
    found = read_line(RawLine(number=3, text=b"{", fault="is longer than 8 bytes"), source())

    assert isinstance(found, BadLine)
    assert found.bad_record(source().file).reason == (
        "product_export90100_1.jsonl line 3: is longer than 8 bytes"
    )


def test_a_category_may_be_created_updated_and_deleted() -> None:
    """Without a word it is updated."""
    operations = [
        _good_category(category("c1", metadata=metadata)).record.payload["operation"]
        for metadata in ({"operationType": name} for name in ("create", "update", "delete", None))
    ]

    assert operations == ["create", "update", "delete", "update"]


def test_a_category_names_its_parent_unless_it_goes() -> None:
    """Both spellings."""
    fields = (
        {"externalSystemParentId": "up"},
        {"externalSystemParentID": "up"},
        {"externalSystemParentId": 7},
        {},
    )

    parents = [_good_category(category("c1", **each)).parent for each in fields]
    deleted = _good_category(
        category("c1", externalSystemParentId="up", metadata={"operationType": "delete"})
    )

    assert parents == ["up", "up", None, None]
    assert deleted.parent is None


def test_an_import_record_carries_metadata_of_its_own() -> None:
    """``importId`` and ``operationType`` on both types (merchstack facts)."""
    found = read(imported(operationType="delete"), IMPORTS)

    assert isinstance(found, GoodLine)
    assert found.member.export == "import:7"
    assert found.record.payload["operation"] == "delete"
    assert "importMetaData" not in found.record.payload["record"]
    assert faults(imported(recordNum=1, recordOf=2, formatVersion="1.0"), IMPORTS) == []
    assert faults(imported(formatVersion="9"), IMPORTS)[0][0] == "importMetaData.formatVersion"
    assert faults(product("p1"), IMPORTS)[0][0] == "importMetaData"
    assert faults(imported())[0][0] == "exportMetaData"


def test_another_store_is_refused_where_the_connection_names_one() -> None:
    """And taken where it does not."""
    assert faults(product("p1"), source(store_id="999"))[0][0] == "storeId"
    assert faults(product("p1"), source(store_id="123")) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ("exportMetaData", "tenantId", "storeId", "externalSystemId", "externalSystemID", "brand")
)
METADATA = st.sampled_from(
    ("formatVersion", "exportId", "recordNum", "recordOf", "recordType", "operationType")
)


@given(
    changed=st.dictionaries(FIELDS, JSON_VALUES, max_size=3),
    metadata=st.dictionaries(METADATA, JSON_VALUES, max_size=3),
)
def test_no_record_breaks_the_reader(changed: JSON, metadata: JSON) -> None:
    """It is good, or something is named; what is kept can be written."""
    found = read({**product("p1", metadata=metadata), **changed})

    if isinstance(found, GoodLine):
        assert codec.loads(codec.dumps(found.record.payload)) == found.record.payload
        assert 1 <= len(found.key) <= 512
    else:
        assert found.faults
        assert all(fault.reason for fault in found.faults)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(text: bytes) -> None:
    """Whatever stands in a line."""
    assert isinstance(read(text), BadLine)


def _good_category(record: JSON) -> GoodLine:
    found = read(record, CATEGORIES)
    assert isinstance(found, GoodLine)
    return found
