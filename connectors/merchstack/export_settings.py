"""The settings of a connection that exports to Merchstack."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.merchstack.import_files import MAX_RECORDS
from connectors.merchstack.to_catalog import PRICE_KIND
from hub import money


class MerchstackExportSettings(BaseModel):
    """Where the files go and what is in them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=1, description="Where the files go: the whole path of a folder, or s3://bucket/prefix."
    )
    tenant_id: str = Field(min_length=1, description="Your tenantId at Merchstack, in every record.")
    store_id: str = Field(min_length=1, description="Your storeId at Merchstack, in every record.")
    currency: Annotated[str, AfterValidator(money.code)] | None = Field(
        None, description="Export prices in this currency; needed where a variant has prices in several."
    )
    price_kind: str = Field(PRICE_KIND, min_length=1, description="Export prices of this kind.")
    location: str | None = Field(
        None, min_length=1, description="Export the stock of this location; default the sum over all."
    )
    counterpart: str | None = Field(
        None,
        min_length=1,
        description="The connection that imports from the same Merchstack: what only it changed is not sent back.",
    )
    records_per_file: int = Field(
        MAX_RECORDS, ge=1, le=MAX_RECORDS, description="Records that a file holds at most."
    )
    categories: Literal["unmanaged", "all"] = Field(
        "unmanaged", description="Managed categories are Merchstack's own, and exported only with all."
    )
