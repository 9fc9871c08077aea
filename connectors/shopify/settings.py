"""What a user writes down of a shop, and what the hub keeps secret of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

#: What a shop is called, matched in full ("facts, OAuth": a pattern without an end lets x.myshopify.com.evil in).
SHOP_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com", re.ASCII)

#: The version of the Admin API that the documents in ``queries`` were validated against.
API_VERSION: Final = "2026-10"

#: What an import reads, in the order in which it is read: what is linked to comes before what links to it.
RESOURCES: Final[Sequence[str]] = ("locations", "collections", "products", "stock", "customers")

#: What each resource needs to be granted; ``write_x`` implies ``read_x``.
SCOPES: Final = {
    "locations": "read_locations",
    "collections": "read_products",
    "products": "read_products",
    "stock": "read_inventory",
    "customers": "read_customers",
}

Resource = Literal["locations", "collections", "products", "stock", "customers"]


def shop_domain(text: str) -> str:
    """The shop's own domain in lower case. Raises ``ValueError`` for anything that is not one."""
    domain = text.strip().lower()
    if not SHOP_DOMAIN.fullmatch(domain):
        raise ValueError("is not the shop's own domain, such as example.myshopify.com")
    return domain


def _origin(text: str) -> str:
    parts = urlsplit(text.strip().rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise ValueError("is scheme and host alone, such as http://127.0.0.1:9400")
    return text.strip().rstrip("/")


def _version(text: str) -> str:
    if not re.fullmatch(r"20[0-9]{2}-(01|04|07|10)", text):
        raise ValueError("is a version of the Admin API, such as 2026-10")
    if text < "2026-07":
        raise ValueError("is before 2026-07; older versions hide collections of the new model")
    return text


class ShopifySettings(BaseModel):
    """Which shop, as which app, and what of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: Annotated[str, AfterValidator(shop_domain)] = Field(
        description="The shop's own domain, such as example.myshopify.com."
    )
    api_version: Annotated[str, AfterValidator(_version)] = Field(
        API_VERSION, description="Version of the Admin API; the queries were validated against 2026-10."
    )
    client_id: str | None = Field(
        None, min_length=1, description="The app's client id; needed to connect in a browser."
    )
    scopes: list[str] = Field(
        default_factory=lambda: sorted(set(SCOPES.values())),
        description="What the merchant is asked to grant.",
    )
    resources: list[Resource] = Field(
        default_factory=lambda: list(RESOURCES),  # type: ignore[arg-type]
        min_length=1,
        description=f"What is imported: some of {', '.join(RESOURCES)}.",
    )
    customers: bool = Field(True, description="False leaves customers out, whatever `resources` says.")
    language: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Language of the shop's texts (BCP 47); the platform tells of none, so `und` by default.",
    )
    quantity: Literal["on_hand", "available"] = Field(
        "on_hand", description="Which quantity is the stock: what is there, or what of it may be sold."
    )
    overlap_seconds: int = Field(
        300, ge=0, le=86_400, description="How far an incremental pass looks back behind the last one."
    )
    full_every_hours: int = Field(
        24, ge=1, le=24 * 365, description="A full pass is made at least this often; it finds what is gone."
    )
    pages_up_to: int | None = Field(
        None,
        ge=0,
        description="Up to this count a resource is read by pages, and beyond it by a bulk operation; by default "
        "whichever takes fewer requests.",
    )
    result_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts that results of bulk operations may come from, beside storage.googleapis.com.",
    )
    endpoint: Annotated[str, AfterValidator(_origin)] | None = Field(
        None, description="Where the shop answers instead of https://SHOP, for a simulator."
    )

    @property
    def origin(self) -> str:
        """Scheme and host of the shop."""
        return self.endpoint or f"https://{self.shop}"

    @property
    def wanted(self) -> Sequence[str]:
        """The resources to read, in order."""
        left_out = set() if self.customers else {"customers"}
        return [name for name in RESOURCES if name in self.resources and name not in left_out]


class ShopifyCredentials(BaseModel):
    """A custom app's fixed token, or what an authorization brought. Valid before any of it is there."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access_token: SecretStr | None = Field(
        None, description="The Admin API access token; of a custom app, or brought by the authorization."
    )
    client_secret: SecretStr | None = Field(
        None, description="The app's client secret; signs callbacks and webhooks."
    )
    refresh_token: SecretStr | None = Field(None, description="Brought by the authorization.")
    access_token_expires_at: datetime | None = Field(None, description="Brought by the authorization.")
    refresh_token_expires_at: datetime | None = Field(None, description="Brought by the authorization.")
    authorised_at: datetime | None = Field(
        None, description="When the owner granted access. Brought by the authorization."
    )
