"""A GraphQL request, from its body to its answer: checked, counted, throttled, run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.cost import MAX_COST, CostModel
from connectors.shopify.simulator.schema import load
from connectors.shopify.simulator.throttle import Bucket
from hub import codec
from hub.records import JSON

_LIMITS = "https://shopify.dev/api/usage/rate-limits"


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body, what it cost, and whether it was throttled."""

    status: int
    body: JSON
    cost: int = 0
    throttled: bool = False


def answer(context: Context, body: bytes, bucket: Bucket, *, throttled_status: int) -> Answer:
    """Run the request against the shop."""
    try:
        document, operation, variables, coerced = _read(body)
        model = CostModel(load(), _fragments(document), coerced)
        requested = model.requested(operation)
    except _BadRequestError as error:
        return Answer(400, {"errors": {"query": str(error)}})
    except GraphQLError as error:
        return Answer(200, {"errors": [_shown(error)]})
    except _InvalidError as error:
        return Answer(200, {"errors": [_shown(one) for one in error.errors]})
    if requested > MAX_COST:
        return Answer(200, _too_expensive(requested, bucket))
    if not bucket.take(requested):
        return Answer(throttled_status, _throttled(requested, bucket), throttled=True)
    name = operation.name.value if operation.name else None
    result = execute_sync(load(), document, None, context, variables, name, field_resolver=_carried)
    actual = min(model.actual(operation, result.data), requested)
    bucket.give_back(requested - actual)
    return Answer(200, _found(result, context, requested, actual, bucket), cost=actual)


def _carried(node: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
    """What an object holds under the field's name; quicker than the executor's own, which asks what kind it is."""
    return node.get(info.field_name)


class _BadRequestError(Exception):
    pass


class _InvalidError(Exception):
    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(len(errors))
        self.errors = errors


def _read(body: bytes) -> tuple[DocumentNode, OperationDefinitionNode, dict[str, Any], VariableValues]:
    """The variables as they came, for the executor, and coerced, for the costs."""
    try:
        told = codec.loads(body)
    except (ValueError, ArithmeticError, RecursionError):
        raise _BadRequestError("Required parameter missing or invalid") from None
    if not isinstance(told, dict) or not isinstance(told.get("query"), str):
        raise _BadRequestError("Required parameter missing or invalid")
    given = told.get("variables") or {}
    if not isinstance(given, dict):
        raise _BadRequestError("Variables must be an object")
    document, errors = _parsed(told["query"])
    if errors:
        raise _InvalidError(list(errors))
    operation = get_operation_ast(document, told.get("operationName"))
    if operation is None:
        raise GraphQLError("An operation name is required")
    coerced = get_variable_values(load(), operation.variable_definitions or (), given)
    if isinstance(coerced, list):
        raise _InvalidError(coerced)
    return document, operation, given, coerced


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[DocumentNode, tuple[GraphQLError, ...]]:
    try:
        document = parse(text)
        return document, tuple(validate(load(), document))
    except RecursionError:
        raise GraphQLError("The query is nested too deeply") from None


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _found(result: ExecutionResult, context: Context, requested: int, actual: int, bucket: Bucket) -> JSON:
    body: JSON = {"data": result.data}
    if result.errors:
        body["errors"] = [_shown(error) for error in result.errors]
    body["extensions"] = {"cost": _cost(requested, actual, bucket)}
    if context.warnings:
        body["extensions"]["search"] = context.warnings
    return body


def _too_expensive(requested: int, bucket: Bucket) -> JSON:
    message = (
        f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_COST}).\n\n"
        f"See {_LIMITS} for how the cost of a query is calculated."
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": MAX_COST,
        "documentation": _LIMITS,
    }
    return {
        "errors": [{"message": message, "extensions": extensions}],
        "extensions": {"cost": _cost(requested, None, bucket)},
    }


def _throttled(requested: int, bucket: Bucket) -> JSON:
    extensions = {"code": "THROTTLED", "documentation": _LIMITS}
    return {
        "errors": [{"message": "Throttled", "extensions": extensions}],
        "extensions": {"cost": _cost(requested, None, bucket)},
    }


def _cost(requested: int, actual: int | None, bucket: Bucket) -> JSON:
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}


def _shown(error: GraphQLError) -> JSON:
    return dict(error.formatted)
