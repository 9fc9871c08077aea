"""One entry of a mapping as a person writes it, checked."""

from __future__ import annotations

from datetime import date, time
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from hub.exact import literal
from hub.excerpt import excerpt
from hub.expression import Expression, ExpressionError
from hub.mapping.casts import (
    DATE_CASTS,
    MONEY_CASTS,
    VALUE_CASTS,
    check_pattern,
)
from hub.money import CURRENCY_DIGITS

_CASTS = (*VALUE_CASTS, *MONEY_CASTS, *DATE_CASTS)


class FieldSpec(BaseModel):
    """An entry written as a table; docs/mapping.md says what each setting does."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    path: str | None = None
    value: Any = None
    cast: str | None = None
    currency: str | None = None
    format: str | None = None
    output: str | None = None
    default: Any = None
    required: bool = False
    omit_null: bool = False

    @classmethod
    def read(cls, written: Any) -> FieldSpec:
        """An entry from a connection: an expression, or a table. Raises ``ValueError`` with the remedy."""
        table = {"path": written} if isinstance(written, str) else written
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            raise ValueError(_first(error)) from error

    @property
    def is_constant(self) -> bool:
        """True for ``{ value = … }``, null included."""
        return "value" in self.model_fields_set

    @field_validator("value", "default")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return _json(value)

    @field_validator("path")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        return None if text is None else _checked(text)

    @field_validator("cast")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in _CASTS:
            raise ValueError(f"there is no cast {name!r}; there are {', '.join(_CASTS)}")
        return name

    @field_validator("currency")
    @classmethod
    def _currency(cls, text: str | None) -> str | None:
        if text is None or CURRENCY_DIGITS.get(text) is not None:
            return text
        if text in CURRENCY_DIGITS:
            raise ValueError(f"{text} has no minor unit in ISO 4217; cast the amount to decimal")
        return _checked(text)

    @field_validator("format", "output")
    @classmethod
    def _portable(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.is_constant == (self.path is not None):
            raise ValueError(
                'give path = "expression" or value = constant; a nested target is written as "a.b"'
            )
        if self.is_constant and len(self.model_fields_set) > 1:
            raise ValueError("a constant takes no other settings beside value: leave them out")
        if (self.currency is None) == (self.cast in MONEY_CASTS):
            raise ValueError(f"currency goes with cast = {' or '.join(MONEY_CASTS)}: give both or neither")
        if (self.format or self.output) and self.cast not in DATE_CASTS:
            raise ValueError(
                f"format and output go with cast = {' or '.join(DATE_CASTS)}: give that cast too"
            )
        if sum((self.required, self.omit_null, self.default is not None)) > 1:
            raise ValueError("required, omit_null and default exclude each other: keep one of them")
        return self


def _checked(text: str) -> str:
    try:
        Expression(text)
    except ExpressionError as error:
        raise ValueError(f"the expression {excerpt(text)} is wrong: {error}") from error
    return text


def _json(value: Any) -> Any:
    """A constant as plain JSON; a TOML file may also hold dates and times."""
    match value:
        case date() | time():
            return value.isoformat()
        case list():
            return [_json(each) for each in value]
        case dict():
            return {str(name): _json(each) for name, each in value.items()}
        case None | str() | int() | float():
            return literal(value)
        case _:
            raise ValueError(f"a constant must be plain JSON, not {type(value).__name__}")


def _first(error: ValidationError) -> str:
    """The first complaint in words, with the name of the setting it is about."""
    complaint = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, complaint["loc"]))
    if complaint["type"] == "model_type":
        return "must be an expression or a table; a constant is written as { value = … }"
    if complaint["type"] == "extra_forbidden":
        return f"does not know {where!r}; it knows {', '.join(FieldSpec.model_fields)}"
    text = complaint["msg"].removeprefix("Value error, ")
    return f"{where}: {text}" if where else text
