"""What a query costs: the model that agrees with what the live platform was seen to answer (shopify facts, "Rate limits").

A connection is 2 + max(1, ⌊2·ln first⌋)·(1 + what a node holds); an object 1; money and page information nothing; a count 10
at the root and 1 elsewhere; a mutation 10. Of the types that an object may have, the most expensive counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    is_abstract_type,
)

from connectors.shopify.simulator.options import MAX_VARIANTS
from connectors.shopify.simulator.pages import MAX_PAGE
from connectors.shopify.simulator.selections import Asked, Fragments, flat

#: What one query may cost.
MAX_COST = 1000
_MUTATION = 10
_ROOT_COUNT = 10
_FREE = {"MoneyV2", "PageInfo"}


class CostModel:
    """Costs of the operations of one document with these variables."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Any) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def requested(self, operation: OperationDefinitionNode) -> int:
        """Before it is run. Raises ``GraphQLError`` for a page without a size, or with one that is not allowed."""
        root = self._root(operation)
        inner = self._total(operation.selection_set, root, at="root")
        if operation.operation == OperationType.MUTATION:
            return _MUTATION * len(operation.selection_set.selections)
        return inner

    def actual(self, operation: OperationDefinitionNode, data: Any) -> int:
        """By what was found, and never more than was requested."""
        if operation.operation == OperationType.MUTATION:
            return _MUTATION * len(operation.selection_set.selections)
        root = self._root(operation)
        return math.ceil(self._spent(operation.selection_set, root, data or {}, at_root=True))

    def _fields(self, selections: SelectionSetNode | None, parent: GraphQLNamedType) -> Iterator[Asked]:
        """All fields with the type that they are asked of, fragments laid open."""
        return flat(self._schema, self._fragments, [selections], parent)

    def _root(self, operation: OperationDefinitionNode) -> GraphQLNamedType:
        schema = self._schema
        root = schema.mutation_type if operation.operation == OperationType.MUTATION else schema.query_type
        if root is None:
            raise GraphQLError("Schema is not configured for subscriptions")
        return root

    def _total(self, selections: SelectionSetNode | None, kind: GraphQLNamedType, *, at: str) -> int:
        common, apart = 0, dict[str, int]()
        for node, parent in self._fields(selections, kind):
            cost = self._one(node, parent, at)
            if is_abstract_type(kind) and parent is not kind:
                apart[parent.name] = apart.get(parent.name, 0) + cost
            else:
                common += cost
        return common + max(apart.values(), default=0)

    def _one(self, node: FieldNode, parent: GraphQLNamedType, at: str) -> int:
        kind = self._type(node, parent)
        if kind is None or not node.selection_set or kind.name in _FREE:
            return 0
        if kind.name == "Count":
            return _ROOT_COUNT if at == "root" else 1
        if not kind.name.endswith("Connection"):
            return 1 + self._total(node.selection_set, kind, at=self._place(node, at))
        size = self._size(node, parent, at)
        inner = sum(
            self._total(selections, self._node_type(kind), at="node")
            for selections in self._node_selections(node.selection_set, kind)
        )
        return 2 + _weight(size) * (1 + inner)

    def _spent(
        self, selections: SelectionSetNode | None, kind: GraphQLNamedType, data: Any, *, at_root: bool = False
    ) -> float:
        spent = 0.0
        for node, parent in self._fields(selections, kind):
            if not node.selection_set:
                continue
            value = data.get(node.alias.value if node.alias else node.name.value)
            inner = None if value is None else self._type(node, parent)
            if inner is None or inner.name in _FREE:
                continue
            if inner.name == "Count":
                spent += _ROOT_COUNT if at_root else 1
            elif inner.name.endswith("Connection"):
                spent += 2 + self._spent_on_page(node.selection_set, inner, value)
            else:
                ones = value if isinstance(value, list) else [value]
                spent += 1 + max(
                    (self._spent(node.selection_set, inner, one or {}) for one in ones), default=0
                )
        return spent

    def _spent_on_page(self, selections: SelectionSetNode, connection: GraphQLNamedType, page: Any) -> float:
        kind, inner, found = self._node_type(connection), 0.0, 0
        for node, _ in self._fields(selections, connection):
            rows = page.get(node.alias.value if node.alias else node.name.value)
            if node.name.value not in {"nodes", "edges"} or not rows:
                continue
            found = max(found, len(rows))
            if node.name.value == "nodes":
                inner += sum(self._spent(node.selection_set, kind, row or {}) for row in rows) / len(rows)
            else:
                edge = self._schema.type_map[f"{connection.name.removesuffix('Connection')}Edge"]
                for one, _ in self._fields(node.selection_set, edge):
                    if one.name.value == "node":
                        key = one.alias.value if one.alias else "node"
                        inner += sum(
                            self._spent(one.selection_set, kind, row.get(key) or {}) for row in rows
                        ) / len(rows)
        return _weight(found) * (1 + inner) if found else 0

    def _node_selections(
        self, selections: SelectionSetNode, connection: GraphQLNamedType
    ) -> Iterator[SelectionSetNode | None]:
        for node, _ in self._fields(selections, connection):
            if node.name.value == "nodes":
                yield node.selection_set
            elif node.name.value == "edges":
                edge = self._schema.type_map[f"{connection.name.removesuffix('Connection')}Edge"]
                for one, _ in self._fields(node.selection_set, edge):
                    if one.name.value == "node":
                        yield one.selection_set

    def _size(self, node: FieldNode, parent: GraphQLNamedType, at: str) -> int:
        arguments = get_argument_values(parent.fields[node.name.value], node, self._variables)  # type: ignore[attr-defined]
        given = [(name, arguments[name]) for name in ("first", "last") if arguments.get(name) is not None]
        if len(given) != 1:
            which = "only one of" if given else "one of"
            raise GraphQLError(
                f"you must provide {which} first or last", node, extensions={"code": "BAD_REQUEST"}
            )
        (name, size), largest = (
            given[0],
            MAX_VARIANTS if at == "product" and node.name.value == "variants" else MAX_PAGE,
        )
        if not 0 < size <= largest:
            problem = f"cannot exceed {largest}" if size > 0 else "must be greater than 0"
            raise GraphQLError(f"{name} {problem}", node, extensions={"code": "BAD_REQUEST"})
        return int(size)

    def _type(self, node: FieldNode, parent: GraphQLNamedType) -> GraphQLNamedType | None:
        if node.name.value.startswith("__"):
            return None
        return get_named_type(parent.fields[node.name.value].type)  # type: ignore[attr-defined]

    def _node_type(self, connection: GraphQLNamedType) -> GraphQLNamedType:
        rows: GraphQLOutputType = connection.fields["nodes"].type  # type: ignore[attr-defined]
        return get_named_type(rows)

    def _place(self, node: FieldNode, at: str) -> str:
        """One product at the root may hand out all its variants at once."""
        return "product" if at == "root" and node.name.value == "product" else "object"


def _weight(size: int) -> int:
    return max(1, math.floor(2 * math.log(size)))
