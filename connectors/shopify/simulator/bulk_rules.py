"""What a bulk operation refuses to run (shopify facts, "Bulk operations")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from connectors.shopify.simulator.selections import (
    Asked,
    field_of,
    flat,
    gives_list,
    inner,
    is_connection,
    named,
)

MAX_BYTES = 65_535
MAX_CONNECTIONS = 5
MAX_DEPTH = 2


def check(schema: GraphQLSchema, text: str) -> tuple[DocumentNode | None, list[str]]:
    """The document, and why it is refused."""
    if len(text.encode()) + text.count("\n") > MAX_BYTES:
        return None, [f"Bulk query exceeds the maximum size of {MAX_BYTES} bytes."]
    try:
        document = parse(text)
        problems = [f"Invalid bulk query: {error.message}" for error in validate(schema, document)]
    except GraphQLError as error:
        return None, [f"Invalid bulk query: {error.message}"]
    except RecursionError:
        return None, ["Invalid bulk query: it is nested too deeply"]
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if not problems and (len(operations) != 1 or operations[0].operation != OperationType.QUERY):
        problems = ["Bulk operations take exactly one query operation."]
    if not problems and operations[0].variable_definitions:
        problems = ["Variables cannot be used in a bulk query."]
    return document, problems or list(_Rules(schema, document).problems(operations[0]))


@dataclass
class _Seen:
    connections: int = 0
    depth: int = 0
    problems: list[str] = field(default_factory=list)


class _Rules:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }

    def problems(self, operation: OperationDefinitionNode) -> Iterator[str]:
        query = self._schema.query_type
        if query is None:
            return
        roots = list(flat(self._schema, self._fragments, [operation.selection_set], query))
        if len(roots) != 1:
            yield "Bulk queries must have a single top-level field."
        for node, _ in roots:
            if node.name.value in {"node", "nodes"}:
                yield f"Bulk queries cannot have `{node.name.value}` as a top-level field."
        seen = _Seen()
        self._walk(roots, 0, in_list=False, owner=None, seen=seen)
        yield from seen.problems
        if seen.connections == 0:
            yield "Bulk queries must contain at least one connection."
        if seen.connections > MAX_CONNECTIONS:
            yield f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."
        if seen.depth > MAX_DEPTH + 1:
            yield f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."

    def _walk(
        self, asked: list[Asked], depth: int, *, in_list: bool, owner: list[Asked] | None, seen: _Seen
    ) -> None:
        for node, parent in asked:
            if node.name.value.startswith("__") or not node.selection_set:
                continue
            found = field_of(parent, node.name.value)
            kind, name = named(found), node.name.value
            below = list(flat(self._schema, self._fragments, inner([node]), kind))
            if not is_connection(kind):
                self._walk(below, depth, in_list=in_list or gives_list(found), owner=owner, seen=seen)
                continue
            seen.connections += 1
            seen.depth = max(seen.depth, depth + 1)
            if in_list:
                seen.problems.append(
                    f"Queries that contain a connection field within a list field are not supported: {name}."
                )
            if owner is not None and not any(_is_id(one) for one in owner):
                seen.problems.append(
                    f"The parent 'node' field for a nested connection must select the 'id' field without an alias: {name}."
                )
            self._into(below, name, kind, depth, seen)

    def _into(self, below: list[Asked], name: str, kind: GraphQLNamedType, depth: int, seen: _Seen) -> None:
        chosen = {node.name.value for node, _ in below}
        if "nodes" in chosen or "edges" not in chosen:
            seen.problems.append(f"The connection `{name}` must be selected with `edges` and `node`.")
        for edge, _ in below:
            if edge.name.value != "edges":
                continue
            edge_type = named(field_of(kind, "edges"))
            for node, _ in flat(self._schema, self._fragments, inner([edge]), edge_type):
                if node.name.value == "node":
                    row = named(field_of(edge_type, "node"))
                    rows = list(flat(self._schema, self._fragments, inner([node]), row))
                    self._walk(rows, depth + 1, in_list=False, owner=rows, seen=seen)


def _is_id(asked: Asked) -> bool:
    node, _ = asked
    return node.name.value == "id" and node.alias is None
