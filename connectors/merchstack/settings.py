"""Settings of the connector ``merchstack``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: Lines above this are skipped unread, in bytes.
MAX_LINE_BYTES = 8 * 1024 * 1024


class MerchstackSettings(BaseModel):
    """Where Merchstack's files are, and whose."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=1, description="Where the files come: the whole path of a folder, or s3://bucket/prefix."
    )
    tenant_id: str = Field(
        min_length=1, description="Your tenantId at Merchstack; records of another one are refused."
    )
    store_id: str | None = Field(
        None,
        min_length=1,
        description="Your storeId at Merchstack; if set, records of another store are refused.",
    )
    wait_for_export: float = Field(
        900,
        ge=0,
        description="Seconds that a product waits for its category, and a category for its parent, while files of "
        "its export are missing.",
    )
    quiet_seconds: float = Field(
        2,
        ge=0,
        description="A file in a folder is read once it has not changed for so many seconds: it may still be written.",
    )
    max_line_bytes: int = Field(
        MAX_LINE_BYTES,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Longer lines are skipped unread and reported.",
    )
    after: Literal["move", "mark"] = Field(
        "move",
        description="What becomes of a file that is done: it moves to done/, with its report; or it stays, and the "
        "report beside it says that it is done.",
    )
    stock_location: str = Field(
        "default",
        min_length=1,
        max_length=512,
        description="The catalog's location at which stockOnHand is counted.",
    )
