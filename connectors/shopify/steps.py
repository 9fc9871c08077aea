"""What every step of a pass does with the document that says where the pass stands, and with what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from connectors.shopify import tally
from connectors.shopify.mapping import UNKNOWN_LANGUAGE, Shop, UnfitError, key_of
from connectors.shopify.resources import Resource
from connectors.shopify.settings import ShopifySettings
from hub import codec
from hub.records import JSON, BadRecord, Record

#: Records that a page of a poll is about to hold.
PAGE: Final = 500
#: Fields of a customer that are protected, by what an app asks to be approved for.
PROTECTED: Final = {
    "firstName": "name",
    "lastName": "name",
    "displayName": "name",
    "emailAddress": "email",
    "defaultEmailAddress": "email",
    "phoneNumber": "phone",
    "defaultPhoneNumber": "phone",
    "address1": "address",
    "address2": "address",
    "zip": "address",
    "addressesV2": "address",
}
#: What mapping an object of another shape than the schema's raises: it goes to quarantine.
_MALFORMED: Final = (UnfitError, AttributeError, TypeError, KeyError, IndexError, ValueError, ArithmeticError)


@dataclass(kw_only=True)
class Step:
    """What one step brought. ``wait``: nothing can be done until then. ``ended``: the pass is over."""

    records: list[Record] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    wait: timedelta | None = None
    ended: bool = False


def made(under_way: JSON, resource: Resource, objects: Sequence[JSON], shop: Shop) -> Step:
    """What was read of a resource as records of the pass; what is malformed is bad, and the resource incomplete."""
    step, counts = Step(), under_way["tallies"][resource.name]
    for node in objects:
        try:
            bodies = list(resource.bodies(node, shop, lambda kind, text: tally.warn(counts, kind, text)))
        except _MALFORMED as error:
            counts["bad"] += 1
            counts["complete"] = False
            raw = codec.dumps(node).decode()
            step.bad.append(BadRecord(reason=f"{resource.name}: {error}", raw=raw, stream=resource.name))
            continue
        for body in bodies:
            step.records.append(
                Record(stream=resource.name, key=key_of(body), payload=body, group=under_way["name"])
            )
    counts["read"] += len(step.records)
    return step


def shop_of(cursor: JSON, settings: ShopifySettings, denied: Sequence[Sequence[str]] = ()) -> Shop:
    """What a mapping has to know of the shop; ``denied`` are paths of fields that were just refused."""
    shop = cursor["shop"]
    return Shop(
        currency=shop["currency"],
        language=settings.language or UNKNOWN_LANGUAGE,
        max_variants=shop["max_variants"],
        quantity=settings.quantity,
        protected=frozenset(shop["protected"]) | protected_of(denied),
    )


def protected_of(denied: Sequence[Sequence[str]]) -> frozenset[str]:
    """Parts of a customer's data that were refused: null says nothing about them."""
    return frozenset(PROTECTED[path[-1]] for path in denied if path and path[-1] in PROTECTED)


def read_to_the_end(under_way: JSON) -> None:
    """A resource was read to its end: what is gone is looked for, if it was complete."""
    name = under_way["left"][0]
    if under_way["kind"] != "full" or not under_way["tallies"][name]["complete"]:
        next_resource(under_way)
        return
    under_way |= {"stage": "gone", "after": None, "pages": under_way["page"]}


def keys_of(resource: Resource, node: JSON) -> list[str]:
    """What an object is called, without a word about it."""
    try:
        return [key_of(body) for body in resource.bodies(node, Shop(), lambda _kind, _text: None)]
    except _MALFORMED:
        return []


def refuse(under_way: JSON, name: str, why: str) -> None:
    """A resource is left out, and not complete."""
    counts = under_way["tallies"][name]
    counts |= {"complete": False, "refused": True}
    tally.warn(counts, "refused", f"{name}: {why}")
    was_first = under_way["left"][:1] == [name]
    if was_first and "stage" in under_way:
        next_resource(under_way)
    else:
        under_way["left"] = [one for one in under_way["left"] if one != name]


def by_pages_next(under_way: JSON) -> str | None:
    """What is read by pages while operations are under way. Customers, since nothing leads to them; then what stands
    before what is awaited, else the last of what stands behind it, so that products still follow collections."""
    left, by_pages = under_way["left"], left_by(under_way, "pages")
    if not by_pages:
        return None
    return by_pages[0] if by_pages[0] == left[0] and by_pages[-1] != "customers" else by_pages[-1]


def by_bulk_next(under_way: JSON) -> str | None:
    """What is awaited of what bulk operations read; None while something is being read."""
    if under_way["after"] is not None or under_way["size"] is not None:
        return None
    return next(iter(left_by(under_way, "bulk")), None)


def left_by(under_way: JSON, mode: str) -> list[str]:
    """What is still to be read by bulk operations (``bulk``), or by pages."""
    return [name for name in under_way["left"] if under_way["modes"].get(name) == mode]


def next_resource(under_way: JSON, *, first: bool = False) -> None:
    """On to the next resource, or to the first one."""
    if not first:
        under_way["left"] = under_way["left"][1:]
    under_way |= {"stage": "read", "after": None, "page": 0, "size": None}
