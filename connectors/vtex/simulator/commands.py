"""What the simulator can be told while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.vtex.simulator import catalog_changes, decisions
from connectors.vtex.simulator.affiliates import SetAffiliate
from connectors.vtex.simulator.auth import SetKey
from connectors.vtex.simulator.callbacks import Checkout
from connectors.vtex.simulator.mapper import Map
from connectors.vtex.simulator.sellers import SetSeller
from hub.records import JSON
from hub.testing.simulator import Command

if TYPE_CHECKING:  # it is what these commands are for, and hands them out
    from connectors.vtex.simulator.platform import VtexSimulator


def commands(simulator: VtexSimulator) -> Mapping[str, Command]:
    """By name."""
    made = decisions.Decisions(simulator.options, simulator.suggestions, simulator.bindings)
    catalog = catalog_changes.CatalogChanges(simulator.catalog, simulator.notifications)
    return {
        "approve": lambda told: made.approve(decisions.Chosen.model_validate(told)),
        "deny": lambda told: made.deny(decisions.Deny.model_validate(told)),
        "delete": lambda told: made.delete(decisions.Chosen.model_validate(told)),
        "status": lambda told: made.word(decisions.Word.model_validate(told)),
        "bind": lambda told: made.bind(decisions.Bind.model_validate(told)),
        "sellers": lambda told: simulator.sellers.set(SetSeller.model_validate(told)),
        "checkout": lambda told: simulator.callbacks.checkout(Checkout.model_validate(told)),
        "change": lambda told: catalog.change(catalog_changes.Change.model_validate(told)),
        "remove": lambda told: catalog.remove(catalog_changes.Addressed.model_validate(told)),
        "notify": lambda told: catalog.notify(catalog_changes.Notify.model_validate(told)),
        "affiliates": lambda told: simulator.affiliates.set(SetAffiliate.model_validate(told)),
        "map": lambda told: simulator.mapper.map(Map.model_validate(told)),
        "poison": lambda told: _poison(simulator, Poison.model_validate(told)),
        "keys": lambda told: simulator.keys.set(SetKey.model_validate(told)),
        "clock": lambda told: _clock(simulator, told),
    }


class Poison(BaseModel):
    """The SKUs that make a simulation fail, from now on; how, unless that stays as it is."""

    model_config = ConfigDict(extra="forbid")

    skus: list[int] = []
    fails: Literal["error", "timeout"] | None = Field(None, alias="as")
    seconds: float | None = Field(None, ge=0)


def _poison(simulator: VtexSimulator, told: Poison) -> JSON:
    simulation = simulator.simulation
    simulation.poison = {str(one) for one in told.skus}
    simulation.poison_as = told.fails or simulation.poison_as
    if told.seconds is not None:
        simulation.poison_seconds = told.seconds
    return {"skus": sorted(told.skus), "as": simulation.poison_as}


def _clock(simulator: VtexSimulator, told: JSON) -> JSON:
    """What is due by the new time happens now."""
    now = simulator.clock.told(told)
    simulator.suggestions.on_clock()
    return now
