"""What the simulated account is made of, and how it treats those who call it and those whom it calls."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from connectors.vtex.access import Account
from connectors.vtex.simulator.errors import Shape
from hub.testing.faults import Faults

Spelling = Literal["real", "version", "guide", "oldest", "strings", "lower", "myvtex", "no_product", "mixed"]
Share = Annotated[float, Field(ge=0, le=1)]

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\s*:[ -~]*", re.ASCII)


def _fulfillment_url(url: str) -> str:
    """As VTEX asks for (vtex facts, "Fulfillment simulation")."""
    if url and ("/api" not in url or not url.startswith(("http://", "https://"))):
        raise ValueError("a fulfillment endpoint begins with http and contains /api")
    return url.rstrip("/")


def _header(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise ValueError("write a header as NAME: VALUE, in one line of ASCII")
    return text


FulfillmentUrl = Annotated[str, AfterValidator(_fulfillment_url)]


class _Account(Faults):
    account: Account = Field("simulated", description="The account's name.")
    app_key: str = Field("vtexappkey-simulated", description="An application key with every permission.")
    app_token: str = Field("simulator-token", description="The token of that key.")
    require_headers: bool = Field(
        False,
        description="Requests without Accept and Content-Type of JSON are refused with 400, as the specs have it.",
    )
    error_shape: Shape = Field(
        "text", description="What Catalog says in an error: text, a JSON string or nothing."
    )
    seed: int = Field(0, description="Of everything that is generated.")


class _Limits(Faults):
    rate: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Requests a second of each group of routes; none for no limit.",
    )
    burst: int = Field(1, ge=1, description="Requests that may be saved up.")
    limit: list[str] = Field(
        [], description="A limit of one group, as GROUP=RATE/BURST; for the group it replaces the common one."
    )
    limit_scope: Literal["group", "account"] = Field(
        "group", description="Whether each group has a bucket of its own, or all of them share one."
    )
    retry_after_form: Literal["seconds", "date", "none"] = Field(
        "seconds", description="How a limit's 429 says when to come again."
    )
    limit_headers: Literal["none", "x-ratelimit", "ratelimit"] = Field(
        "none",
        description="X-RateLimit-* with a time to reset at, Ratelimit-* with seconds until then, or neither.",
    )


class _Marketplace(Faults):
    seller_id: str = Field("seller", description="A registered seller.")
    seller_endpoint: FulfillmentUrl = Field(
        "", description="Its fulfillment endpoint, which contains /api; empty for none."
    )
    changenotification_status: Literal["204", "200"] = Field(
        "204", description="What Catalog answers for a SKU that it knows; the docs have both."
    )
    not_found: Literal["text", "json", "empty", "html", "other"] = Field(
        "text",
        description="The body of the 404 for an unknown SKU: the documented text, also as JSON, nothing, HTML or another text.",
    )
    approve: Literal["auto", "manual", "score"] = Field(
        "auto",
        description="Who decides on suggestions: the account at once, an operator, or the matcher's score.",
    )
    approve_after: float = Field(0, ge=0, description="Seconds that a suggestion is pending at least.")
    score: int | None = Field(
        None,
        ge=0,
        le=100,
        description="The score of every suggestion; none for one of its own: 80 approves, 30 denies.",
    )
    deny: list[str] = Field(
        [], description="TEXT or TEXT=REASON: suggestions whose names contain the text are denied."
    )
    statuses: str = Field(
        "Pending,Approved,Denied",
        description="The words for pending, approved and denied, as answers spell them.",
    )
    suggestion_keys: Literal["pascal", "camel"] = Field(
        "pascal", description="How the fields of an answer begin."
    )
    approved: Literal["gone", "kept"] = Field(
        "gone", description="Whether an approved suggestion ceases to exist."
    )
    late_update: Literal["refuse", "ignore"] = Field(
        "refuse",
        description="An update of a decided suggestion is refused, or answered 200 without an effect.",
    )
    unknown_names: Literal["accept", "refuse", "deny"] = Field(
        "accept", description="Suggestions with a brand or category that the account does not have."
    )
    known_brand: list[str] = Field([], description="A brand of the account, besides the generated ones.")
    known_category: list[str] = Field([], description="A category path of it, besides the generated ones.")
    ean_text_lost: bool = Field(
        False, description="An EAN that is text, and no list of texts, is lost on approval."
    )
    whole_dimensions: bool = Field(
        False, description="Dimensions with a fraction are refused, as the schema has it."
    )
    unstable_order: bool = Field(False, description="Each page of the suggestions is cut from another order.")
    callback_concurrency: int = Field(16, ge=1, description="Calls to sellers that are on their way at once.")
    callback_timeout: float = Field(
        2.5, gt=0, description="Seconds after which a seller's SKU is unavailable."
    )
    callback_delay: float = Field(
        0, ge=0, description="Seconds from a notification to the call that it causes."
    )
    callback_header: list[Annotated[str, AfterValidator(_header)]] = Field(
        [], description="NAME: VALUE, sent with every call to a seller."
    )


class _Seller(Faults):
    skus: int = Field(50, ge=0, description="SKUs of the account's own catalog.")
    skus_per_product: int = Field(2, ge=1, description="SKUs of each product.")
    sales_channel: int = Field(1, ge=1, description="The sales channel that they are sold in.")
    brands: int = Field(5, ge=1, description="Brands.")
    categories: int = Field(6, ge=1, description="Categories, three to a department.")
    images: int = Field(2, ge=0, description="Images of each SKU.")
    specifications: int = Field(2, ge=0, description="Specifications of each SKU and each product.")
    inactive: Share = Field(0, description="Share of SKUs that are inactive.")
    inactive_products: Share = Field(0, description="Share of products that are inactive.")
    unassigned: Share = Field(0, description="Share of SKUs outside of the sales channel.")
    franchise: Share = Field(
        0, description="Share of SKUs that a franchise account sells and not the main one."
    )
    invalid_ean: Share = Field(0, description="Share of SKUs whose EAN has a wrong check digit.")
    no_ean: Share = Field(0, description="Share of SKUs without EAN.")
    no_images: Share = Field(0, description="Share of SKUs without images.")
    no_description: Share = Field(0, description="Share of products without description.")
    no_price: Share = Field(0, description="Share of SKUs without price.")
    no_stock: Share = Field(0, description="Share of SKUs without stock.")
    split: Share = Field(0, description="Share of SKUs of which two or more come as two lines.")
    ignored_page: bool = Field(False, description="The list of SKUs is the same for every page.")
    empty_first_page: bool = Field(False, description="The first page of the list is empty.")
    page_size: int = Field(1000, ge=1, description="SKUs on a page where the request does not say.")
    page_cap: int = Field(1000, ge=1, description="SKUs on a page at most.")
    out_of_stock: Literal["said", "omitted", "lies"] = Field(
        "said",
        description="SKUs without stock are withoutStock, left out, or available with an address and nullPrice without.",
    )
    item_index: Literal["response", "request"] = Field(
        "response", description="What logistics number their items by."
    )
    stale_seconds: float = Field(
        0, ge=0, description="Seconds that a simulation still gives the old price and stock."
    )
    simulation_cap: int = Field(0, ge=0, description="Items of one simulation at most; 0 for any number.")
    poison_as: Literal["error", "timeout"] = Field(
        "error",
        description="A simulation with a poisoned SKU fails with 500, or takes poison_seconds and then fails.",
    )
    poison_seconds: float = Field(30, ge=0, description="Seconds that the latter takes.")
    poison: list[int] = Field([], description="A SKU that makes every simulation fail that it is part of.")
    affiliate_id: str = Field("HBB", min_length=3, max_length=3, description="A registered affiliate.")
    affiliate_endpoint: str = Field("", description="Where its notifications go to; empty for nowhere.")
    spelling: Spelling = Field(
        "real", description="How notifications are spelt; mixed for all of them in turn."
    )
    notification_concurrency: int = Field(
        16, ge=1, description="Notifications that are on their way at once."
    )
    notification_retries: int = Field(
        0, ge=0, description="Times that a notification is sent again; the docs promise none."
    )
    notification_retry_seconds: float = Field(0.2, ge=0, description="Pause before that.")
    register_reply: Literal["json", "text"] = Field(
        "json", description="How the mapper gives the id of a connector."
    )
    tree_status: Literal["204", "200"] = Field(
        "204", description="What the mapper answers for a category tree."
    )
    tree_seconds: float = Field(0, ge=0, description="Seconds until it says that a tree is processed.")


class Options(_Seller, _Marketplace, _Limits, _Account):
    """What the simulator holds at its start; the fields of ``Faults`` say what goes wrong."""
