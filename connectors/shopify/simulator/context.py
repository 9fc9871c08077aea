"""What a resolver is handed: the shop, who asks, and what has to be said beside the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.shopify.simulator.shop import Shop
from hub.records import JSON

Node = dict[str, Any]


@dataclass(kw_only=True)
class Context:
    """One request."""

    shop: Shop
    scopes: frozenset[str]
    protected: frozenset[str]
    actions: Mapping[str, Callable[..., Any]]
    warnings: list[JSON] = field(default_factory=list)
