"""SKUs of VTEX as product documents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.fields import FIELDS
from connectors.vtex.marketplace.goods import category_id, identifier, product_document
from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.documents import sku_document
from connectors.vtex.simulator.options import Options
from hub import codec
from tests.connectors.vtex.marketplace.details import anything, details, shapes


def test_a_whole_sku_becomes_the_document_that_marketplaces_are_given() -> None:
    """Field by field, in the order of the errors."""
    found = product_document(details())

    assert found == {
        "sku": "15",
        "product_id": "123",
        "name": "Desk Lamp Blue",
        "product_name": "Desk Lamp",
        "sku_name": "Blue",
        "description": "<p>A lamp</p>",
        "brand": "Aurora",
        "images": [
            {"url": "https://cdn.example/front.jpg", "name": "Front"},
            {"url": "https://cdn.example/back.jpg", "name": None},
        ],
        "gtin": "4006381333931",
        "reference": "S-15",
        "manufacturer_code": "DL-7",
        "weight_grams": 850,
        "length_cm": Decimal("20.5"),
        "width_cm": 15,
        "height_cm": 10,
        "unit": "un",
        "unit_multiplier": 1,
        "category_path": ["Home", "Lamps"],
        "category_id": "101",
        "product_attributes": {"Material": ["Steel", "Glass"]},
        "sku_attributes": {"Color": ["Blue"]},
        "url": "/desk-lamp/p",
    }
    assert list(found) == list(FIELDS)


def test_the_simulators_sku_lacks_nothing() -> None:
    """But the manufacturer's code, which it leaves empty as most accounts do."""
    options = Options()
    catalog = Catalog(options, Clock())
    sku = catalog.sku(catalog.numbers[0])
    assert sku is not None

    found = product_document(codec.loads(codec.dumps(sku_document(catalog, sku))))

    assert [name for name, value in found.items() if value in (None, [], {})] == ["manufacturer_code"]


@pytest.mark.parametrize("nothing", ({}, None, [], "a page", dict.fromkeys(details())))
def test_what_vtex_leaves_out_is_null(nothing: Any) -> None:
    """And lists are empty, whatever came in place of a SKU."""
    found = product_document(nothing)

    lists = {"images": [], "category_path": [], "product_attributes": {}, "sku_attributes": {}}
    assert found == {**dict.fromkeys(FIELDS), **lists}


@pytest.mark.parametrize("blank", ("", "   ", "\n"))
def test_a_text_of_blanks_is_nothing(blank: str) -> None:
    """VTEX sends "" where nobody has filled a field in."""
    found = product_document(details(BrandName=blank, ManufacturerCode=blank, AlternateIds={"Ean": blank}))

    assert (found["brand"], found["manufacturer_code"], found["gtin"], found["reference"]) == (None,) * 4


@pytest.mark.parametrize(
    ("product", "sku", "name"),
    (("Lamp", "Blue", "Lamp Blue"), ("Lamp", "Lamp", "Lamp"), (None, "Blue", "Blue"), ("", "", None)),
)
def test_without_a_whole_name_it_is_put_together(product: Any, sku: Any, name: Any) -> None:
    """Of the product's and the SKU's, as VTEX does it."""
    assert product_document(details(NameComplete="", ProductName=product, SkuName=sku))["name"] == name


