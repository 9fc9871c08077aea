"""What a user writes down of one VTEX account and sales channel whose goods a marketplace is to sell."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.vtex.access import ENVIRONMENT, Account, Endpoint, Environment, PathSecret, VtexCredentials
from connectors.vtex.marketplace.rules import Rules
from hub import money

#: Three characters, no vowels (VTEX facts, "Affiliates").
_AFFILIATE = re.compile(r"[B-DF-HJ-NP-TV-Z]{3}", re.ASCII)


def _affiliate(text: str) -> str:
    name = text.strip().upper()
    if not _AFFILIATE.fullmatch(name):
        raise ValueError("is no affiliate's id: three consonants, as VTEX's admin shows them, such as HBB")
    return name


def _currency(text: str) -> str:
    code = text.strip().upper()
    money.digits(code)
    return code


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write one like America/Sao_Paulo or UTC") from None
    return text


class VtexMarketplaceSettings(BaseModel):
    """``[settings]`` of a connection of ``vtex-marketplace``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Account = Field(description="The account whose goods are sold: what stands before .myvtex.com.")
    environment: Environment = Field(ENVIRONMENT, description="VTEX publishes one; leave it as it is.")
    endpoint: Endpoint | None = Field(None, description="Instead of VTEX's own hosts: a simulator, a proxy.")
    sales_channel: int = Field(ge=1, le=2**31 - 1, description="The trade policy that the marketplace sells.")
    affiliate_id: Annotated[str, AfterValidator(_affiliate)] | None = Field(
        None, description="The affiliate's id; notifications that name another one are refused."
    )
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        description="Code (ISO 4217) of the sales channel's currency; simulations do not name it."
    )
    rules: Rules = Field(
        default_factory=Rules,
        description="What the marketplace wants of a product, and defaults for what is missing.",
    )
    selling: bool = Field(
        True,
        description="false switches the integration off: everything is blocked or deleted at the marketplace.",
    )
    page_size: int = Field(1000, ge=1, le=1000, description="SKUs that are listed in one request.")
    simulation_size: int = Field(50, ge=1, le=200, description="SKUs in one simulation.")
    simulation_route: Literal["fulfillment", "checkout"] = Field(
        "fulfillment", description="checkout is public and says nothing of how much stock there is."
    )
    send_nulls: bool = Field(
        False, description="Send fields without a value as null instead of leaving them out."
    )
    recheck_seconds: float | None = Field(
        300,
        ge=1,
        description="A price or stock that changed is read once more after this, as VTEX's caches may be behind; "
        "null for never.",
    )
    check_hours: float | None = Field(
        12,
        ge=0.01,
        description="Prices and stock of everything that is sold are compared this often; null for never.",
    )
    mapper: bool = Field(
        False, description="Register with VTEX Mapper and send it the marketplace's category tree."
    )
    mapper_url: str | None = Field(
        None, description="Where merchants map categories; named in what they are told of an unmapped one."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Days of the logs are days there."
    )
    requests_per_second: float | None = Field(
        None,
        gt=0,
        description="Requests to each group of routes a second; null finds out what the account may have.",
    )


class VtexMarketplaceCredentials(VtexCredentials):
    """``[credentials]`` of a connection of ``vtex-marketplace``."""

    endpoint_secret: PathSecret | None = Field(
        None,
        description="Optional: 16 to 200 letters, digits, - or _. Stands in the address of notifications, logs and mapping, which nothing else protects.",
    )
