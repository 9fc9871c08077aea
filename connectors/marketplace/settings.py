"""What can be set of a marketplace, and with what credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.destinations.auth import AuthCredentials, AuthSettings, HeaderName, further_headers
from connectors.marketplace.deciding import KINDS, OWN, Abilities, Kind
from connectors.marketplace.known import Fact
from connectors.marketplace.routes import (
    Carried,
    CategoriesRoute,
    Lots,
    OffersRoute,
    PlainPath,
    Refresh,
    Route,
    WholeUrl,
)


class MarketplaceSettings(AuthSettings):
    """Settings of the destination ``marketplace``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(
        min_length=1,
        max_length=100,
        description="What people call the marketplace, as in messages to merchants.",
    )
    base_url: WholeUrl = Field(description="Where its API is; the paths below are put behind it.")
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Further headers. They are shown and logged: secrets belong to credentials.",
    )
    idempotency_header: HeaderName = Field(
        "Idempotency-Key", description="The header with the idempotency key of a write; empty sends none."
    )
    rate: float | None = Field(None, gt=0, description="At most so many calls a second, over all workers.")
    burst: int = Field(1, ge=1, description="So many calls at once before rate holds them back.")
    check_path: PlainPath | None = Field(
        None, description="A path that answers GET with 2xx when the credentials are right."
    )
    upsert: Route = Field(description="Makes a product, or changes it, with its whole description.")
    create: Route | None = Field(
        None, description="Makes a product where upsert only changes one that is there; default upsert."
    )
    price: Route | None = Field(None, description="Sets the price; without it, prices go with an upsert.")
    stock: Route | None = Field(None, description="Sets the stock; without it, stock goes with an upsert.")
    block: Route | None = Field(
        None, description="Takes it off sale; without it, what is off sale is deleted, or has no stock."
    )
    unblock: Route | None = Field(None, description="Puts it on sale again; without it, an upsert does that.")
    delete: Route | None = Field(None, description="Takes it away, where it cannot be blocked.")
    lots: Lots | None = Field(None, description="Calls that the marketplace takes in lots.")
    offers: OffersRoute | None = Field(
        None, description="Reads what it really sells for; without it, the hub's own books stand for that."
    )
    categories: CategoriesRoute | None = Field(
        None, description="Reads its category tree; without it, no category has to be mapped."
    )
    refresh: Refresh | None = Field(
        None, description="Renews the access token of auth = bearer when it has ended."
    )

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        return further_headers(headers)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.headers:
            if name.lower() in (self.idempotency_header.lower(), self.auth_name):
                raise ValueError(f"headers: {name} is set by another setting; leave it out")
        if self.refresh is not None and self.auth != "bearer":
            raise ValueError("refresh: renews the token of auth = bearer; set that, or leave it out")
        self._paths_stand()
        return self._can_do_what_is_asked()

    def abilities(self) -> Abilities:
        """What it can be told, and what each call carries."""
        return Abilities(sets={kind: self._sets(kind, route) for kind, route in self.routes().items()})

    def routes(self) -> Mapping[Kind, Route]:
        """Those that are set, by their call."""
        found: Mapping[Kind, Route | None] = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: route for kind, route in found.items() if route is not None}

    def _sets(self, kind: Kind, route: Route) -> frozenset[Fact]:
        own = {OWN[kind]} if kind in OWN else set()
        if route.carries is not None or kind != "upsert":
            return frozenset(own).union(route.carries or ())
        missing: Mapping[Carried, bool] = {
            "price": self.price is None,
            "stock": self.stock is None,
            "active": self.unblock is None and self.block is not None,
        }
        return frozenset(own).union(fact for fact, alone in missing.items() if alone)

    def _paths_stand(self) -> None:
        in_lots = self.lots.takes if self.lots else frozenset()
        named: dict[str, Route] = {str(kind): route for kind, route in self.routes().items()}
        if self.create is not None:
            named["create"] = self.create
        for name, route in named.items():
            if route.path is None and name not in in_lots:
                raise ValueError(f"{name}.path: is needed, as the call does not go in lots")
        makes = self.create or self.upsert
        if makes.path is not None and "{external_id}" in makes.path:
            name = "create" if self.create else "upsert"
            raise ValueError(
                f"{name}.path: a product that is not there yet has no {{external_id}}; use {{sku}}, or set create"
            )
        if missing := sorted(name for name in in_lots if getattr(self, name) is None):
            raise ValueError(
                f"lots.takes: holds {missing[0]}, which has no settings of its own: set {missing[0]}"
            )

    def _can_do_what_is_asked(self) -> Self:
        for name in ("block", "unblock", "delete"):
            route = getattr(self, name)
            if route is not None and not (route.carries or frozenset()) <= {"stock"}:
                raise ValueError(f"{name}.carries: may hold stock alone")
        for name, route in (("price", self.price), ("stock", self.stock)):
            if self.block is None and route is not None and "active" in (route.carries or ()):
                raise ValueError(
                    f"{name}.carries: holds active, and what it took off sale would not come back: set block, or leave active out"
                )
        if not (self.block or self.delete or self.stock):
            raise ValueError("block: set it, or delete or stock: else nothing could ever be taken off sale")
        sets = self.abilities().sets
        told = sets["upsert"].union(sets.get("price", ()), sets.get("stock", ()))
        for fact in ("price", "stock"):
            if fact not in told:
                raise ValueError(f"{fact}: no call tells of it; set the route, or let upsert.carries hold it")
        if self.block and not (self.unblock or "active" in told):
            raise ValueError(
                "unblock: set it, or let upsert.carries hold active: blocked goods could never come back"
            )
        return self


class MarketplaceCredentials(AuthCredentials):
    """Credentials of the destination ``marketplace``; ``auth`` and ``refresh`` say which are needed."""

    client_id: str | None = Field(None, description="For refresh: the application's id.")
    client_secret: SecretStr | None = Field(None, description="For refresh: the application's secret.")
    refresh_token: SecretStr | None = Field(
        None, description="For refresh with a refresh token; renewed where the marketplace hands out another."
    )
    token_expires_at: datetime | None = Field(
        None, description="When token ends, in ISO 8601; kept by the hub, no need to set it."
    )
