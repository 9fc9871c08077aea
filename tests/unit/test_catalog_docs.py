"""What the pages say of the catalog is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from connectors.destinations.catalog import CatalogDestination
from hub import codec
from hub.catalog import KINDS, PARTS, ShapeError, parse
from hub.catalog import shapes as module
from hub.catalog.parts import PRODUCT_FIELDS
from hub.catalog.shapes import Entity, Shape
from hub.connection_file import validated
from hub.mapping import Mapping

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "catalog.md").read_text(encoding="utf-8")
DESTINATION = (DOCS / "destinations.md").read_text(encoding="utf-8").split("\n## catalog\n")[1]

SHAPES = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Shape)]
ENTITIES = [one for one in SHAPES if issubclass(one, Entity) and one is not Entity]
#: Shapes that are part of a list which is given as a whole: nothing of what was there before stays.
REPLACED = {"Translation", "Medium", "FocalPoint", "Facet", "FacetDetail"}

#: The record of MerchantOps' guide.
GUIDE = {
    "record_key": "pr-a0861877922e",
    "variant_key": "1000035585-001-L2",
    "price_type": "map",
    "amount": 32.85,
    "currency": "USD",
    "effective_from": "2026-04-27",
}

ANY = "anything"


def section(shape: type[Shape]) -> str:
    """What stands under the shape's heading."""
    return PAGE.split(f"\n### {shape.__name__}\n")[1].split("\n#")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table behind the name in its first column, without links."""
    lines = re.findall(
        r"^\| `(\w+)` \| (.*) \|$", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text), re.MULTILINE
    )
    return {name: cells.split(" | ") for name, cells in lines}


def in_words(kind: Any) -> str:  # noqa: C901, PLR0911, PLR0912 - one return a type
    """A field's type as the page calls it; null is said once for all of them."""
    match kind:
        case inspect.UnionType(types=types):
            return " or ".join(in_words(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.StrType(pattern=str()):
            return "currency"
        case inspect.StrType(min_length=1, max_length=512):
            return "key"
        case inspect.StrType(max_length=40):
            return "moment"
        case inspect.StrType():
            return "text"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType(ge=0):
            return "count"
        case inspect.IntType():
            return "integer"
        case inspect.DecimalType():
            return "decimal"
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in sorted(values, key=str))
        case inspect.ListType(item_type=item):
            return f"list of {in_words(item)}"
        case inspect.DictType(value_type=value):
            return "object" if in_words(value) == ANY else f"object of {in_words(value)}"
        case inspect.StructType(cls=shape):
            return shape.__name__
        case inspect.AnyType():
            return ANY
    raise AssertionError(kind)


def if_absent(shape: type[Shape], field: inspect.Field) -> str:
    """What the page says of a field that is not given."""
    if field.required:
        return "required"
    if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
        return "not there" if shape.__name__ in REPLACED else "stays"
    return "none" if field.default in (None, ()) else f"`{str(field.default).lower()}`"


def own_fields(shape: type[Shape]) -> list[inspect.Field]:
    """Those that it does not have from ``Shape`` or ``Entity``."""
    base = Entity if issubclass(shape, Entity) and shape is not Entity else Shape
    inherited = set() if shape is Shape else set(base.__struct_fields__)
    found = inspect.type_info(shape)
    assert isinstance(found, inspect.StructType)
    return [field for field in found.fields if field.name not in inherited]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_field_stands_in_the_table_of_its_shape(shape: type[Shape]) -> None:
    """In order, with its type and what its absence means; and nothing else stands there."""
    documented = [(name, *cells[:2]) for name, cells in rows(section(shape)).items()]

    assert documented == [
        (field.encode_name, in_words(field.type), if_absent(shape, field)) for field in own_fields(shape)
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_field_is_explained(shape: type[Shape]) -> None:
    """In a third column."""
    assert all(len(cells) == 3 and cells[2].strip() for cells in rows(section(shape)).values())


@pytest.mark.parametrize("shape", ENTITIES, ids=lambda shape: shape.__name__)
def test_every_entity_names_its_kind(shape: type[Shape]) -> None:
    """That is how a body says which of them it is."""
    assert f"Kind `{shape.__struct_config__.tag}`." in section(shape)


def test_every_part_that_can_be_owned_is_listed() -> None:
    """In the order of the code, each with what belongs to it."""
    table = PAGE.split("\n## System of record\n")[1].split("\n## ")[0]

    assert re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE) == list(PARTS)
    for field in PRODUCT_FIELDS:
        assert f"`{field}`" in table


def test_the_examples_of_the_page_are_entities() -> None:
    """As they stand there; the last one is refused with the words that follow it."""
    *good, bad = (codec.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))

    assert {parse(body).__struct_config__.tag for body in good} <= set(KINDS)
    with pytest.raises(ShapeError) as refused:
        parse(bad)
    assert all(f"    {error}\n" in PAGE for error in refused.value.errors)


def test_the_destinations_page_has_every_setting_of_the_catalog() -> None:
    """And its example is valid."""
    destination = tomllib.loads(_example())["destination"]

    assert set(CatalogDestination.Settings.model_fields) == set(rows(DESTINATION))
    assert destination["name"] == CatalogDestination.name
    validated(CatalogDestination.Settings, destination["settings"], field="destination.settings")


def test_the_example_makes_a_price_of_a_merchantops_record() -> None:
    """The one of the guide, to the cent."""
    body = Mapping.compile(tomllib.loads(_example())["destination"]["mapping"]).apply(
        codec.loads(codec.dumps(GUIDE))
    )

    price = parse(body)
    assert isinstance(price, module.PriceOf)
    assert (price.variant, price.price_kind, price.currency) == ("1000035585-001-L2", "map", "USD")
    assert (str(price.amount), price.valid_from, price.source_id) == (
        "32.85",
        "2026-04-27",
        GUIDE["record_key"],
    )


def _example() -> str:
    examples: list[str] = re.findall(r"```toml\n(.*?)```", DESTINATION, re.DOTALL)
    return examples[0]
