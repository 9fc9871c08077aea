"""The sellers that offer to the account, and where each of them answers for prices and stock."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from connectors.vtex.simulator.options import FulfillmentUrl, Options
from hub.records import JSON


class Sellers:
    """Registered sellers by id."""

    def __init__(self, options: Options) -> None:
        self._endpoints: dict[str, str] = {}
        self.set(SetSeller(seller_id=options.seller_id, endpoint=options.seller_endpoint))

    def knows(self, seller: str) -> bool:
        """Whether it is registered."""
        return seller in self._endpoints

    def endpoint(self, seller: str) -> str:
        """Without a slash at its end; empty when there is none."""
        return self._endpoints.get(seller, "")

    def set(self, told: SetSeller) -> JSON:
        """The command ``sellers``."""
        if told.removed:
            self._endpoints.pop(told.seller_id, None)
        else:
            self._endpoints[told.seller_id] = told.endpoint
        return {"sellers": self.shown()}

    def shown(self) -> JSON:
        """Their endpoints."""
        return dict(self._endpoints)


class SetSeller(BaseModel):
    """A seller with its fulfillment endpoint, or one that is ``removed``."""

    model_config = ConfigDict(extra="forbid")

    seller_id: str
    endpoint: FulfillmentUrl = ""
    removed: bool = False
