"""Who may read what: scopes, and customer data that an app has to be approved for (shopify facts, "Data model")."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from graphql import GraphQLError

_PRODUCTS = ("read_products",)
_INVENTORY = ("read_inventory",)
_CUSTOMERS = ("read_customers",)
_MARKETS = ("read_markets", "write_markets")

#: One of these scopes is needed for every field that gives this type, or a connection of it.
TYPE_SCOPES: Mapping[str, tuple[str, ...]] = {
    "Product": _PRODUCTS,
    "ProductVariant": _PRODUCTS,
    "Collection": _PRODUCTS,
    "Media": ("read_products", "read_files"),
    "InventoryItem": ("read_inventory", "read_products"),
    "InventoryLevel": _INVENTORY,
    "Location": ("read_locations", "read_inventory"),
    "Customer": _CUSTOMERS,
    "Market": _MARKETS,
    "Publication": ("read_publications",),
    "PriceList": _PRODUCTS,
}
#: Fields that need more than their type does.
FIELD_SCOPES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("QueryRoot", "collectionsCount"): _PRODUCTS,
    ("QueryRoot", "customersCount"): _CUSTOMERS,
    ("QueryRoot", "productVariantsCount"): _PRODUCTS,
    ("QueryRoot", "productsCount"): _PRODUCTS,
    ("InventoryItem", "inventoryLevel"): _INVENTORY,
    ("InventoryItem", "inventoryLevels"): _INVENTORY,
    ("InventoryItem", "locationsCount"): _INVENTORY,
    ("Product", "resourcePublicationsV2"): ("read_publications",),
} | {
    ("Location", name): ("read_locations",)
    for name in [
        "activatable",
        "address",
        "createdAt",
        "deactivatable",
        "deactivatedAt",
        "fulfillmentService",
        "fulfillsOnlineOrders",
        "hasActiveInventory",
        "isActive",
        "isFulfillmentService",
        "name",
        "shipsInventory",
        "updatedAt",
    ]
}
#: Protected customer data, by what an app asks to be approved for.
PROTECTED: Mapping[tuple[str, str], str] = {
    ("Customer", "displayName"): "name",
    ("Customer", "firstName"): "name",
    ("Customer", "lastName"): "name",
    ("CustomerEmailAddress", "emailAddress"): "email",
    ("CustomerPhoneNumber", "phoneNumber"): "phone",
    ("MailingAddress", "address1"): "address",
    ("MailingAddress", "address2"): "address",
    ("MailingAddress", "firstName"): "name",
    ("MailingAddress", "formatted"): "address",
    ("MailingAddress", "lastName"): "name",
    ("MailingAddress", "name"): "name",
    ("MailingAddress", "phone"): "phone",
    ("MailingAddress", "zip"): "address",
}


def missing_scopes(owner: str, field: str, returned: str, granted: Collection[str]) -> tuple[str, ...]:
    """The scopes of which one is needed for this field and none is granted."""
    kind = returned.removesuffix("Connection")
    for needed in (FIELD_SCOPES.get((owner, field), ()), TYPE_SCOPES.get(kind, ())):
        if needed and not any(allows(granted, scope) for scope in needed):
            return needed
    return ()


def allows(granted: Collection[str], scope: str) -> bool:
    """A scope to write implies the one to read."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted


def scope_error(field: str, needed: tuple[str, ...]) -> GraphQLError:
    """ACCESS_DENIED for want of a scope."""
    required = f"{' or '.join(f'`{one}`' for one in needed)} access scope."
    return GraphQLError(
        f"Access denied for {field} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )


def protected_error(field: str) -> GraphQLError:
    """ACCESS_DENIED for customer data that the app is not approved for."""
    page = "https://shopify.dev/docs/apps/launch/protected-customer-data"
    return GraphQLError(
        f"This app is not approved to use the {field} field. See {page} for more details.",
        extensions={"code": "ACCESS_DENIED", "documentation": page},
    )
