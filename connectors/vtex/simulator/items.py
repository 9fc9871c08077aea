"""The account's own catalog: generated SKU by SKU when it is first looked at, and changed by commands."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.vtex.simulator.dice import hits, roll
from connectors.vtex.simulator.options import Options

#: Numbers begin here, so that none of one kind is one of another.
FIRST_PRODUCT, FIRST_SKU = 1_000_001, 2_000_001
FIRST_DEPARTMENT, FIRST_CATEGORY, FIRST_BRAND = 10, 100, 2_000_000

#: Categories of one department.
_PER_DEPARTMENT = 3

_DEPARTMENTS = ("Home", "Garden", "Fashion", "Sports", "Toys", "Tools")
_CATEGORIES = ("Lamps", "Chairs", "Shirts", "Shoes", "Puzzles", "Drills", "Vases", "Rugs")
_BRANDS = ("Aurora", "Bellwether", "Corvid", "Dovetail", "Ember", "Fathom", "Gannet", "Halcyon")
_THINGS = ("Lamp", "Chair", "Shirt", "Shoe", "Puzzle", "Drill", "Vase", "Rug")
_KINDS = ("Small", "Large", "Blue", "Red", "Oak", "Steel", "Wool", "Glass")


@dataclass(slots=True)
class Product:
    """A product of the account."""

    id: int
    name: str
    description: str
    brand: int
    category: int
    active: bool
    modified: int = 0


@dataclass(slots=True)
class Offer:
    """Price and stock; the price in cents, None for no price."""

    price: int | None
    list_price: int | None
    stock: int


@dataclass(slots=True)
class Sku:
    """A SKU of the account."""

    id: int
    product: Product
    name: str
    ean: str
    active: bool
    assigned: bool
    franchise: bool
    images: int
    weight: int
    offer: Offer
    #: What a simulation still says, until when (vtex facts, "Simulation").
    stale: tuple[float, Offer] | None = field(default=None)


def category_names(options: Options) -> dict[int, tuple[int, str, str]]:
    """Category id to department id, department and category."""
    named = {}
    for place in range(options.categories):
        department = place // _PER_DEPARTMENT
        named[FIRST_CATEGORY + place] = (
            FIRST_DEPARTMENT + department,
            _name(_DEPARTMENTS, department),
            _name(_CATEGORIES, place),
        )
    return named


def brand_names(options: Options) -> dict[int, str]:
    """Brand id to name."""
    return {FIRST_BRAND + place: _name(_BRANDS, place) for place in range(options.brands)}


def make_product(options: Options, number: int) -> Product:
    """The product of that id, the same each time."""
    place, seed = number - FIRST_PRODUCT, options.seed
    name = f"{_pick(_KINDS, seed, place, 1)} {_pick(_THINGS, seed, place, 2)} {place + 1}"
    described = not hits(options.no_description, seed, place, 3)
    return Product(
        id=number,
        name=name,
        description=f"<p>{name}, made to <b>last</b>.</p>" if described else "",
        brand=FIRST_BRAND + roll(seed, place, 4) % options.brands,
        category=FIRST_CATEGORY + roll(seed, place, 5) % options.categories,
        active=not hits(options.inactive_products, seed, place, 6),
    )


def make_sku(options: Options, number: int, product: Product) -> Sku:
    """The SKU of that id, the same each time."""
    place, seed = number - FIRST_SKU, options.seed
    price = 1_000 + roll(seed, place, 11) % 90_000
    raised = roll(seed, place, 12) % 3 == 0
    priced = not hits(options.no_price, seed, place, 13)
    return Sku(
        id=number,
        product=product,
        name=f"Variant {place % options.skus_per_product + 1}",
        ean=_ean(options, place),
        active=not hits(options.inactive, seed, place, 14),
        assigned=not hits(options.unassigned, seed, place, 15),
        franchise=hits(options.franchise, seed, place, 16),
        images=0 if hits(options.no_images, seed, place, 17) else options.images,
        weight=100 + roll(seed, place, 18) % 5_000,
        offer=Offer(
            price=price if priced else None,
            list_price=(price * 6 // 5 if raised else price) if priced else None,
            stock=0 if hits(options.no_stock, seed, place, 19) else 1 + roll(seed, place, 20) % 500,
        ),
    )


def _ean(options: Options, place: int) -> str:
    if hits(options.no_ean, options.seed, place, 21):
        return ""
    digits = f"789{place:09d}"
    weighted = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    wrong = hits(options.invalid_ean, options.seed, place, 22)
    return f"{digits}{(-weighted + wrong) % 10}"


def _pick(words: tuple[str, ...], seed: int, place: int, salt: int) -> str:
    return words[roll(seed, place, salt) % len(words)]


def _name(words: tuple[str, ...], place: int) -> str:
    """Each word once, and then numbered."""
    again, word = divmod(place, len(words))
    return f"{words[word]} {again + 1}" if again else words[word]
