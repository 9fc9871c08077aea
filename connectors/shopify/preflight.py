"""What has to be known of a shop before a pass reads it: currency and limits, scopes, how much there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connectors.shopify import tally
from connectors.shopify.client import ShopifyClient
from connectors.shopify.resources import ALL, Resource
from connectors.shopify.settings import SCOPES, ShopifySettings
from connectors.shopify.steps import protected_of, refuse
from hub.errors import ConnectionFailedError
from hub.records import JSON

#: Requests that a bulk operation takes: more pages than that, and it is used.
BULK_REQUESTS: Final = 4
#: A count that the platform does not go beyond (facts, "Rate limits and errors").
MOST_COUNTED: Final = 25_000


class Preflight:
    """Looks at a shop."""

    def __init__(self, client: ShopifyClient, settings: ShopifySettings) -> None:
        self._client, self._settings = client, settings

    async def look(self, cursor: JSON) -> None:
        """What has to be known before anything is read: currency and limits, scopes, how much there is."""
        under_way, wanted = cursor["pass"], list(self._settings.wanted)
        found = (await self._client.ask("shop")).data
        shop = found.get("shop") or {}
        if shop.get("myshopifyDomain") != self._settings.shop:
            raise ConnectionFailedError(
                f"the token is not one of {self._settings.shop} but of {shop.get('myshopifyDomain')}; "
                "correct settings.shop or the token"
            )
        granted = {
            one.get("handle") for one in (found.get("currentAppInstallation") or {}).get("accessScopes") or []
        }
        missing = {name for name in wanted if not allows(granted, SCOPES[name])}
        for name in missing:
            refuse(
                under_way,
                name,
                f"needs the scope {SCOPES[name]}, which is not granted: connect the shop again",
            )
        left = [name for name in wanted if name not in missing]
        counts, protected = await self._counts(left)
        cursor["shop"] = {
            "currency": shop.get("currencyCode"),
            "max_variants": (shop.get("resourceLimits") or {}).get("maxProductVariants") or 2048,
            "protected": sorted(protected),
        }
        if "customers" in left:
            for part in sorted(protected):
                text = f"the app is not approved to see the {part} of customers; it is left as it is"
                tally.warn(under_way["tallies"]["customers"], f"protected {part}", text)
        for name in left:
            under_way["tallies"][name]["count"] = counts.get(name, {}).get("count")
        under_way["modes"] = self._modes(left, counts)

    async def _counts(self, wanted: Sequence[str]) -> tuple[dict[str, JSON], set[str]]:
        answer = await self._client.ask(
            "counts",
            locations="locations" in wanted,
            products=bool({"products", "collections"} & set(wanted)),
            stock="stock" in wanted,
            customers="customers" in wanted,
        )
        counts = {
            name: value for name, value in answer.data.items() if isinstance(value, dict) and "count" in value
        }
        return counts, set(protected_of(answer.denied))

    def _modes(self, wanted: Sequence[str], counts: dict[str, JSON]) -> dict[str, str]:
        """How each resource is read in full: in whichever way it takes fewer requests."""
        modes = {name: "bulk" if self._is_large(ALL[name], counts.get(name)) else "pages" for name in wanted}
        # A bulk query may have five connections, and a product's own ones are five: its collections are read with them.
        if modes.get("products") == "bulk" and "collections" in modes:
            modes["collections"] = "bulk"
        return modes

    def _is_large(self, resource: Resource, count: JSON | None) -> bool:
        if resource.bulk is None or count is None:
            return False
        number = count.get("count") or 0
        if count.get("precision") != "EXACT" or number > MOST_COUNTED:
            return True
        if self._settings.pages_up_to is not None:
            return bool(number > self._settings.pages_up_to)
        return bool(number > BULK_REQUESTS * resource.size)


def allows(granted: Any, scope: str) -> bool:
    """A scope to write implies the one to read (facts, "OAuth")."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted
