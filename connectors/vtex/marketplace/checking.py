"""Whether a marketplace takes a product, by its rules: all that is wrong at once, and every default that was needed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.vtex.marketplace import fields
from connectors.vtex.marketplace.faults import Fault, gtin_faults, image_faults, text_faults
from connectors.vtex.marketplace.fields import FIELDS
from connectors.vtex.marketplace.rule import FieldRule, default_of, faults_of
from connectors.vtex.marketplace.rules import Applied, Rules
from hub.excerpt import excerpt
from hub.marketplace import Attribute, Category
from hub.records import JSON

#: Where a specification may stand, in the order in which it is looked for.
_SPECIFICATIONS = ("sku_attributes", "product_attributes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """``product`` is the document with its defaults, ``defaulted`` by field what they were (A3), ``errors`` are sentences (E1)."""

    product: JSON
    defaulted: Mapping[str, Any]
    errors: Sequence[str]


def checked(product: Mapping[str, Any], rules: Rules, category: Category | None) -> Checked:
    """A product document (``goods``) by the rules of a marketplace and of its category there, None where it has none.

    Errors stand in the order of the document, those of the category's attributes last. What passes once passes again unchanged.
    """
    applied = rules.of(None if category is None else category.id)
    filled, defaulted = _filled(product, applied)
    for attribute in () if category is None else category.attributes:
        _spell(filled, attribute)
    faults = [*_by_rules(filled, applied), *_by_category(filled, applied, category)]
    return Checked(product=filled, defaulted=defaulted, errors=list(dict.fromkeys(faults)))


def _filled(product: Mapping[str, Any], applied: Applied) -> tuple[JSON, dict[str, Any]]:
    """With a default wherever there is nothing, and which ones."""
    filled, defaulted = dict(product), dict[str, Any]()
    for path, rule in applied.fields.items():
        default = default_of(path, rule)
        if default is not None and _is_nothing(_at(filled, path)):
            _put(filled, path, default)
            defaulted[path] = default[0] if isinstance(default, list) else default
    if applied.images.default is not None and _is_nothing(filled.get("images")):
        filled["images"] = [{"url": applied.images.default, "name": None}]
        defaulted["images"] = applied.images.default
    return filled, defaulted


def _spell(product: JSON, attribute: Attribute) -> None:
    """Values that the marketplace writes in other letters are its own: ``red`` for ``Red``."""
    path = _where(product, attribute.name)
    theirs = {value.strip().casefold(): value for value in attribute.values}
    given = _at(product, path)
    if isinstance(given, list):
        _put(product, path, [theirs.get(str(one).strip().casefold(), one) for one in given])


def _by_rules(product: Mapping[str, Any], applied: Applied) -> Iterator[str]:
    """Field by field, as the document has them."""
    for name in FIELDS:
        if name == "images":
            yield from _images(product.get(name), applied)
        elif name == "gtin":
            yield from _gtin(product.get(name), applied)
        for path, rule in applied.fields.items():
            if path.partition(".")[0] == name:
                yield from _field(path, rule, _at(product, path))


def _field(path: str, rule: FieldRule, value: Any) -> Iterator[str]:
    if not _is_nothing(value):
        for fault in faults_of(path, rule, value):
            yield _sentence(path, fault)
    elif rule.required:
        yield _sentence(path, Fault("is missing", "fill in"))


def _images(value: Any, applied: Applied) -> Iterator[str]:
    rule = applied.images
    images = [] if _is_nothing(value) else value if isinstance(value, list) else [value]
    if not images and rule.minimum:
        yield _sentence("images", Fault(f"are missing and the marketplace wants {rule.minimum}", "add"))
    elif len(images) < rule.minimum:
        yield _sentence(
            "images", Fault(f"are {len(images)} and the marketplace wants {rule.minimum}", "add to")
        )
    if rule.maximum is not None and len(images) > rule.maximum:
        what = f"are {len(images)} and the marketplace takes {rule.maximum}"
        yield _sentence("images", Fault(what, "remove some of"))
    for place, image in enumerate(images, 1):
        for fault in image_faults(image, https=rule.https, endings=rule.endings):
            yield _sentence("images", Fault(f"number {place} {fault.what}", fault.verb))


def _gtin(value: Any, applied: Applied) -> Iterator[str]:
    rule = applied.gtin
    if _is_nothing(value):
        if rule.required:
            yield _sentence("gtin", Fault("is missing", "fill in"))
    elif rule.check:
        verb = "correct" if rule.required else "correct or clear"
        yield from (_sentence("gtin", Fault(what, verb)) for what in gtin_faults(value, rule.lengths))


def _by_category(product: Mapping[str, Any], applied: Applied, category: Category | None) -> Iterator[str]:
    """What the category itself wants to know, where no rule has asked for it already."""
    if category is None:
        return
    asked = {path.casefold() for path, rule in applied.fields.items() if rule.required}
    for attribute in category.attributes:
        path = _where(product, attribute.name)
        value = _at(product, path)
        if not _is_nothing(value):
            yield from _values(path, attribute, value)
        elif attribute.required and attribute.name.strip() and path.casefold() not in asked:
            what = f"is missing and the category {excerpt(category.name)} wants it"
            yield _sentence(path, Fault(what, "fill in"))


def _values(path: str, attribute: Attribute, value: Any) -> Iterator[str]:
    """Without ``values`` any text will do."""
    allowed = attribute.values or None
    for each in value if isinstance(value, list) else [value]:
        for fault in text_faults(each, allowed=allowed):
            yield _sentence(path, fault)


def _where(product: Mapping[str, Any], attribute: str) -> str:
    """Which of the two has a specification of this name; the SKU's where neither has."""
    paths = [f"{name}.{attribute.strip()}" for name in _SPECIFICATIONS]
    return next((path for path in paths if not _is_nothing(_at(product, path))), paths[0])


def _sentence(path: str, fault: Fault) -> str:
    return f"{path}: {fault.what}; {fields.field(path).remedy(fault.verb)}"


def _is_nothing(value: Any) -> bool:
    """Null, no characters but blanks, no values: where VTEX has sent nothing."""
    if isinstance(value, list):
        return all(each is None or (isinstance(each, str) and not each.strip()) for each in value)
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


def _at(product: Mapping[str, Any], path: str) -> Any:
    """What stands there. Names of specifications are compared as people do; what is no object is handed back as it is."""
    name, dot, attribute = path.partition(".")
    found = product.get(name)
    if not dot or not isinstance(found, dict):
        return found
    return found.get(_name(found, attribute))


def _put(product: JSON, path: str, value: Any) -> None:
    """Without touching what the document was made from."""
    name, dot, attribute = path.partition(".")
    if not dot:
        product[name] = value
        return
    found = product.get(name)
    attributes = dict(found) if isinstance(found, dict) else {}
    product[name] = {**attributes, _name(attributes, attribute): value}


def _name(attributes: Mapping[str, Any], wanted: str) -> str:
    """As it is spelt there, else as it is wanted."""
    if wanted in attributes:
        return wanted
    plain = wanted.strip().casefold()
    return next((each for each in attributes if each.strip().casefold() == plain), wanted.strip())
