"""JMESPath on exact numbers: checked when it is written, and never turning a Decimal into a float."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError, LexerError, ParseError
from jmespath.functions import TYPES_MAP, Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from hub import codec
from hub.exact import EXACT, MAX_DIGITS, Number, exact, literal, parse
from hub.excerpt import excerpt

#: A longer expression is generated, not written; a connector's ``transform`` is the place for that.
MAX_LENGTH = 2_000

#: Each level costs the interpreter three frames of Python's stack.
MAX_DEPTH = 50

#: ``avg`` is the one function whose result may have no end (1/3): it is rounded, half to even, to 28 digits.
_AVERAGE = Context(prec=28)

_TOO_DEEP = "it is nested too deeply"

#: Texts, quoted names, and constants in backquotes (the group).
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`((?:\\.|[^`\\])*)`""", re.DOTALL)


class ExpressionError(ValueError):
    """An expression that is wrong, or that a value does not suit. The text says what and what to do."""


class Expression:
    """One compiled JMESPath expression. Immutable, and safe to share between threads."""

    __slots__ = ("_interpreter", "_tree", "text")

    def __init__(self, text: str) -> None:
        """Raises ``ExpressionError`` for bad syntax, an unknown function, or a call that can never work."""
        self.text = text
        try:
            self._tree = _exact_tree(_parse(text), MAX_DEPTH)
        except RecursionError as error:
            raise ExpressionError(_TOO_DEEP) from error
        _check(self._tree)
        self._interpreter = TreeInterpreter(Options(custom_functions=_FUNCTIONS))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def search(self, value: Any) -> Any:
        """What the expression finds in ``value``; None where it finds nothing. Raises ``ExpressionError``."""
        try:
            return self._interpreter.visit(self._tree, value)
        except ExpressionError:
            raise
        except JMESPathTypeError as error:
            raise ExpressionError(_type_error(error)) from error
        except Exception as error:
            # The interpreter lets TypeError, ArithmeticError and others of its functions pass as they are.
            raise ExpressionError(f"it cannot be worked out for {excerpt(value)}: {error}") from error


class _ExactFunctions(Functions):
    """The standard functions, with Decimal as one more kind of number and no float as a result."""

    # The library asks for its own classes by name; these three hooks are all that a further one needs. The stubs
    # leave them out as private, and test_expression.py holds that they are still there.

    def accepts(self, function: str, value: Any, types: Sequence[str]) -> None:
        """Raises ``JMESPathTypeError`` if the value is of none of the types."""
        self._type_check_single(value, types, function)  # type: ignore[attr-defined]

    def _get_allowed_pytypes(self, types: Sequence[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        names, subtypes = super()._get_allowed_pytypes(types)  # type: ignore[misc]
        return list(_with_decimal(names)), [_with_decimal(each) for each in subtypes]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return _jmespath_type(pyobject)

    @signature({"types": ["number"]})
    def _func_abs(self, arg: Any) -> Number:
        number = _number(arg)
        return number.copy_abs() if isinstance(number, Decimal) else abs(number)

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg: Sequence[Any]) -> Number:
        total: Number = 0
        for each in arg:
            total = _add(total, _number(each))
        return total

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg: Sequence[Any]) -> Number | None:
        return _AVERAGE.divide(Decimal(self._func_sum(arg)), Decimal(len(arg))) if arg else None

    @signature({"types": ["number"]})
    def _func_ceil(self, arg: Any) -> int:
        return math.ceil(_number(arg))

    @signature({"types": ["number"]})
    def _func_floor(self, arg: Any) -> int:
        return math.floor(_number(arg))

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return search in subject

    @signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        return arg if isinstance(arg, str) else codec.dumps(arg).decode()

    @signature({"types": []})
    def _func_to_number(self, arg: Any) -> Number | None:
        return parse(arg) if isinstance(arg, str) else exact(arg)

    @signature({"types": []})
    def _func_type(self, arg: Any) -> str:
        return _jmespath_type(type(arg).__name__)


_FUNCTIONS = _ExactFunctions()


def _with_decimal(names: Sequence[str]) -> tuple[str, ...]:
    return (*names, "Decimal") if "float" in names else tuple(names)


def _jmespath_type(name: str) -> str:
    return "number" if name == "Decimal" else str(TYPES_MAP.get(name, name))


def _number(value: Any) -> Number:
    number = exact(value)
    if number is None:
        raise ExpressionError(f"a number is infinite or has more than {MAX_DIGITS} digits")
    return number


