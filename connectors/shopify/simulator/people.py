"""Customers as they are generated."""

from __future__ import annotations

from typing import Any

from connectors.shopify.simulator.clock import after
from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.ids import CUSTOMER
from connectors.shopify.simulator.options import Options

Node = dict[str, Any]

_FIRST = ("Ada", "Jürgen", "Noor", "Siobhán", "Kenji", "Lucía", None)
_LAST = ("Okafor", "Müller", "O'Neil", "Sato", "Ångström", "da Silva")
_APART = 900
_CHANGED_WITHIN = 2_000_000


def base_customer(options: Options, number: int) -> Node:
    """A customer without the addresses."""
    dice = mix(options.seed, number, 6)
    first, last = _FIRST[dice % 7], _LAST[dice // 7 % 6]
    email = f"customer{number}@example.com" if dice // 42 % 20 else None
    addresses = customer_addresses(options, number)
    return {
        "__typename": "Customer",
        "id": f"gid://shopify/Customer/{CUSTOMER + number}",
        "legacyResourceId": str(CUSTOMER + number),
        "firstName": first,
        "lastName": last,
        "displayName": f"{first} {last}" if first else last,
        "defaultEmailAddress": _email(email, dice),
        "defaultPhoneNumber": _phone(number, dice) if dice // 840 % 3 == 0 else None,
        "defaultAddress": addresses[0] if addresses else None,
        "dataSaleOptOut": False,
        "locale": ("en", "de", "fr-CA")[dice // 2520 % 3],
        "note": "Prefers mail" if dice // 7560 % 9 == 0 else None,
        "tags": ["vip"] if dice // 68_040 % 10 == 0 else [],
        "state": ("ENABLED", "DISABLED", "INVITED", "DISABLED")[dice // 680_400 % 4],
        "verifiedEmail": email is not None,
        "taxExempt": dice // 2_721_600 % 15 == 0,
        "numberOfOrders": str(dice // 3 % 12),
        "amountSpent": {
            "__typename": "MoneyV2",
            "amount": f"{dice // 5 % 900}.0",
            "currencyCode": options.currency,
        },
        "createdAt": after(number * _APART),
        "updatedAt": customer_time(options, number),
    }


def customer_time(options: Options, number: int) -> str:
    """When a generated customer was last changed."""
    return after(number * _APART + 120 + mix(options.seed, number, 7) % _CHANGED_WITHIN)


def customer_addresses(options: Options, number: int) -> list[Node]:
    """None, one or two of them."""
    dice = mix(options.seed, number, 6)
    return [_address(number, place, dice) for place in range(dice // 11 % 3)]


def _address(number: int, place: int, dice: int) -> Node:
    first, last = _FIRST[dice % 7], _LAST[dice // 7 % 6]
    name = f"{first} {last}" if first else last
    street, city = f"{dice // 13 % 200 + 1} Mill/Harbor Street", "Hamburg"
    return {
        "__typename": "MailingAddress",
        "id": f"gid://shopify/MailingAddress/{CUSTOMER + number * 10 + place}?model_name=CustomerAddress",
        "firstName": first,
        "lastName": last,
        "name": name,
        "company": "Åland Trading" if place else None,
        "address1": street,
        "address2": None,
        "city": city,
        "province": None,
        "provinceCode": None,
        "country": "Germany",
        "countryCodeV2": "DE",
        "zip": f"2{dice // 17 % 10_000:04d}",
        "phone": None,
        "formatted": [name, street, city, "Germany"],
    }


def _email(address: str | None, dice: int) -> Node | None:
    if address is None:
        return None
    subscribed = dice // 19 % 2 == 0
    return {
        "__typename": "CustomerEmailAddress",
        "emailAddress": address,
        "marketingState": "SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN" if subscribed else None,
        "marketingUpdatedAt": after(dice % _CHANGED_WITHIN) if subscribed else None,
    }


def _phone(number: int, dice: int) -> Node:
    return {
        "__typename": "CustomerPhoneNumber",
        "phoneNumber": f"+4940{number:07d}",
        "smsMarketingConsent": {
            "__typename": "CustomerSmsMarketingConsent",
            "state": "NEVER_SUBSCRIBED",
            "optInLevel": "SINGLE_OPT_IN" if dice % 2 else None,
            "updatedAt": None,
        },
    }
