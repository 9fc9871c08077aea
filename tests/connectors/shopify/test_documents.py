"""Every document of the connector is one that the platform runs."""

from __future__ import annotations

import pytest
from graphql import parse, validate

from connectors.shopify.documents import document, names
from connectors.shopify.resources import ALL
from connectors.shopify.simulator import bulk_rules
from connectors.shopify.simulator.schema import load


@pytest.mark.parametrize("name", names())
def test_a_document_validates_against_the_schema(name: str) -> None:
    """The simulator's, which holds nothing that is deprecated."""
    assert validate(load(), parse(document(name).text)) == []


@pytest.mark.parametrize("name", [one.bulk for one in ALL.values() if one.bulk])
def test_a_bulk_query_keeps_the_rules_with_its_tag(name: str) -> None:
    """A comment before it changes nothing."""
    _, problems = bulk_rules.check(load(), f"# hub import full-1 products 0\n{document(name).text}")

    assert problems == []


def test_every_document_of_a_resource_is_there() -> None:
    """Pages, changed ones, single objects and bulk operations."""
    asked = {name for one in ALL.values() for name in (one.page, one.changed, one.one, one.bulk) if name}

    assert asked <= set(names())
