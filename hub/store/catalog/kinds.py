"""What is stored of each kind: its table, the columns beside its content, and the part of the catalog it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One table. ``columns`` name their SQL types; ``variant`` or ``product`` says how it leads to its product."""

    name: str
    part: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Its table's name."""
        return f"catalog_{self.name}"


#: In the order in which they are written.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="location", part="locations"),
        Kind(name="category", part="categories", columns={"parent_key": "text", "managed": "boolean"}),
        Kind(name="product", part="products"),
        Kind(name="variant", part="variants", columns={"product_key": "text", "sku": "text", "gtin": "text"}),
        Kind(
            name="price",
            part="prices",
            columns={
                "variant_key": "text",
                "kind": "text",
                "currency": "text",
                "valid_from": "text",
                "amount": "text",
                "begins_at": "bigint",
                "ends_at": "bigint",
            },
        ),
        Kind(
            name="stock",
            part="stock",
            columns={
                "variant_key": "text",
                "location_key": "text",
                "on_hand": "bigint",
                "threshold": "bigint",
            },
        ),
        Kind(name="customer", part="customers"),
    )
}
