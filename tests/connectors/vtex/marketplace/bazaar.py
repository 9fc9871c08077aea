"""A marketplace of a test's own: it answers what it is told, and has a small category tree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from hub.connector import Destination
from hub.errors import HubError
from hub.marketplace import Attribute, Category, Standing
from hub.records import Item, PushResult, Success

TREE = (
    Category(
        id="home",
        name="Home",
        children=(
            Category(
                id="lamps",
                name="Lamps",
                children=(Category(id="desk", name="Desk lamps"),),
                attributes=(Attribute(name="Colour", required=True, values=("Red", "Blue")),),
            ),
        ),
    ),
    Category(id="garden", name="Garden"),
)


class Bazaar(Destination[Any, Any]):
    """``answers`` gives the result of a push by SKU; ``tree`` is its categories, or why they cannot be told."""

    name = "bazaar"
    title = "A bazaar"
    answers: ClassVar[dict[str, PushResult]] = {}
    tree: ClassVar[Sequence[Category] | HubError | None] = TREE

    @property
    def title_for_people(self) -> str:
        return "The Bazaar"

    @property
    def needs_product(self) -> bool:
        return False

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        return [self.answers.get(item.key, Success()) for item in items]

    async def standings(self, skus: Collection[str]) -> Mapping[str, Standing]:
        return {}

    async def listed(self, *, after: str = "", limit: int = 500) -> Mapping[str, Standing]:
        return {}

    async def offers(self, standings: Mapping[str, Standing]) -> Mapping[str, Standing]:
        return standings

    async def categories(self) -> Sequence[Category] | None:
        if isinstance(self.tree, HubError):
            raise self.tree
        return self.tree


#: Any number of others like it, so that tests do not share what they tell it.
MakeBazaar = Callable[[], type[Bazaar]]
