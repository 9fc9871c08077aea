"""Selections of a query laid open: fields with the types that they are asked of, by the name in the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
)

Fragments = Mapping[str, FragmentDefinitionNode]
Asked = tuple[FieldNode, GraphQLNamedType]


def flat(
    schema: GraphQLSchema,
    fragments: Fragments,
    selections: Iterable[SelectionSetNode | None],
    parent: GraphQLNamedType,
) -> Iterator[Asked]:
    """All fields, those of fragments with the type of the fragment."""
    for selection_set in selections:
        for node in selection_set.selections if selection_set else ():
            match node:
                case FieldNode():
                    yield node, parent
                case InlineFragmentNode():
                    condition = node.type_condition
                    kind = schema.type_map[condition.name.value] if condition else parent
                    yield from flat(schema, fragments, [node.selection_set], kind)
                case FragmentSpreadNode():
                    fragment = fragments[node.name.value]
                    kind = schema.type_map[fragment.type_condition.name.value]
                    yield from flat(schema, fragments, [fragment.selection_set], kind)


def by_name(asked: Iterable[Asked]) -> dict[str, list[FieldNode]]:
    """The same field asked for twice is one: its selections are joined."""
    grouped: dict[str, list[FieldNode]] = {}
    for node, _ in asked:
        grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
    return grouped


def of_type(schema: GraphQLSchema, asked: Iterable[Asked], kind: GraphQLObjectType) -> list[Asked]:
    """Those that an object of this type answers."""
    return [
        (node, parent)
        for node, parent in asked
        if parent is kind or (is_abstract_type(parent) and schema.is_sub_type(parent, kind))
    ]


def field_of(kind: GraphQLNamedType, name: str) -> GraphQLField:
    """A field of a type that has fields."""
    found: GraphQLField = kind.fields[name]  # type: ignore[attr-defined]
    return found


def named(field: GraphQLField) -> GraphQLNamedType:
    """What a field gives, lists and nullability aside."""
    return get_named_type(field.type)


def is_connection(kind: GraphQLNamedType) -> bool:
    """Whether it is paged."""
    return kind.name.endswith("Connection")


def gives_list(field: GraphQLField) -> bool:
    """Whether it is a list of objects or of values."""
    inner: Any = field.type.of_type if is_non_null_type(field.type) else field.type
    return is_list_type(inner)


def inner(nodes: Sequence[FieldNode]) -> list[SelectionSetNode | None]:
    """The selections below."""
    return [node.selection_set for node in nodes]
