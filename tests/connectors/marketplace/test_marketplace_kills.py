"""A process may die at any moment between two calls: what is known of an SKU is never wrong for that."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from connectors.marketplace.destination import MarketplaceDestination
from hub import codec
from hub.marketplace import Listing, Standing
from hub.records import Awaiting, Item, PushResult, Released, Retry
from tests.connectors.marketplace.conftest import Sell
from tests.connectors.marketplace.marketplace_world import LOTS, MarketplaceWorld, listing, offer

SKU: Final = "15"
#: Marketplaces by what is set otherwise.
KINDS: Final[dict[str, dict[str, Any]]] = {
    "blocks": {},
    "deletes": {"without": ["block", "unblock"]},
    "whole products": {"without": ["price", "stock"]},
    "lots": {"lots": {**LOTS, "takes": ["upsert", "price", "stock"]}},
}


class KilledError(BaseException):
    """The process is no more."""


class Death:
    """Comes before or after one of the awaited calls, by its number."""

    def __init__(self, at: int) -> None:
        self.left = at

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def mortal(*given: Any, **named: Any) -> Any:
            self._count()
            found = await call(*given, **named)
            self._count()
            return found

        return mortal

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


async def mortal(world: MarketplaceWorld, at: int) -> MarketplaceDestination:
    """A process's destination that dies at the call ``at``; never for 0."""
    world.hub.runtime = world.hub.make_runtime()
    found: MarketplaceDestination = await world.open()
    death = Death(at)
    for name in ("get", "keep"):
        setattr(found._shelf, name, death.wrap(getattr(found._shelf, name)))
    found._client._request = death.wrap(found._client._request)  # type: ignore[method-assign]
    return found


async def pushed(world: MarketplaceWorld, said: Callable[[], Listing], key: str, deaths: list[int]) -> None:
    """One record until it is settled, by processes that die; it says something else at each attempt, and at last the same."""
    for at in [*deaths, *([0] * 60)]:
        here = await mortal(world, at)
        try:
            if await _settles(here, world, said(), key):
                return
        except KilledError:
            continue
    raise AssertionError("it never settles")


async def _settles(here: MarketplaceDestination, world: MarketplaceWorld, wanted: Listing, key: str) -> bool:
    item = Item(id=1, stream="offers", key=SKU, payload={}, body=wanted.body(), idempotency_key=key)
    [result] = await here.push([item])
    for _ in range(20):
        if not isinstance(result, Awaiting):
            break
        world.simulator.platform.clock.told({"advance": 60})
        waits = Item(id=1, stream="offers", key=SKU, payload={}, idempotency_key=key, handle=_stored(result))
        [result] = await here.follow([waits])
    return not isinstance(result, Retry | Released | Awaiting) and _is_well(result)


def _stored(result: PushResult) -> Any:
    assert isinstance(result, Awaiting)
    return codec.loads(codec.dumps(result.handle))


def _is_well(result: PushResult) -> bool:
    assert type(result).__name__ in {"Success", "Skipped"}, result
    return True


def _some(dice: random.Random) -> Listing:
    if dice.random() < 0.3:
        return listing(SKU, active=False)
    return listing(SKU, offer=offer(dice.choice(("10", "11"))), stock=dice.choice((3, 4)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
async def test_whenever_a_process_dies_the_marketplace_has_what_was_said_last(
    sell: Sell, kind: str, seed: int
) -> None:
    """Prices, stock and activity go back and forth; what the books have for certain is so."""
    dice = random.Random(f"{kind}{seed}")
    world = await sell({**KINDS[kind]}, lot_seconds=1)
    for number in range(6):
        last: list[Listing] = []

        def said(last: list[Listing] = last) -> Listing:
            last.append(_some(dice))
            return last[-1]

        await pushed(world, said, f"key-{number}", [dice.randint(1, 12) for _ in range(dice.randint(0, 6))])
        _assert_holds(world, last[-1], (await (await mortal(world, 0)).standings([SKU])).get(SKU))

    summary = world.simulator.platform.summary()
    assert (summary["doubled"], summary["without_key"]) == (0, 0)


def _assert_holds(world: MarketplaceWorld, wanted: Listing, known: Standing | None) -> None:
    sold = world.offers.get(SKU)
    if not wanted.active:
        assert sold is None or (not sold["active"] and sold["stock"] == 0)
        assert known is None or not known.active
        return
    assert sold is not None
    assert wanted.offer is not None
    assert (sold["active"], sold["price"], sold["stock"]) == (True, wanted.offer.price, wanted.stock)
    assert known is not None
    assert (known.active, known.offer, known.stock) == (True, wanted.offer, wanted.stock)
