"""What the simulated marketplace can be told besides what every simulator knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from connectors.marketplace.simulator.goods import Goods, UnknownError
from connectors.marketplace.simulator.lots import LotBooks
from connectors.marketplace.simulator.tokens import Tokens
from connectors.vtex.simulator.clock import Clock
from hub import codec
from hub.records import JSON
from hub.testing.simulator import Command


class Told(Protocol):
    """The parts that are told something."""

    goods: Goods
    lots: LotBooks
    tokens: Tokens
    clock: Clock


def commands(platform: Told) -> Mapping[str, Command]:
    """By name; see ``docs/connectors/marketplace-simulator.md``."""
    return {
        "expire": lambda arguments: _expire(platform, Expire.model_validate(arguments)),
        "put": lambda arguments: _put(platform, Put.model_validate(arguments)),
        "remove": lambda arguments: _remove(platform, Remove.model_validate(arguments)),
        "lose": lambda arguments: _lose(platform, Nothing.model_validate(arguments)),
        "clock": platform.clock.told,
    }


class Nothing(BaseModel):
    """For commands without arguments."""

    model_config = ConfigDict(extra="forbid")


class Expire(BaseModel):
    """All access tokens end; ``revoke``: and nobody gets another one."""

    model_config = ConfigDict(extra="forbid")

    revoke: bool = False


class Put(BaseModel):
    """What an offer is changed to behind everybody's back; amounts as texts."""

    model_config = ConfigDict(extra="forbid")

    sku: str
    price: str | None = None
    stock: int | None = None
    active: bool | None = None


class Remove(BaseModel):
    """An offer that is taken away behind everybody's back."""

    model_config = ConfigDict(extra="forbid")

    sku: str


def _expire(platform: Told, told: Expire) -> JSON:
    if told.revoke:
        platform.tokens.revoke()
        return {"expired": 0}
    return {"expired": platform.tokens.expire()}


def _lose(platform: Told, _told: Nothing) -> JSON:
    return {"lots": platform.lots.lose()}


def _put(platform: Told, told: Put) -> JSON:
    changed = told.model_dump(exclude={"sku"}, exclude_unset=True)
    if "price" in changed:
        changed["price"] = codec.loads(told.price or "0")
    try:
        return platform.goods.put(told.sku, changed).shown()
    except UnknownError:
        raise ValueError(f"{told.sku} is not sold here") from None


def _remove(platform: Told, told: Remove) -> JSON:
    try:
        platform.goods.remove(told.sku)
    except UnknownError:
        raise ValueError(f"{told.sku} is not sold here") from None
    return {}