@pytest.mark.parametrize(
    ("sent", "kept"),
    (
        (
            "http://shop.vteximg.com.br/arquivos/ids/1/a.jpg",
            "https://shop.vteximg.com.br/arquivos/ids/1/a.jpg",
        ),
        ("HTTP://shop.vtexassets.com/a.jpg?v=1", "https://shop.vtexassets.com/a.jpg?v=1"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("http://cdn.example/a.jpg", "http://cdn.example/a.jpg"),
        ("http://vteximg.com.br.evil.example/a.jpg", "http://vteximg.com.br.evil.example/a.jpg"),
        ("http://shop.vteximg.com.br:8080/a.jpg", "http://shop.vteximg.com.br:8080/a.jpg"),
        ("http://shop.vteximg.com.br:no/a.jpg", "http://shop.vteximg.com.br:no/a.jpg"),
        ("http://[", "http://["),
    ),
)
def test_images_on_hosts_of_vtex_are_read_with_https(sent: str, kept: str) -> None:
    """Others stay as they are: the rules say whether the marketplace takes them."""
    assert product_document(details(Images=[{"ImageUrl": sent}]))["images"] == [{"url": kept, "name": None}]


def test_an_image_comes_once_and_needs_an_address() -> None:
    """The first of its names counts."""
    url = "https://cdn.example/a.jpg"
    sent = [{"ImageUrl": url, "ImageName": "A"}, {"ImageUrl": f" {url} "}, {"ImageUrl": ""}, None, "x", {}]

    assert product_document(details(Images=sent))["images"] == [{"url": url, "name": "A"}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    ((4006381333931, "4006381333931"), ("400-6381 333931", "4006381333931"), ("8781", "8781"), (True, None)),
)
def test_a_bar_code_is_kept_without_blanks_and_hyphens(sent: Any, kept: Any) -> None:
    """What is none is kept as it is, for the rules to refuse."""
    assert product_document(details(AlternateIds={"Ean": sent}))["gtin"] == kept


@pytest.mark.parametrize(
    ("ids", "names", "path", "leaf"),
    (
        ("/10/101/", {"10": "Home"}, [], "101"),
        ("/10/101/", None, [], "101"),
        ("101", {"101": "Lamps"}, ["Lamps"], "101"),
        (" / 10 //101/ ", {"10": "Home", "101": " Lamps "}, ["Home", "Lamps"], "101"),
        ("//", {}, [], None),
        (None, {"10": "Home"}, [], None),
    ),
)
def test_a_path_without_one_of_its_names_is_none(ids: Any, names: Any, path: Any, leaf: Any) -> None:
    """The leaf's id is the last one all the same."""
    found = product_document(details(ProductCategoryIds=ids, ProductCategories=names))

    assert (found["category_path"], found["category_id"]) == (path, leaf)


def test_the_products_document_says_the_category_where_the_sku_does_not() -> None:
    """``CategoryId``, a number."""
    sku = details(ProductCategoryIds=None)

    assert category_id(sku, {"CategoryId": 101}) == "101"
    assert category_id(details(), {"CategoryId": 7}) == "101"
    assert category_id(sku, {"CategoryId": None}) is None


def test_specifications_keep_their_values_each_once() -> None:
    """One name that comes twice is one; without name or value it is none."""
    sent = [
        {"FieldName": "Size", "FieldValues": ["42", " 42 ", 43, None, ""]},
        {"FieldName": " Size ", "FieldValues": "44"},
        {"FieldName": "Empty", "FieldValues": []},
        {"FieldName": "", "FieldValues": ["x"]},
        {"FieldValues": ["x"]},
        "x",
    ]

    assert product_document(details(SkuSpecifications=sent))["sku_attributes"] == {"Size": ["42", "43", "44"]}


@given(sku=shapes | anything, product=anything)
def test_no_shape_of_a_sku_is_too_odd(sku: Any, product: Any) -> None:
    """All fields are there, of their types, and it can be written as JSON and read again."""
    found = product_document(sku, product)

    assert list(found) == list(FIELDS)
    assert all(value is None or (isinstance(value, str) and value.strip()) for value in _texts(found))
    assert codec.loads(codec.dumps(found)) == found


@given(st.integers(0, 10**12))
def test_an_id_is_the_same_text_however_it_is_sent(number: int) -> None:
    """As a number, a fraction or a text."""
    assert {
        identifier(number),
        identifier(str(number)),
        identifier(Decimal(number)),
        identifier(f" {number} "),
    } == {str(number)}


def _texts(found: dict[str, Any]) -> list[Any]:
    named = [found[name] for name, field in FIELDS.items() if field.kind in {"text", "fixed", "gtin"}]
    listed = [*found["category_path"], *(image["url"] for image in found["images"])]
    return [
        *named,
        *listed,
        *found["sku_attributes"],
        *(one for each in found["sku_attributes"].values() for one in each),
    ]
