"""Locations, collections, and what stands around a shop, as they are generated."""

from __future__ import annotations

from typing import Any

from connectors.shopify.simulator.clock import after
from connectors.shopify.simulator.ids import COLLECTION, LOCATION
from connectors.shopify.simulator.options import Options

Node = dict[str, Any]

#: From so many locations on, the last is inactive, and the one before belongs to a fulfilment service.
_WITH_INACTIVE = 4
#: From so many collections on, the last is made of others.
_WITH_PARENT = 5
_CITIES = ("Hamburg", "İzmir", "Porto", "Oslo")
_APART = 3600


def base_location(options: Options, number: int) -> Node:
    """A location."""
    active, service = location_active(options, number), _of_a_service(options, number)
    return {
        "__typename": "Location",
        "id": f"gid://shopify/Location/{LOCATION + number}",
        "legacyResourceId": str(LOCATION + number),
        "name": f"{_CITIES[number % 4]} {number}",
        "isActive": active,
        "isFulfillmentService": service,
        "fulfillsOnlineOrders": active,
        "shipsInventory": active,
        "hasActiveInventory": active,
        "activatable": not active,
        "deactivatable": active and number > 1,
        "deactivatedAt": None if active else after(number * _APART + 900),
        "address": _address(number),
        "fulfillmentService": _service(number) if service else None,
        "createdAt": after(number * _APART),
        "updatedAt": location_time(options, number),
    }


def location_time(options: Options, number: int) -> str:
    """When a generated location was last changed."""
    return after(number * _APART + 1800)


def location_active(options: Options, number: int) -> bool:
    """Whether a generated location is in use."""
    return number > options.locations or options.locations < _WITH_INACTIVE or number != options.locations


def _of_a_service(options: Options, number: int) -> bool:
    return options.locations >= _WITH_INACTIVE and number == options.locations - 1


def base_collection(options: Options, number: int) -> Node:
    """A collection without its members."""
    image = {
        "__typename": "Image",
        "id": f"gid://shopify/CollectionImage/{COLLECTION + number}",
        "url": f"https://cdn.shopify.example/s/files/1/0001/collection-{number}.png?v=17",
        "altText": None,
        "width": 800,
        "height": 600,
    }
    return {
        "__typename": "Collection",
        "id": f"gid://shopify/Collection/{COLLECTION + number}",
        "legacyResourceId": str(COLLECTION + number),
        "title": f"Collection {number}",
        "handle": f"collection-{number}",
        "description": f"Number {number}",
        "descriptionHtml": f"<p>Number {number}</p>",
        "sortOrder": ("BEST_SELLING", "MANUAL", "ALPHA_ASC", "CREATED_DESC")[number % 4],
        "templateSuffix": None,
        "seo": {"__typename": "SEO", "title": None, "description": None},
        "image": image if number % 2 else None,
        "updatedAt": collection_time(options, number),
        "sources": [_source(options, number)],
    }


def collection_time(options: Options, number: int) -> str:
    """When a generated collection was last changed."""
    return after(number * _APART + 2700)


def collection_parents(options: Options, number: int) -> tuple[int, ...]:
    """Collections that this one is made of; none for one that holds products by itself."""
    made_of_others = options.collections >= _WITH_PARENT and number == options.collections
    return (1, 2) if made_of_others else ()


def by_condition(options: Options, number: int) -> bool:
    """Whether its products are those that carry its tag."""
    return number % 3 == 2 and not collection_parents(options, number)


def _source(options: Options, number: int) -> Node:
    common = {
        "id": f"gid://shopify/CollectionSource/{COLLECTION + number}",
        "title": f"Source {number}",
        "description": None,
    }
    parents = collection_parents(options, number)
    if parents:
        children = [base_collection(options, one) for one in parents]
        return common | {"__typename": "CollectionSubCollectionsSource", "collections": children}
    return common | {
        "__typename": "CollectionConditionsSource",
        "targetType": "PRODUCTS",
        "shareable": number % 2 == 0,
        "inclusion": _inclusion(options, number),
        "exclusion": None,
    }


def _inclusion(options: Options, number: int) -> Node:
    kinds = ["CollectionSourceInclusionConditionProductTag"] if by_condition(options, number) else []
    if kinds and number % 2:
        kinds.append("CollectionSourceInclusionConditionUnknown")
    conditions = [
        {"__typename": kind, "id": f"gid://shopify/{kind}/{number * 10 + place}"}
        for place, kind in enumerate(kinds)
    ]
    match = "ALL" if conditions else None
    return {"__typename": "CollectionSourceInclusion", "matchType": match, "conditions": conditions}


def _address(number: int) -> Node:
    return {
        "__typename": "LocationAddress",
        "address1": f"{number} Harbor/Mill Road",
        "address2": None,
        "city": _CITIES[number % 4],
        "province": None,
        "provinceCode": None,
        "zip": f"{20_000 + number}",
        "country": "Germany",
        "countryCode": "DE",
        "phone": None,
    }


def _service(number: int) -> Node:
    return {
        "__typename": "FulfillmentService",
        "id": f"gid://shopify/FulfillmentService/{number}",
        "handle": "far-away",
        "serviceName": "Far Away Ltd",
    }
