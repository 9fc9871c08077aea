"""What an operator of the marketplace does: approve, deny and delete suggestions, bind SKUs, give a state another word."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.vtex.simulator.bindings import Bindings
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.suggestion import Suggestion
from connectors.vtex.simulator.suggestions import Suggestions
from hub.records import JSON


class Chosen(BaseModel):
    """SKUs of a seller (the one of the options unless named); none for all that are pending."""

    model_config = ConfigDict(extra="forbid")

    seller_id: str | None = None
    skus: list[str] = []


class Deny(Chosen):
    """With the reason that the seller is told."""

    reason: str = "Denied by the operator"


class Word(Chosen):
    """Answers spell the state of these so, whatever it is; null takes it back."""

    status: str | None


class Bind(Chosen):
    """SKUs that the marketplace has from the start, or has no longer."""

    skus: list[str] = Field(min_length=1)
    removed: bool = False


class Decisions:
    """The commands that concern suggestions and bindings."""

    def __init__(self, options: Options, suggestions: Suggestions, bindings: Bindings) -> None:
        self._options, self._suggestions, self._bindings = options, suggestions, bindings

    def approve(self, told: Chosen) -> JSON:
        """The command ``approve``."""
        chosen = self._chosen(told)
        for one in chosen:
            self._suggestions.decide(one, "approved")
        return _named(chosen)

    def deny(self, told: Deny) -> JSON:
        """The command ``deny``."""
        chosen = self._chosen(told)
        for one in chosen:
            self._suggestions.decide(one, "denied", told.reason)
        return _named(chosen)

    def delete(self, told: Chosen) -> JSON:
        """The command ``delete``."""
        chosen = self._chosen(told)
        for one in chosen:
            self._suggestions.delete(one.key)
        return _named(chosen)

    def word(self, told: Word) -> JSON:
        """The command ``status``."""
        chosen = self._chosen(told)
        for one in chosen:
            one.word = told.status
        return _named(chosen)

    def bind(self, told: Bind) -> JSON:
        """The command ``bind``."""
        seller = told.seller_id or self._options.seller_id
        if told.removed:
            return {"unbound": sum(self._bindings.unbind((seller, sku)) for sku in told.skus)}
        numbers = {sku: self._bindings.bind((seller, sku), {}).number for sku in told.skus}
        return {"bound": numbers}

    def _chosen(self, told: Chosen) -> list[Suggestion]:
        """Raises ``ValueError`` for a SKU without suggestion."""
        seller = told.seller_id or self._options.seller_id
        if not told.skus:
            return [one for one in self._suggestions.all() if one.key[0] == seller and one.state == "pending"]
        chosen = []
        for sku in dict.fromkeys(told.skus):
            found = self._suggestions.get((seller, sku))
            if found is None:
                raise ValueError(f"skus: {seller} has no suggestion of {sku}")
            chosen.append(found)
        return chosen


def _named(chosen: list[Suggestion]) -> JSON:
    return {"skus": [one.key[1] for one in chosen]}
