"""What a marketplace demands of a product before it takes it, as a user writes it down. ``checking`` applies it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from pydantic import Field, PrivateAttr, model_validator

from connectors.vtex.marketplace import fields
from connectors.vtex.marketplace.faults import image_faults
from connectors.vtex.marketplace.rule import (
    FITTING,
    FieldRule,
    GtinRule,
    ImageRule,
    Part,
    Text,
    default_of,
    faults_of,
)
from hub.excerpt import excerpt

_SECTIONS: Mapping[fields.Kind, str] = {"gtin": "gtin", "images": "images"}

_PartT = TypeVar("_PartT", bound=Part)


class RuleSet(Part):
    """Rules that hold together."""

    fields: dict[str, FieldRule] = Field(
        default_factory=dict, description="By field of the product document what holds for it."
    )
    images: ImageRule = Field(default_factory=ImageRule, description="What holds for the images.")
    gtin: GtinRule = Field(default_factory=GtinRule, description="What holds for the bar code.")


class CategoryRules(RuleSet):
    """Rules for some categories: what they say goes before what is said for all, the rest of which holds as well."""

    categories: list[Text] = Field(min_length=1, description="Ids of the marketplace's categories.")


@dataclass(frozen=True, slots=True)
class Applied:
    """What holds for the SKUs of one category. ``fields`` are in the order of the document."""

    fields: Mapping[str, FieldRule]
    images: ImageRule
    gtin: GtinRule


class Rules(RuleSet):
    """All rules of one marketplace."""

    by_category: list[CategoryRules] = Field(
        default_factory=list, description="Rules that hold for some categories of the marketplace alone."
    )

    _applied: dict[str | None, Applied] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        """Each rule to its field, also as it is in a category, and each default to its rule."""
        applied: dict[str | None, Applied] = {None: _merged(self)}
        faults = general = list(_faults(applied[None]))
        for place, special in enumerate(self.by_category):
            for category in dict.fromkeys(special.categories):
                applied[category] = _merged(applied.get(category, applied[None]), special)
                found = [each for each in _faults(applied[category]) if each not in general]
                faults = [*faults, *(f"by_category.{place}.{each}" for each in found)]
        if faults:
            raise ValueError("; ".join(dict.fromkeys(faults)))
        self._applied.update(applied)
        return self

    def of(self, category: str | None) -> Applied:
        """What holds in this category of the marketplace; None for one without categories."""
        return self._applied.get(category, self._applied[None])


def _merged(*sets: RuleSet | Applied) -> Applied:
    """The later ones go before the earlier, setting by setting."""
    found: dict[str, FieldRule] = {}
    images, gtin = ImageRule(), GtinRule()
    for each in sets:
        images, gtin = _over(images, each.images), _over(gtin, each.gtin)
        for path, rule in each.fields.items():
            found[path] = _over(found[path], rule) if path in found else rule
    names = list(fields.FIELDS)
    ordered = sorted(
        found, key=lambda path: names.index(name) if (name := path.partition(".")[0]) in names else -1
    )
    return Applied(fields={path: found[path] for path in ordered}, images=images, gtin=gtin)


def _over(general: _PartT, special: _PartT) -> _PartT:
    return general.model_copy(update={name: getattr(special, name) for name in special.model_fields_set})


def _faults(applied: Applied) -> Iterator[str]:
    """What is wrong with rules, each with the name of its setting."""
    for path, rule in applied.fields.items():
        try:
            kind = fields.field(path).kind
        except ValueError as error:
            yield f"fields.{path}: {error}"
            continue
        if kind in _SECTIONS:
            yield f"fields.{path}: has a section of its own; write it under {_SECTIONS[kind]}"
        else:
            yield from (f"fields.{path}.{fault}" for fault in _rule_faults(path, kind, rule))
    images = applied.images
    if images.maximum is not None and images.minimum > images.maximum:
        yield f"images.minimum: is {images.minimum} and maximum {images.maximum}; correct one of them"
    for fault in (
        image_faults({"url": images.default}, https=True, endings=images.endings) if images.default else ()
    ):
        yield f"images.default: {fault.what}; {fault.verb} it"


def _rule_faults(path: str, kind: fields.Kind, rule: FieldRule) -> Iterator[str]:
    if unfit := sorted(rule.model_fields_set - FITTING[kind]):
        fitting = ", ".join(sorted(FITTING[kind]))
        yield from (f"{name}: says nothing of this field; what does is {fitting}" for name in unfit)
        return
    for least, most in (("min_length", "max_length"), ("minimum", "maximum")):
        low, high = getattr(rule, least), getattr(rule, most)
        if low is not None and high is not None and low > high:
            yield f"{least}: is {low} and {most} {high}; correct one of them"
    if rule.hint is not None and rule.pattern is None:
        yield "hint: says what the pattern wants, and there is none; write one or leave the hint out"
    default = default_of(path, rule)
    if default is not None:
        yield from (f"default: {fault.what}; correct it" for fault in faults_of(path, rule, default))
    elif rule.default is not None:
        yield f"default: {excerpt(rule.default)} is no number; write one"
