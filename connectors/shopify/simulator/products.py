"""Products and variants as they are generated: any of them from its number alone."""

from __future__ import annotations

from functools import cache
from typing import Any

from stdnum import ean

from connectors.shopify.simulator.clock import after
from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.ids import ITEM, PRODUCT, VARIANT, VARIANT_STRIDE
from connectors.shopify.simulator.options import Options

Node = dict[str, Any]

_KINDS = ("Jacket", "Mug", "Lamp", "Backpack", "Sneaker", "Notebook", "Blanket", "Kettle")
_MAKERS = ("Nordlicht", "Çelik & Söhne", "Aoki", "Harbor/Mill", "Fjällkraft", "Oliva")
_SIZES = ("XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL")
_COLORS = ("Black", "White", "Red", "Green", "Blue", "Sand", "Grey", "Navy")
#: Of a hundred products so many are of each status; the rest is active.
_STATUSES = (("DRAFT", 8), ("ARCHIVED", 14), ("UNLISTED", 17))
_CATEGORIES = (("aa-1", "Apparel & Accessories > Clothing"), ("hg-3", "Home & Garden > Decor"), None)
#: Seconds between the creation of one product and the next, and how long after it may have been changed.
_APART = 600
_CHANGED_WITHIN = 2_000_000


def base_product(options: Options, number: int) -> Node:
    """A product without what depends on its variants and media."""
    dice = mix(options.seed, number, 1)
    kind, maker = _KINDS[dice % 8], _MAKERS[dice // 8 % 6]
    status, published = _status(dice // 64 % 100), after(number * _APART + 60)
    category = _CATEGORIES[dice // 6400 % 3]
    seo = f"{kind} no. {number}" if number % 4 == 0 else None
    return {
        "__typename": "Product",
        "id": f"gid://shopify/Product/{PRODUCT + number}",
        "legacyResourceId": str(PRODUCT + number),
        "title": f"{maker} {kind} {number}",
        "handle": f"{kind.lower()}-{number}",
        "description": f"A {kind.lower()} by {maker}.",
        "descriptionHtml": f"<p>A <b>{kind.lower()}</b> by {maker}.</p>\n<p>Number {number}.</p>",
        "vendor": maker,
        "productType": kind,
        "category": None
        if category is None
        else {
            "__typename": "TaxonomyCategory",
            "id": f"gid://shopify/TaxonomyCategory/{category[0]}",
            "fullName": category[1],
        },
        "tags": [f"group-{number % max(options.collections, 1)}", kind.lower()],
        "status": status,
        "isGiftCard": dice // 19200 % 97 == 0,
        "onlineStoreUrl": None,
        "templateSuffix": None,
        "seo": {"__typename": "SEO", "title": seo, "description": None},
        "createdAt": after(number * _APART),
        "updatedAt": product_time(options, number),
        "publishedAt": published if status == "ACTIVE" else None,
    }


def product_time(options: Options, number: int) -> str:
    """When a generated product was last changed; cheap, so that a whole shop can be sorted by it."""
    return after(number * _APART + 120 + mix(options.seed, number, 2) % _CHANGED_WITHIN)


def variant_count(options: Options, number: int) -> int:
    """Variants that a generated product has."""
    if number == 1 and options.largest:
        return options.largest
    if options.simple_every and number % options.simple_every == 0:
        return 1
    return options.variants


def variant_number(product: int, position: int) -> int:
    """The number of a variant, and of its inventory item."""
    return product * VARIANT_STRIDE + position


def base_variant(options: Options, product: int, position: int, count: int) -> Node:
    """A variant of a product that was generated with ``count`` of them; without stock."""
    number = variant_number(product, position)
    dice = mix(options.seed, number, 3)
    cents = 500 + dice % 20_000
    values = [names[at] for names, at in zip(axes(count), _at(count, position - 1), strict=True)]
    return {
        "__typename": "ProductVariant",
        "id": f"gid://shopify/ProductVariant/{VARIANT + number}",
        "legacyResourceId": str(VARIANT + number),
        "title": " / ".join(values),
        "sku": variant_sku(options, product, position),
        "barcode": _barcode(number) if dice // 5 % 3 else None,
        "position": position,
        "price": f"{cents // 100}.{cents % 100:02d}",
        "compareAtPrice": f"{cents // 100 + 10}.{cents % 100:02d}" if dice // 7 % 4 == 0 else None,
        "taxable": dice // 11 % 10 != 0,
        "availableForSale": True,
        "inventoryPolicy": "CONTINUE" if dice // 13 % 8 == 0 else "DENY",
        "selectedOptions": [
            {
                "__typename": "SelectedOption",
                "name": name,
                "value": value,
                "optionValue": _option_value(product, place, value),
            }
            for place, (name, value) in enumerate(zip(axis_names(count), values, strict=True))
        ],
        "createdAt": after(product * _APART),
        "updatedAt": product_time(options, product),
    }


def _barcode(number: int) -> str:
    digits = f"{400_000_000_000 + number}"
    return digits + ean.calc_check_digit(digits)


def variant_sku(options: Options, product: int, position: int) -> str | None:
    """The SKU of a generated variant, which its inventory item shares; some have none."""
    bare = mix(options.seed, variant_number(product, position), 3) // 3 % 41 == 0
    return None if bare else f"SKU-{product}-{position}"


def base_item(options: Options, product: int, position: int) -> Node:
    """The inventory item of a variant."""
    number = variant_number(product, position)
    dice = mix(options.seed, number, 4)
    cents = 200 + dice % 9000
    cost = {"__typename": "MoneyV2", "amount": _amount(cents), "currencyCode": options.currency}
    return {
        "__typename": "InventoryItem",
        "id": f"gid://shopify/InventoryItem/{ITEM + number}",
        "legacyResourceId": str(ITEM + number),
        "sku": variant_sku(options, product, position),
        "tracked": dice // 3 % 12 != 0,
        "requiresShipping": dice // 5 % 20 != 0,
        "countryCodeOfOrigin": ("DE", "TR", "PT", None)[dice // 7 % 4],
        "provinceCodeOfOrigin": None,
        "harmonizedSystemCode": "610910" if dice // 11 % 3 == 0 else None,
        "unitCost": cost if dice // 13 % 5 else None,
        "measurement": {
            "__typename": "InventoryItemMeasurement",
            "id": f"gid://shopify/InventoryItemMeasurement/{ITEM + number}",
            "weight": {"__typename": "Weight", "unit": "KILOGRAMS", "value": dice // 17 % 40 / 8},
        },
        "createdAt": after(product * _APART),
        "updatedAt": product_time(options, product),
    }


def product_options(product: int, count: int) -> list[Node]:
    """Options of a product with ``count`` variants; one named Title where it has the default variant alone."""
    return [
        {
            "__typename": "ProductOption",
            "id": f"gid://shopify/ProductOption/{PRODUCT + product * 4 + place}",
            "name": name,
            "position": place + 1,
            "values": list(values),
            "optionValues": [_option_value(product, place, value) for value in values],
        }
        for place, (name, values) in enumerate(zip(axis_names(count), axes(count), strict=True))
    ]


@cache
def axes(count: int) -> tuple[tuple[str, ...], ...]:
    """Values of each option, whose combinations are enough for ``count`` variants."""
    if count == 1:
        return (("Default Title",),)
    if count <= len(_SIZES):
        return (_SIZES[:count],)
    if count <= len(_SIZES) * len(_COLORS):
        return _COLORS[: -(-count // len(_SIZES))], _SIZES
    many = -(-count // (len(_SIZES) * len(_COLORS)))
    return tuple(f"Style {one}" for one in range(1, many + 1)), _COLORS, _SIZES


@cache
def axis_names(count: int) -> tuple[str, ...]:
    """Names of the options."""
    if count == 1:
        return ("Title",)
    return ("Style", "Color", "Size")[-len(axes(count)) :]


@cache
def _at(count: int, place: int) -> tuple[int, ...]:
    at: list[int] = []
    for values in reversed(axes(count)):
        place, one = divmod(place, len(values))
        at.append(one)
    return tuple(reversed(at))


def _option_value(product: int, place: int, value: str) -> Node:
    number = (product * 4 + place) * 1000 + _place_of(value)
    return {
        "__typename": "ProductOptionValue",
        "id": f"gid://shopify/ProductOptionValue/{number}",
        "name": value,
    }


@cache
def _place_of(value: str) -> int:
    for names in (_SIZES, _COLORS):
        if value in names:
            return names.index(value)
    return int(value.rpartition(" ")[2]) if value.startswith("Style ") else 0


def _status(percent: int) -> str:
    return next((status for status, below in _STATUSES if percent < below), "ACTIVE")


def _amount(cents: int) -> str:
    """As the platform writes the amount of a MoneyV2: at least one digit after the point, no zero after that."""
    return f"{cents // 100}.{cents % 100:02d}".removesuffix("0")
