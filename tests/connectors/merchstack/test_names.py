"""What Merchstack's files are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.merchstack import names


@pytest.mark.parametrize(
    ("name", "kind", "direction", "id_", "number", "is_gzip"),
    (
        ("product_export90100_1.jsonl", "product", "export", "90100", 1, False),
        ("category_export123xyz_12.jsonl.gz", "category", "export", "123xyz", 12, True),
        ("product_import90100_2.jsonl", "product", "import", "90100", 2, False),
        ("category_import-a.b_c_003.jsonl", "category", "import", "-a.b_c", 3, False),
    ),
)
def test_a_documented_name_tells_what_is_in_the_file(
    name: str, kind: str, direction: str, id_: str, number: int, is_gzip: bool
) -> None:
    """Data type, direction, id and number (merchstack facts)."""
    found = names.parse(name)

    assert found is not None
    assert (found.record_type, found.direction, found.id) == (kind, direction, id_)
    assert (found.number, found.gzip) == (number, is_gzip)


@pytest.mark.parametrize(
    "name",
    (
        "",
        "product_export90100.jsonl",
        "product_export_1.jsonl",
        "price_export90100_1.jsonl",
        "product_export90100_x.jsonl",
        "product_export90100_1.json",
        "product_export90100_1.jsonl.zip",
        "product_export90100_1.jsonl.report.json",
        "product_export90100_1.jsonl\n",
        "Product_export90100_1.jsonl",
        "../product_export90100_1.jsonl",
        "product_export../../etc_1.jsonl",
        "product_export9..0_1.jsonl",
        "product_export9\\0_1.jsonl",
        "product_export9\x000_1.jsonl",
        "product_export9 0_1.jsonl",
        "product_export9@0_1.jsonl",
        "product_export٣_1.jsonl",
        "product_export9_٣.jsonl",
        f"product_export{'9' * 129}_1.jsonl",
        "product_export9_1234567890.jsonl",
    ),
    ids=ascii,
)
def test_any_other_name_is_none(name: str) -> None:
    """Merchstack ignores those as well, and none of them leads anywhere."""
    assert names.parse(name) is None


def test_categories_come_first_then_exports_by_id_and_number() -> None:
    """Ids that are numbers are sorted as such."""
    given = [
        "product_export9_1.jsonl",
        "category_exportabc_1.jsonl",
        "category_export100_2.jsonl",
        "category_export100_10.jsonl.gz",
        "category_export9_1.jsonl",
        "category_import9_1.jsonl",
    ]

    found = sorted((name for name in map(names.parse, given) if name), key=lambda name: name.order)

    assert [name.text for name in found] == [
        "category_export9_1.jsonl",
        "category_import9_1.jsonl",
        "category_export100_2.jsonl",
        "category_export100_10.jsonl.gz",
        "category_exportabc_1.jsonl",
        "product_export9_1.jsonl",
    ]


@given(st.text())
def test_no_text_is_taken_that_could_be_a_path(text: str) -> None:
    """Whatever stands in the middle."""
    found = names.parse(f"product_export{text}_1.jsonl")

    assert found is None or not set(found.text) & set('/\\\0@ "')
