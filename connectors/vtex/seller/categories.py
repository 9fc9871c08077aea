"""What a product's category is called from the root down, in the language of the connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.vtex.seller.settings import VtexSellerSettings
from hub.catalog import Catalog
from hub.records import JSON


async def paths(
    catalog: Catalog, products: Iterable[JSON], settings: VtexSellerSettings
) -> Mapping[str, Sequence[str]]:
    """By product the names of the first of its categories that the catalog knows with all its ancestors.

    Categories that a merchandising system has made (``managed``) come last: the marketplace has the merchant's own.
    """
    wanted = {product["key"]: list(product.get("categories") or ()) for product in products}
    leaves = await catalog.read("category", {key for keys in wanted.values() for key in keys})
    nodes = {
        **leaves,
        **await catalog.read("category", {key for one in leaves.values() for key in one["path"]}),
    }
    found = {}
    for product, keys in wanted.items():
        known = sorted(
            (leaves[key] for key in keys if key in leaves), key=lambda one: bool(one.get("managed"))
        )
        named = (_names(one["path"], nodes, settings) for one in known)
        if (path := next((names for names in named if names), None)) is not None:
            found[product] = path
    return found


def _names(path: Sequence[str], nodes: Mapping[str, JSON], settings: VtexSellerSettings) -> Sequence[str]:
    """Empty where one of them has no name."""
    names = [_name(nodes.get(key, {}), settings) for key in path]
    return [] if None in names else [name for name in names if name is not None]


def _name(category: JSON, settings: VtexSellerSettings) -> str | None:
    translations = category.get("translations") or ()
    by_language = {str(one.get("language")).casefold(): one for one in reversed(translations)}
    for language in (settings.language, settings.defaults.language):
        one = by_language.get(language.casefold()) if language else None
        if one is not None and one.get("name"):
            return str(one["name"])
    return next((str(one["name"]) for one in translations if one.get("name")), None)
