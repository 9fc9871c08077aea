"""One rule: of a field, of a SKU's images, of its bar code. ``rules`` puts them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from connectors.vtex import values
from connectors.vtex.marketplace import fields
from connectors.vtex.marketplace.faults import Fault, number_faults, text_faults
from connectors.vtex.marketplace.pattern import compiled
from hub.exact import Number, bounded, exact

#: Bar codes of so many digits (EAN-8, UPC, EAN-13, GTIN-14).
Length = Literal[8, 12, 13, 14]

#: What a rule may say of which kind of field.
_OF_TEXTS = frozenset({"min_length", "max_length", "pattern", "hint", "values", "minimum", "maximum"})
FITTING: Mapping[fields.Kind, frozenset[str]] = {
    "text": _OF_TEXTS | {"required", "default"},
    "texts": _OF_TEXTS | {"required", "default"},
    "fixed": _OF_TEXTS,
    "number": frozenset({"minimum", "maximum", "required", "default"}),
}


def _bounded(number: Decimal) -> Decimal:
    if bounded(number) is None:
        raise ValueError("is too long a number")
    return number


def _default(value: Any) -> str | Number | None:
    found = value.strip() or None if isinstance(value, str) else exact(value)
    if found is None and value is not None:
        raise ValueError("is neither a text nor a number; leave it out where nothing is to be sent")
    return found


def _pattern(pattern: str) -> str:
    compiled(pattern)
    return pattern


def _image(url: str) -> str:
    if fault := values.image_fault(url):
        raise ValueError(f"{fault}; give the whole https address of an image")
    return url


def _ending(text: str) -> str:
    return text.removeprefix(".").lower()


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Number = Annotated[Decimal, Field(allow_inf_nan=False), AfterValidator(_bounded)]
_Ending = Annotated[str, StringConstraints(pattern=r"^\.?[A-Za-z0-9]{1,10}$"), AfterValidator(_ending)]


class Part(BaseModel):
    """Of the rules; nothing that it does not know, and nothing that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(Part):
    """Of one field. What holds for a text holds for each of several (the values of a specification)."""

    required: bool = Field(default=False, description="It has to be there.")
    min_length: int | None = Field(None, ge=1, description="Characters at least.")
    max_length: int | None = Field(None, ge=1, description="Characters at most; those of HTML count.")
    minimum: _Number | None = Field(None, description="The least number.")
    maximum: _Number | None = Field(None, description="The greatest number.")
    pattern: Annotated[str, AfterValidator(_pattern)] | None = Field(
        None, description="A regular expression that the whole text has to match."
    )
    hint: Text | None = Field(None, description="What the pattern wants, in words for merchants.")
    values: list[Text] | None = Field(None, min_length=1, description="The only values that are taken.")
    default: Annotated[Any, AfterValidator(_default)] = Field(
        None, description="Is sent where VTEX has nothing."
    )


class ImageRule(Part):
    """Of a SKU's images."""

    minimum: int = Field(0, ge=0, description="Images at least.")
    maximum: int | None = Field(None, ge=1, description="Images at most.")
    https: bool = Field(default=True, description="Only addresses with https are taken.")
    endings: list[_Ending] | None = Field(
        None, min_length=1, description="Only files with one of these endings are taken, such as jpg."
    )
    default: Annotated[str, AfterValidator(_image)] | None = Field(
        None, description="Address (https) of an image for SKUs without one."
    )


class GtinRule(Part):
    """Of a SKU's bar code."""

    required: bool = Field(default=False, description="It has to be there.")
    check: bool = Field(default=True, description="A code that is there needs the right check digit.")
    lengths: list[Length] = Field(
        default=[8, 12, 13, 14],
        min_length=1,
        description="So many digits are taken; not looked at without `check`.",
    )


def default_of(path: str, rule: FieldRule) -> Any:
    """A rule's default as the document has it: a number, a text, or a list of one. None where there is none."""
    kind, given = fields.field(path).kind, rule.default
    if given is None:
        return None
    if kind == "number":
        found = values.number(given)
        return None if found is None else values.tidy(found)
    plain = given if isinstance(given, str) else str(values.tidy(given))
    return [plain] if kind == "texts" else plain


def faults_of(path: str, rule: FieldRule, value: Any) -> Iterator[Fault]:
    """What is wrong with a value that is there."""
    kind = fields.field(path).kind
    if kind == "number":
        yield from number_faults(value, rule.minimum, rule.maximum)
        return
    for text in value if kind == "texts" and isinstance(value, list) else [value]:
        yield from text_faults(
            text,
            shortest=rule.min_length,
            longest=rule.max_length,
            pattern=rule.pattern,
            hint=rule.hint,
            allowed=rule.values,
        )
        if rule.minimum is not None or rule.maximum is not None:
            yield from number_faults(text, rule.minimum, rule.maximum)
