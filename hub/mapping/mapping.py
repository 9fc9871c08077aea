"""From a record's payload to the shape that a destination wants, as configuration: one expression a field."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Any, Self

from hub.errors import ConfigurationError, RejectedError
from hub.excerpt import excerpt
from hub.expression import Expression, ExpressionError
from hub.mapping.casts import DATE_CASTS, MONEY_CASTS, VALUE_CASTS, CastError
from hub.mapping.spec import FieldSpec
from hub.money import CURRENCY_DIGITS

#: A target such as "a.b.c" with more levels than this is a mistake.
MAX_LEVELS = 20

_OMIT = object()

_Read = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """A compiled mapping. Immutable, pure, and safe to share between threads."""

    fields: Sequence[Field] = ()

    @classmethod
    def compile(cls, config: AbstractMapping[str, Any] | None, *, field: str = "destination.mapping") -> Self:
        """Check a mapping as it is written in a connection, and make it ready.

        Each entry is an expression, or a table: docs/mapping.md says what it may hold. Raises
        one ``ConfigurationError`` with every fault, each with its dotted path and the remedy.
        """
        if config is None:
            return cls()
        if not isinstance(config, AbstractMapping):
            raise ConfigurationError('must be a table such as { sku = "variant_key" }', field=field)
        fields: list[Field] = []
        faults: list[ConfigurationError] = []
        for name, written in config.items():
            try:
                fields.append(_compiled(name, written, f"{field}.{name}"))
            except ConfigurationError as fault:
                faults.append(fault)
        if len(faults) == 1:
            raise faults[0]
        if faults:
            raise ConfigurationError("; ".join(str(fault) for fault in faults))
        _refuse_overlaps(fields, field)
        return cls(fields=tuple(fields))

    def apply(self, payload: Any) -> Any:
        """The body for one record; without fields the payload itself.

        Raises one ``RejectedError`` with the errors of all fields.
        """
        if not self.fields:
            return payload
        body: dict[str, Any] = {}
        errors: list[str] = []
        for field in self.fields:
            try:
                value = field.read(payload)
            except (ExpressionError, _FieldError) as error:
                errors.append(f"{field.name} = {field.source}: {error}")
            else:
                if value is not _OMIT:
                    _put(body, field.target, value)
        if errors:
            raise RejectedError(*errors)
        return body


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One target of a mapping: where its value goes, and how it is read from a payload."""

    name: str
    target: Sequence[str]
    source: str
    read: _Read


class _FieldError(ValueError):
    """Why one field of one record cannot be mapped."""


def _compiled(name: str, written: Any, field: str) -> Field:
    try:
        spec = FieldSpec.read(written)
        return Field(name=name, target=_target(name), source=spec.path or "", read=_reader(spec))
    except ValueError as error:
        raise ConfigurationError(str(error), field=field) from error


def _target(name: str) -> Sequence[str]:
    levels = tuple(name.split("."))
    if not all(levels) or len(levels) > MAX_LEVELS:
        raise ValueError(
            f"is no target: name 1 to {MAX_LEVELS} fields with a point between them, as in price.amount"
        )
    return levels


def _refuse_overlaps(fields: Sequence[Field], field: str) -> None:
    names = {each.target: each.name for each in fields}
    for target, name in names.items():
        for length in range(1, len(target)):
            if outer := names.get(target[:length]):
                raise ConfigurationError(
                    f"makes an object of {outer!r}, which has a value of its own: remove one of the two",
                    field=f"{field}.{name}",
                )


def _put(body: dict[str, Any], target: Sequence[str], value: Any) -> None:
    for parent in target[:-1]:
        body = body.setdefault(parent, {})
    body[target[-1]] = value


def _reader(spec: FieldSpec) -> _Read:
    if spec.path is None:
        return _constant(spec.value)
    search = Expression(spec.path).search
    cast, missing = _cast(spec), _missing(spec)
    if cast is None and missing is None:
        return search

    def read(payload: Any) -> Any:
        value = search(payload)
        if value is None:
            return missing(payload) if missing else None
        return cast(value, payload) if cast else value

    return read


def _constant(value: Any) -> _Read:
    if isinstance(value, dict | list):
        # Each body gets its own: one that is changed further on must not change the configuration.
        return lambda _payload: copy.deepcopy(value)
    return lambda _payload: value


def _missing(spec: FieldSpec) -> _Read | None:
    """What stands for a value that is not there; None for null."""
    if spec.required:
        return _refuse_missing
    if spec.omit_null:
        return lambda _payload: _OMIT
    return None if spec.default is None else _constant(spec.default)


def _refuse_missing(payload: Any) -> Any:
    raise _FieldError(
        f"found nothing in {excerpt(payload)} and is required; complete the record or give a default"
    )


def _cast(spec: FieldSpec) -> Callable[[Any, Any], Any] | None:
    """The cast, as a function of the value that was found and of the whole payload."""
    if spec.cast is None:
        return None
    if spec.cast in MONEY_CASTS:
        return _money_cast(spec)
    if spec.cast in DATE_CASTS:
        cast = DATE_CASTS[spec.cast](pattern=spec.format, output=spec.output)
    else:
        cast = VALUE_CASTS[spec.cast]
    return lambda value, _payload: _attempt(cast, value)


def _money_cast(spec: FieldSpec) -> Callable[[Any, Any], Any]:
    cast, currency = MONEY_CASTS[str(spec.cast)], str(spec.currency)
    if currency in CURRENCY_DIGITS:
        return lambda value, _payload: _attempt(cast, value, currency)
    search = Expression(currency).search
    return lambda value, payload: _attempt(cast, value, search(payload))


def _attempt(cast: Callable[..., Any], value: Any, *more: Any) -> Any:
    try:
        return cast(value, *more)
    except CastError as error:
        raise _FieldError(f"{excerpt(value)} {error}") from error
