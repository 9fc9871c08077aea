"""Affiliates: marketplaces that are told what changes in the account's catalog (specs, marketplace APIs)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.vtex.simulator.errors import Errors
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.web import Answer, Request, Route, as_json
from hub import codec
from hub.records import JSON

_PATH = "/api/fulfillment/pvt/affiliates"
_VERSION = "1.x.x"
#: The fields of the spec, each with the types that it may have.
_FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "salesChannel": (str,),
    "searchURIEndpoint": (str, type(None)),
    "searchURIEndpointVersion": (str,),
    "searchURIEndpointAvailableVersions": (list,),
    "followUpEmail": (str,),
    "useSellerPaymentMethod": (bool,),
    "minimumValueAccumulated": (int, type(None)),
}


class Affiliates:
    """Registered affiliates by id; there is no route that makes one, so a command does."""

    def __init__(self, options: Options, errors: Errors) -> None:
        self._options, self._errors = options, errors
        self._all: dict[str, JSON] = {}
        self.set(SetAffiliate(id=options.affiliate_id, endpoint=options.affiliate_endpoint))

    def all(self) -> list[Route]:
        """Every route."""
        one = f"{_PATH}/{{affiliateId}}"
        return [
            Route(method="GET", path=_PATH, group="affiliates", handler=self.list),
            Route(method="GET", path=one, group="affiliates", handler=self.get),
            Route(method="PUT", path=one, group="affiliates", handler=self.put),
            Route(method="DELETE", path=one, group="affiliates", handler=self.delete),
        ]

    def endpoints(self) -> list[tuple[str, str]]:
        """Id and address of those that are told."""
        channel = str(self._options.sales_channel)
        return [
            (one["id"], one["searchURIEndpoint"])
            for one in self._all.values()
            if one["searchURIEndpoint"] and one["salesChannel"] == channel
        ]

    def shown(self) -> list[JSON]:
        """As the list answers them."""
        return list(self._all.values())

    def list(self, request: Request) -> Answer:
        """All of them."""
        return as_json(self.shown())

    def get(self, request: Request) -> Answer:
        """One."""
        found = self._all.get(request.names[0])
        return as_json(found) if found else self._errors.catalog(404, "Affiliate not found")

    def put(self, request: Request) -> Answer:
        """Change one; what is not sent stays."""
        found = self._all.get(request.names[0])
        if found is None:
            return self._errors.catalog(404, "Affiliate not found")
        try:
            body: Any = codec.loads(request.body)
        except (codec.DecodeError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return self._errors.catalog(400, "The body has to be a JSON object.")
        wrong = [
            name for name, kinds in _FIELDS.items() if name in body and not isinstance(body[name], kinds)
        ]
        if wrong:
            return self._errors.catalog(400, f"The request is invalid: {', '.join(wrong)}")
        found |= {name: body[name] for name in _FIELDS if name in body}
        return Answer(204)

    def delete(self, request: Request) -> Answer:
        """Forget one."""
        gone = self._all.pop(request.names[0], None)
        return Answer(204) if gone else self._errors.catalog(404, "Affiliate not found")

    def set(self, told: SetAffiliate) -> JSON:
        """The command ``affiliates``."""
        self._all[told.id] = {
            "id": told.id,
            "followUpEmail": "",
            "useSellerPaymentMethod": False,
            "name": f"Affiliate {told.id}",
            "salesChannel": told.sales_channel or str(self._options.sales_channel),
            "searchURIEndpoint": told.endpoint or None,
            "searchURIEndpointVersion": _VERSION,
            "searchURIEndpointAvailableVersions": [_VERSION],
            "minimumValueAccumulated": None,
        }
        return {"affiliates": len(self._all)}


class SetAffiliate(BaseModel):
    """An affiliate and where it is told; vowels are not allowed in an id."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern="^[B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z0-9]{3}$")
    endpoint: str = ""
    sales_channel: str | None = None