def _add(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return EXACT.add(Decimal(left), Decimal(right))


def _parse(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters")
    _refuse_loose_constants(text)
    try:
        return jmespath.compile(text).parsed
    except LexerError as error:
        raise ExpressionError(f"column {error.lex_position + 1}: {error.message}") from error
    except ParseError as error:
        raise ExpressionError(_syntax_error(text, error.lex_position)) from error
    except JMESPathError as error:
        raise ExpressionError("it is empty") from error


def _refuse_loose_constants(text: str) -> None:
    """The library still takes `EUR` for the text 'EUR', with a warning that nobody sees: it is on its way out."""
    for quoted in _QUOTED.finditer(text):
        if quoted[1] is not None:
            try:
                json.loads(quoted[1].replace("\\`", "`"))
            except ValueError as error:
                raise ExpressionError(
                    f"column {quoted.start() + 1}: {quoted[0]} is no JSON; write a text as 'text'"
                ) from error


def _syntax_error(text: str, position: int) -> str:
    if position >= len(text):
        return "it ends too early: something is missing at its end"
    return f"column {position + 1}: {text[position : position + 20]!r} is not expected there"


def _exact_tree(node: Any, room: int) -> Any:
    """A copy whose literals are exact; the original is shared by the library's cache."""
    if not isinstance(node, dict):
        return node
    if room == 0:
        raise ExpressionError(_TOO_DEEP)
    if node["type"] == "literal":
        return {**node, "value": _exact_literal(node["value"])}
    return {**node, "children": [_exact_tree(child, room - 1) for child in node["children"]]}


def _exact_literal(value: Any) -> Any:
    try:
        return literal(value)
    except ValueError as error:
        raise ExpressionError(str(error)) from error


def _check(node: Any) -> None:
    """What can be known of a node, and of all in it, before there is a value."""
    match node:
        case {"type": "function_expression", "value": name, "children": arguments}:
            _check_call(name, arguments)
            children = [_inside(argument) for argument in arguments]
        case {"type": "slice", "children": [_, _, 0]}:
            raise ExpressionError("the step of a slice must not be 0")
        case {"type": "expref"}:
            raise ExpressionError(
                "& belongs before an argument of a function such as sort_by, and nowhere else"
            )
        case {"children": list(children)}:
            pass
        case _:
            return
    for child in children:
        _check(child)


def _inside(argument: dict[str, Any]) -> Any:
    """Of ``&expression`` the expression: that it stands in the right place is known from the call."""
    return argument["children"][0] if argument["type"] == "expref" else argument


def _check_call(name: str, arguments: Sequence[dict[str, Any]]) -> None:
    known = _FUNCTIONS.FUNCTION_TABLE.get(name)
    if known is None:
        raise ExpressionError(
            f"there is no function {name}(), only {', '.join(sorted(_FUNCTIONS.FUNCTION_TABLE))}"
        )
    parameters = known["signature"]
    _check_arity(name, len(arguments), parameters)
    for position, argument in enumerate(arguments):
        _check_argument(name, argument, parameters[min(position, len(parameters) - 1)]["types"])


def _check_arity(name: str, given: int, parameters: Sequence[dict[str, Any]]) -> None:
    wanted, variadic = len(parameters), bool(parameters[-1].get("variadic"))
    if given < wanted or (given > wanted and not variadic):
        least = "at least " if variadic else ""
        raise ExpressionError(f"{name}() takes {least}{wanted} argument{'s' * (wanted != 1)}, not {given}")


def _check_argument(name: str, argument: dict[str, Any], types: Sequence[str]) -> None:
    if argument["type"] == "expref" and "expref" not in types:
        raise ExpressionError(f"{name}() takes a value, not an expression: leave out the &")
    if argument["type"] != "expref" and "expref" in types:
        raise ExpressionError(f"{name}() takes an expression there: write it with &, as in &price")
    if argument["type"] == "literal" and types:
        try:
            _FUNCTIONS.accepts(name, argument["value"], types)
        except JMESPathTypeError as error:
            raise ExpressionError(_type_error(error)) from error


def _type_error(error: JMESPathTypeError) -> str:
    wanted = " or ".join(each.replace("-", " of ") for each in error.expected_types)
    given = _jmespath_type(error.actual_type)
    if error.current_value is not None:
        given += f" {excerpt(error.current_value)}"
    return f"{error.function_name}() takes {wanted}, not {given}; convert it, or give it a default with ||"
