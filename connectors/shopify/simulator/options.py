"""What the simulated shop is made of, and how the platform treats the app that calls it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub.testing.faults import Faults

#: The most variants that one product can have (shopify facts, "Data model").
MAX_VARIANTS = 2048

#: What an import asks for, and what the shop grants unless told otherwise.
IMPORT_SCOPES = "read_products,read_inventory,read_locations,read_customers,read_publications,read_markets"


class Options(Faults):
    """What the simulator holds at its start; the fields of ``Faults`` say what goes wrong."""

    shop: str = Field("simulated.myshopify.com", description="The shop's domain, as the platform names it.")
    products: int = Field(50, ge=0, description="Products of the shop.")
    variants: int = Field(2, ge=1, le=MAX_VARIANTS, description="Variants of each product.")
    simple_every: int = Field(
        5, ge=0, description="Every so many products has the default variant alone; 0 for none."
    )
    largest: int = Field(
        0, ge=0, le=MAX_VARIANTS, description="Variants of the first product; 0 for as many as the others."
    )
    media: int = Field(2, ge=0, description="Media of each product, of all kinds and statuses.")
    metafields: int = Field(1, ge=0, description="Metafields of each product.")
    collections: int = Field(6, ge=0, description="Collections, manual, by condition and of collections.")
    locations: int = Field(3, ge=1, description="Locations; the last of four or more is inactive.")
    stocked: int = Field(0, ge=0, description="Locations that stock each item; 0 for all of them.")
    customers: int = Field(20, ge=0, description="Customers.")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="The shop's currency.")
    seed: int = Field(0, description="Of everything that is generated.")

    access_token: str = Field(
        "shpat_simulator", description="A token that never expires, as a custom app has; empty for none."
    )
    client_id: str = Field("simulator-client", description="The app's client id.")
    client_secret: str = Field(
        "simulator-secret", description="The app's secret; it signs callbacks and webhooks."
    )
    granted: str = Field(
        IMPORT_SCOPES,
        description="Scopes that the merchant grants, by comma; others that are asked for are left out.",
    )
    expires_in: int = Field(3600, ge=1, description="Seconds that an expiring access token lives.")
    refresh_expires_in: int = Field(7_776_000, ge=1, description="Seconds that a refresh token lives.")
    code_seconds: int = Field(60, ge=1, description="Seconds that an authorization code lives.")
    redirect_uri: str = Field("", description="The one redirect URI that is allowed; empty for any.")
    approve: Literal["at_once", "ask"] = Field(
        "at_once", description="The screen of the merchant approves by itself, or waits for ?approve=1 or 0."
    )

    bucket: int = Field(2000, ge=1, description="Points that the bucket of an app holds.")
    restore: int = Field(100, ge=1, description="Points that come back each second.")
    throttled_status: Literal["200", "429"] = Field(
        "200", description="The status of an answer THROTTLED: the platform is known to use both."
    )
    protected: str = Field(
        "",
        description="Protected customer data that the app may not see, by comma: name, email, phone, address.",
    )

    bulk_seconds: float = Field(0, ge=0, description="A bulk operation takes this long at least.")
    bulk_chunk: int = Field(
        100, ge=1, description="Parents that a bulk result writes before the children of the first of them."
    )
    bulk_result_seconds: int = Field(
        604_800, ge=1, description="Seconds that the address of a result is good for."
    )
    bulk_limit: int = Field(5, ge=1, description="Bulk queries of one app that may be under way at once.")

    result_host: str = Field(
        "", description="Host name in the address of a result; empty for the one that the API was asked at."
    )

    webhook_url: str = Field(
        "",
        description="Where webhooks of every topic go to, as an app's own configuration has it; empty for none.",
    )
    webhook_retries: int = Field(
        8, ge=0, description="Times that a webhook is sent again before it is given up."
    )
    webhook_retry_seconds: float = Field(
        0.2, ge=0, description="Pause before the first of those; it doubles each time."
    )
