"""The schema, with a resolver behind every field that needs one; made once for each process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_object_type,
)

from connectors.shopify.simulator.access import (
    FIELD_SCOPES,
    PROTECTED,
    TYPE_SCOPES,
    missing_scopes,
    protected_error,
    scope_error,
)
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.pages import page
from connectors.shopify.simulator.resolvers import RESOLVERS


@cache
def load() -> GraphQLSchema:
    """The executable schema."""
    text = files("connectors.shopify.simulator").joinpath("schema.graphql").read_text(encoding="utf-8")
    schema = build_schema(text)
    for kind in schema.type_map.values():
        if is_object_type(kind) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                _attach(kind, name, field)
    return schema


def call(context: Context, owner: str, name: str, node: Any, arguments: Mapping[str, Any]) -> Any:
    """A field's value as the mutation or query gives it, before pages are cut."""
    resolver = RESOLVERS.get((owner, name))
    if resolver is not None:
        return resolver(context, node, arguments)
    action = context.actions.get(name) if owner in {"QueryRoot", "Mutation"} else None
    return action(arguments) if action else node[name]


def _attach(kind: GraphQLObjectType, name: str, field: GraphQLField) -> None:
    returned = get_named_type(field.type).name
    guarded = (
        (kind.name, name) in FIELD_SCOPES
        or returned.removesuffix("Connection") in TYPE_SCOPES
        or (kind.name, name) in PROTECTED
    )
    if not guarded and (kind.name, name) not in RESOLVERS and kind.name not in {"QueryRoot", "Mutation"}:
        return
    is_page = returned.endswith("Connection")

    def resolve(node: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        context = info.context
        if guarded:
            check(context, kind.name, name, returned)
        value = call(context, kind.name, name, node or {}, arguments)
        return page(value, arguments) if is_page and value is not None else value

    field.resolve = resolve


def check(context: Context, owner: str, name: str, returned: str) -> None:
    """Raises ``GraphQLError`` where a scope is missing, or customer data protected."""
    needed = missing_scopes(owner, name, returned, context.scopes)
    if needed:
        raise scope_error(name, needed)
    if PROTECTED.get((owner, name)) in context.protected:
        raise protected_error(name)
