"""The catalog as people and programs see it: one line of a list, one thing whole, and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.cli import output
from hub.records import JSON

#: By kind what a list is called, and its columns.
LISTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "product": ("products", ["key", "name", "brand", "status", "enabled", "variants"]),
    "category": ("categories", ["key", "name", "parent", "managed", "enabled"]),
    "stock": ("stock", ["key", "variant", "location", "on_hand", "threshold", "out_of_stock"]),
    "price": (
        "prices",
        ["key", "variant", "price_kind=kind", "currency", "amount", "compare_at", "valid_from", "valid_to"],
    ),
    "location": ("locations", ["key", "name", "enabled"]),
    "customer": ("customers", ["key", "email", "first_name", "last_name", "language"]),
}

#: What a person is shown of the parts of a product, in tables of their own.
_PARTS = ("prices", "stock")


def line(kind: str, row: JSON) -> JSON:
    """One row of a list, as JSON."""
    found = {"name": _name(row["content"]), **row["content"], **row}
    if kind == "stock":
        found["out_of_stock"] = out_of_stock(row["content"])
    names = (column.partition("=")[0] for column in LISTS[kind][1])
    shown = {name: found.get(name) for name in names}
    return {**shown, **output.presentable({name: row[name] for name in ("changed_at", "gone_at")})}


def out_of_stock(stock: JSON) -> bool | None:
    """At or below its threshold (without one: 0); None where nobody said how many there are."""
    on_hand = stock.get("on_hand")
    return None if on_hand is None else bool(on_hand <= (stock.get("threshold") or 0))


def print_list(kind: str, rows: Sequence[JSON], *, gone: bool) -> None:
    """For people."""
    title, columns = LISTS[kind]
    output.table(title, [*columns, "changed_at", *(["gone_at"] if gone else [])], rows)


def whole(found: JSON) -> JSON:
    """One thing as JSON, its times as text."""
    shown = {**output.presentable(found), "sources": _sources(found)}
    shown["parts"] = [{**output.presentable(part), "sources": _sources(part)} for part in found["parts"]]
    return shown


def print_whole(found: JSON) -> None:
    """For people."""
    document = dict(found["document"])
    variants = document.pop("variants", [])
    facts = {name: found[name] for name in ("gone_at", "created_at", "changed_at", "changed_by")}
    unresolved = ", ".join(found["unresolved_categories"]) or None
    output.facts(
        f"{found['kind']} {found['key']}",
        {
            **{name: value for name, value in document.items() if name not in {"kind", "key", *_PARTS}},
            **facts,
            "unresolved_categories": unresolved and f"{unresolved} (nobody knows them yet)",
        },
    )
    for variant in variants:
        output.say("")
        output.facts(
            f"variant {variant['key']}",
            {name: value for name, value in variant.items() if name not in {"key", *_PARTS}},
        )
        _print_parts(variant)
    output.say("")
    output.table("where it came from", ["what", "connection", "id", "at", "fields"], _lines(found))


def stats(tenant: str, kinds: Sequence[JSON], owners: Mapping[str, str]) -> JSON:
    """One tenant's counts, as JSON."""
    return {"tenant": tenant, "kinds": [output.presentable(row) for row in kinds], "owners": dict(owners)}


def print_stats(tenants: Sequence[JSON]) -> None:
    """For people."""
    for tenant in tenants:
        output.table(
            f"catalog of {tenant['tenant']}", ["kind", "there", "gone", "changed_at"], tenant["kinds"]
        )
        output.say("")
        owners = [{"part": part, "connection": name} for part, name in tenant["owners"].items()]
        output.table("systems of record", ["part", "connection"], owners, none="none; the last one wins")


def _print_parts(variant: JSON) -> None:
    tables: Mapping[str, tuple[Sequence[str], Callable[[JSON], JSON]]] = {
        "prices": (["kind", "currency", "amount", "compare_at", "valid_from", "valid_to"], dict),
        "stock": (
            ["location", "on_hand", "threshold", "out_of_stock"],
            lambda stock: {**stock, "out_of_stock": out_of_stock(stock)},
        ),
    }
    for name, (columns, shaped) in tables.items():
        if variant[name]:
            output.say("")
            output.table(f"{name} of {variant['key']}", columns, [shaped(one) for one in variant[name]])


def _lines(found: JSON) -> list[dict[str, Any]]:
    """A line for each source of each part."""
    return [
        {
            **source,
            "what": f"{part['kind']} {part['key']}",
            "connection": source["connection"] or "(removed)",
            "fields": ", ".join(source["fields"]),
        }
        for part in (found, *found["parts"])
        for source in part["sources"]
    ]


def _sources(part: JSON) -> list[JSON]:
    return [output.presentable(source) for source in part["sources"]]


def _name(content: JSON) -> str | None:
    """In the first language that has one."""
    names = (one.get("name") for one in content.get("translations") or [])
    return next((name for name in names if name), None)
