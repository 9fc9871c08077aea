"""The catalog's changes as records, one for each SKU and stream. Where the connection stands in it is its cursor. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from hub import codec
from hub.catalog import Change
from hub.records import JSON, Item, Record

CATALOG, PRICE, STOCK = "catalog", "price", "stock"
#: What is followed: a product stands for all its variants.
KINDS: Sequence[str] = ("product", "variant", PRICE, STOCK)
#: A pass over everything begins behind these: whoever is told that a SKU changed asks for its price and stock, too.
ASKED_FOR_ANYWAY: Sequence[str] = (PRICE, STOCK)
#: In a payload: when a person asked for the SKU to be offered as if nothing were known of it.
ANEW = "anew"


@dataclass(frozen=True, kw_only=True)
class Place:
    """``changes`` and ``turned`` are where to go on asking the catalog. ``passing`` names the full pass that is under way;
    ``behind`` says that it has gone past the prices and stock levels that there were at its start.
    """

    changes: JSON = field(default_factory=dict)
    turned: JSON = field(default_factory=dict)
    passing: str | None = None
    behind: bool = False

    @classmethod
    def of(cls, cursor: JSON, *, full_pass: bool, now: str) -> Self:
        """As it was stored; the first poll of all begins a pass, and one that is asked for begins anew."""
        place = cls(**cursor)
        if full_pass or not cursor:
            return replace(place, changes={}, passing=now, behind=False)
        return place

    @property
    def cursor(self) -> JSON:
        """What to store."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the variants of changed products are called over there: ``skus`` by variant key, ``of_product`` their keys."""

    skus: Mapping[str, str]
    of_product: Mapping[str, Sequence[str]]


def records_of(
    changes: Sequence[Change], named: Named, *, passing: str | None = None, turned_at: str | None = None
) -> list[Record]:
    """One for each SKU and stream, with the latest stamp; what never had a name is left out.

    ``passing`` and ``turned_at`` set them apart from what the ledger may know under the same stamp: the same change in
    another pass, and a price that turns while nobody writes.
    """
    told_anew = {
        CATALOG: {"pass": passing} if passing else {},
        PRICE: {"turned": turned_at} if turned_at else {},
    }
    found: dict[tuple[str, str], Record] = {}
    for change in changes:
        for stream, variant in _targets(change, named):
            sku = named.skus.get(variant)
            if sku is None:
                continue
            before = found.get((stream, sku))
            if before is None or str(before.version) < change.stamp:
                payload = {"variant": variant, "stamp": change.stamp, **told_anew.get(stream, {})}
                found[stream, sku] = Record(
                    stream=stream,
                    key=sku,
                    version=change.stamp,
                    payload=payload,
                    content_hash=codec.fingerprint(payload),
                )
    return list(found.values())


def anew(sku: str, variant: str, now: str) -> Record:
    """What a person asks for: the SKU is offered as if nothing were known of it. Without a version it comes after all."""
    return Record(stream=CATALOG, key=sku, payload={"variant": variant, ANEW: now})


def sku_of(variant: JSON) -> str:
    """What a variant is called where its SKU counts; one without by its key, to be rejected with it."""
    return str(variant.get("sku") or variant["key"])


def names_of(items: Iterable[Item]) -> Mapping[str, str]:
    """What their variants are called. A record that another name has overtaken does not bring the old one back."""
    return {
        item.payload["variant"]: item.key
        for item in items
        if (variant := item.payload.get("of_product")) is None or sku_of(variant) == item.key
    }


def variants_of(changes: Iterable[Change]) -> set[str]:
    """Keys of the variants that changes name themselves."""
    return {
        key
        for change in changes
        if (key := change.variant or (change.key if change.kind == "variant" else None))
    }


def _targets(change: Change, named: Named) -> Iterator[tuple[str, str]]:
    match change.kind:
        case "product":
            for variant in named.of_product.get(change.key, ()):
                yield CATALOG, variant
        case "variant":
            yield CATALOG, change.key
        case "price" | "stock":
            if change.variant is not None:
                yield change.kind, change.variant
