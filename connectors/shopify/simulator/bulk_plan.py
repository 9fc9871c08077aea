"""A bulk query made into a plan that turns objects into lines: many times quicker than to execute it field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    is_abstract_type,
    is_non_null_type,
)

from connectors.shopify.simulator.access import PROTECTED, missing_scopes
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.listing import Listing
from connectors.shopify.simulator.resolvers import RESOLVERS, STUBS
from connectors.shopify.simulator.selections import (
    Asked,
    by_name,
    field_of,
    flat,
    inner,
    is_connection,
    named,
    of_type,
)
from hub import codec

Node = dict[str, Any]
#: An object as it stands in its line; None where a field of it that must not be null is protected.
Shape = Callable[[Node], Node | None]


class AccessDeniedError(Exception):
    """A scope is missing for a field of the query."""


@dataclass(frozen=True)
class Branch:
    """A connection: where it hangs below an object, how its objects look, and what hangs below those."""

    find: Callable[[Node], Listing | None]
    shape: Shape
    branches: Sequence[Branch]
    #: Only type and id are wanted, so that objects need not be made.
    stubs: bool

    def rows(self, owner: Node) -> Iterator[Node]:
        """The objects below one."""
        listing = self.find(owner)
        if listing is None:
            return
        make = listing.stub if self.stubs else listing.node
        for key in listing.keys(None, backward=False):
            yield make(key)


def lines(root: Branch, *, chunk: int, grouped: bool) -> Iterator[tuple[bool, bytes]]:
    """Every object as a line, and whether it is one of the root's.

    Parents come before their children but not next to them: those of ``chunk`` roots come first, then all that hangs
    below; with ``grouped`` each is followed by its own.
    """
    rows = root.rows({})
    while some := list(islice(rows, 1 if grouped else chunk)):
        for row in some:
            yield True, _line(root.shape(row), None)
        if grouped:
            yield from ((False, line) for line in _under_each(root, some[0]))
        else:
            yield from ((False, line) for line in _level_by_level(root, some))


def _level_by_level(branch: Branch, owners: Sequence[Node]) -> Iterator[bytes]:
    below = [
        (one, [(owner["id"], row) for owner in owners for row in one.rows(owner)]) for one in branch.branches
    ]
    for one, rows in below:
        for owner, row in rows:
            yield _line(one.shape(row), owner)
    for one, rows in below:
        if one.branches:
            yield from _level_by_level(one, [row for _, row in rows])


def _under_each(branch: Branch, owner: Node) -> Iterator[bytes]:
    for one in branch.branches:
        for row in one.rows(owner):
            yield _line(one.shape(row), owner["id"])
            yield from _under_each(one, row)


def _line(shaped: Node | None, parent: str | None) -> bytes:
    if shaped is None:
        shaped = {}
    if parent is not None:
        shaped["__parentId"] = parent
    # A slash stands in JSON within texts alone; the platform writes it so (shopify facts, "Bulk operations").
    return codec.dumps(shaped).replace(b"/", b"\\/") + b"\n"


class Compiler:
    """Makes the plan of a document that the rules let pass."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, context: Context) -> None:
        self._schema, self._document, self._context = schema, document, context
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }

    def plan(self) -> Branch | None:
        """The root connection; None for a root that is none. Raises ``AccessDeniedError``."""
        operation = next(
            one for one in self._document.definitions if isinstance(one, OperationDefinitionNode)
        )
        query = self._object("QueryRoot")
        [nodes] = by_name(self._flat([operation.selection_set], query)).values()
        if not is_connection(named(field_of(query, nodes[0].name.value))):
            return None
        return self._branch(query, nodes, [])

    def _branch(
        self, owner: GraphQLObjectType, nodes: list[FieldNode], way: list[Callable[[Node], Any]]
    ) -> Branch:
        name = nodes[0].name.value
        connection = named(field_of(owner, name))
        edge_type = named(field_of(connection, "edges"))
        edges = by_name(self._flat(inner(nodes), connection))["edges"]
        rows = by_name(self._flat(inner(edges), edge_type)).get("node", [])
        kind = named(field_of(edge_type, "node"))
        value = self._value(owner, nodes[0])
        branches: list[Branch] = []
        shape, stubs = self._shape(inner(rows), kind, branches)

        def find(node: Node) -> Listing | None:
            for step in way:
                node = step(node)
            found: Listing | None = value(node)
            return found

        return Branch(find, shape, branches, stubs)

    def _shape(
        self, selections: list[SelectionSetNode | None], kind: GraphQLNamedType, branches: list[Branch]
    ) -> tuple[Shape, bool]:
        asked = self._flat(selections, kind)
        if not is_abstract_type(kind):
            return self._object_shape(asked, self._object(kind.name), branches, [])
        shapes: dict[str, Shape] = {}
        stubs = True
        for one in self._schema.get_possible_types(kind):
            shapes[one.name], simple = self._object_shape(
                of_type(self._schema, asked, one), one, branches, []
            )
            stubs = stubs and simple
        return lambda node: shapes[node["__typename"]](node), stubs

    def _object_shape(
        self,
        asked: list[Asked],
        kind: GraphQLObjectType,
        branches: list[Branch],
        way: list[Callable[[Node], Any]],
    ) -> tuple[Shape, bool]:
        parts: list[tuple[str, str, Callable[[Node], Any] | None]] = []
        void = False
        for key, nodes in by_name(asked).items():
            name = nodes[0].name.value
            if name == "__typename":
                parts.append((key, name, None))
                continue
            if is_connection(named(field_of(kind, name))):
                branches.append(self._branch(kind, nodes, way))
                continue
            part = self._part(kind, nodes, branches, way)
            void = void or (part is _nothing and is_non_null_type(field_of(kind, name).type))
            parts.append((key, name, part))
        if void:
            return _nothing, False

        def shape(node: Node) -> Node:
            return {key: node[name] if make is None else make(node) for key, name, make in parts}

        return shape, all(make is None and name in {"id", "__typename"} for _, name, make in parts)

    def _part(
        self,
        kind: GraphQLObjectType,
        nodes: list[FieldNode],
        branches: list[Branch],
        way: list[Callable[[Node], Any]],
    ) -> Callable[[Node], Any] | None:
        """How a field is made from its object; None where the object carries it as it is."""
        name = nodes[0].name.value
        returned = named(field_of(kind, name))
        value = self._value(kind, nodes[0])
        if PROTECTED.get((kind.name, name)) in self._context.protected:
            return _nothing
        if not nodes[0].selection_set:
            return value if (kind.name, name) in RESOLVERS else None
        asked = self._flat(inner(nodes), returned)
        if is_abstract_type(returned):
            shape, simple = self._shape(inner(nodes), returned, branches)
        else:
            shape, simple = self._object_shape(asked, self._object(returned.name), branches, [*way, value])
        if simple and (kind.name, name) in STUBS:
            value = STUBS[kind.name, name]
        return lambda node: _shaped(value(node), shape)

    def _value(self, kind: GraphQLObjectType, node: FieldNode) -> Callable[[Node], Any]:
        """What the field holds, before its own fields are chosen."""
        name, context = node.name.value, self._context
        found = field_of(kind, name)
        if missing_scopes(kind.name, name, named(found).name, context.scopes):
            raise AccessDeniedError(name)
        resolver = RESOLVERS.get((kind.name, name))
        if resolver is None:
            return lambda owner: owner[name]
        arguments = get_argument_values(found, node)
        return lambda owner: resolver(context, owner, arguments)

    def _object(self, name: str) -> GraphQLObjectType:
        return cast(GraphQLObjectType, self._schema.type_map[name])

    def _flat(self, selections: list[SelectionSetNode | None], kind: GraphQLNamedType) -> list[Asked]:
        return list(flat(self._schema, self._fragments, selections, kind))


def _nothing(node: Node) -> None:
    """Of a protected field."""


def _shaped(value: Any, shape: Shape) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [shape(one) for one in value]
    return shape(value)
