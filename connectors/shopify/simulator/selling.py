"""The shop itself, its channels, markets and price list: one of each, small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.shopify.simulator.clock import after
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.ids import gid
from connectors.shopify.simulator.listing import Listing, Numbered, listed
from connectors.shopify.simulator.options import MAX_VARIANTS

Node = dict[str, Any]

#: Versions of the Admin API that are supported; an older one falls forward to the first of them.
VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
#: Every so many products has a price of its own on the price list.
_PRICED = 10


def shop_node(context: Context) -> Node:
    """``shop``."""
    options = context.shop.options
    domain = options.shop
    return {
        "__typename": "Shop",
        "id": "gid://shopify/Shop/70000000001",
        "name": domain.partition(".")[0].title(),
        "email": f"owner@{domain}",
        "contactEmail": f"hello@{domain}",
        "shopOwnerName": "Ada Okafor",
        "myshopifyDomain": domain,
        "url": f"https://{domain}",
        "primaryDomain": {
            "__typename": "Domain",
            "id": "gid://shopify/Domain/1",
            "host": domain,
            "url": f"https://{domain}",
            "sslEnabled": True,
        },
        "currencyCode": options.currency,
        "enabledPresentmentCurrencies": [options.currency],
        "ianaTimezone": "Europe/Berlin",
        "timezoneAbbreviation": "CET",
        "timezoneOffset": "+0100",
        "weightUnit": "KILOGRAMS",
        "taxesIncluded": True,
        "plan": {
            "__typename": "ShopPlan",
            "publicDisplayName": "Basic",
            "shopifyPlus": False,
            "partnerDevelopment": True,
        },
        "resourceLimits": {
            "__typename": "ShopResourceLimits",
            "maxProductVariants": MAX_VARIANTS,
            "maxProductOptions": 3,
            "locationLimit": 200,
        },
        "createdAt": after(0),
        "updatedAt": after(0),
    }


def installation_node(context: Context) -> Node:
    """``currentAppInstallation``."""
    scopes = [
        {"__typename": "AccessScope", "handle": one, "description": one} for one in sorted(context.scopes)
    ]
    app = {
        "__typename": "App",
        "id": "gid://shopify/App/1",
        "title": "Simulated app",
        "handle": "simulated-app",
    }
    return {
        "__typename": "AppInstallation",
        "id": "gid://shopify/AppInstallation/1",
        "app": app | {"apiKey": context.shop.options.client_id},
        "accessScopes": scopes,
        "launchUrl": f"https://{context.shop.options.shop}/admin/apps/simulated-app",
    }


def api_versions() -> list[Node]:
    """``publicApiVersions``."""
    return [
        {"__typename": "ApiVersion", "handle": one, "displayName": one, "supported": True}
        for one in (*VERSIONS, "unstable")
    ]


def _publication(number: int) -> Node:
    catalog = {
        "__typename": "AppCatalog",
        "id": f"gid://shopify/AppCatalog/{number}",
        "title": ("Online Store", "Point of Sale")[number - 1],
        "status": "ACTIVE",
    }
    return {
        "__typename": "Publication",
        "id": f"gid://shopify/Publication/{number}",
        "autoPublish": number == 1,
        "catalog": catalog,
    }


def _publications_of(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    published = node["publishedAt"]
    everywhere = [
        {
            "__typename": "ResourcePublicationV2",
            "isPublished": True,
            "publishDate": published,
            "publication": one,
        }
        for one in (_publication(1), _publication(2))
    ]
    return listed(everywhere if published else [])


def _market(context: Context) -> Node:
    return {
        "__typename": "Market",
        "id": "gid://shopify/Market/1",
        "handle": "de",
        "name": "Germany",
        "status": "ACTIVE",
        "type": "REGION",
        "currencySettings": {
            "__typename": "MarketCurrencySettings",
            "baseCurrency": {"__typename": "CurrencySetting", "currencyCode": context.shop.options.currency},
            "localCurrencies": False,
        },
    }


def _catalogs(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    catalog = {"__typename": "MarketCatalog", "id": "gid://shopify/MarketCatalog/1", "title": "Germany"}
    return listed(
        [catalog | {"status": "ACTIVE", "priceList": _price_list(context, {}, {"id": _PRICE_LIST})}]
    )


_PRICE_LIST = "gid://shopify/PriceList/1"


def _price_list(context: Context, node: Node, arguments: Mapping[str, Any]) -> Node | None:
    if arguments["id"] != _PRICE_LIST:
        return None
    priced = len(_priced(context))
    currency = context.shop.options.currency
    named: Node = {"__typename": "PriceList", "id": _PRICE_LIST, "name": "Germany"}
    return named | {"currency": currency, "fixedPricesCount": priced}


def _priced(context: Context) -> list[int]:
    return [
        one for one in context.shop.products.numbers() if one % _PRICED == 0 and context.shop.positions(one)
    ]


def _prices(context: Context, node: Node, arguments: Mapping[str, Any]) -> Listing:
    return Numbered(_priced(context), lambda number: _price(context, number))


def _price(context: Context, number: int) -> Node:
    variant = context.shop.variant(number, context.shop.positions(number)[0])
    whole = variant["price"].partition(".")[0]
    amount = {"__typename": "MoneyV2", "amount": f"{whole}.5", "currencyCode": context.shop.options.currency}
    return {
        "__typename": "PriceListPrice",
        "originType": "FIXED",
        "price": amount,
        "compareAtPrice": None,
        "variant": variant,
        "id": gid("Product", number),
    }


SELLING: dict[tuple[str, str], Callable[[Context, Node, Mapping[str, Any]], Any]] = {
    ("QueryRoot", "shop"): lambda context, node, _: shop_node(context),
    ("QueryRoot", "currentAppInstallation"): lambda context, node, _: installation_node(context),
    ("QueryRoot", "publicApiVersions"): lambda context, node, _: api_versions(),
    ("QueryRoot", "publications"): lambda context, node, _: listed([_publication(1), _publication(2)]),
    ("QueryRoot", "markets"): lambda context, node, _: listed([_market(context)]),
    ("QueryRoot", "priceList"): _price_list,
    ("Product", "resourcePublicationsV2"): _publications_of,
    ("Market", "catalogs"): _catalogs,
    ("PriceList", "prices"): _prices,
}
