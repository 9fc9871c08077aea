"""One bulk operation, and what a test can do to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.shopify.simulator.bulk_file import ResultFile
from connectors.shopify.simulator.clock import date_of
from connectors.shopify.simulator.context import Context

Node = dict[str, Any]
Status = Literal["CREATED", "RUNNING", "COMPLETED", "CANCELING", "CANCELED", "FAILED", "EXPIRED"]
ErrorCode = Literal["ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"]

#: Results lie outside the Admin API.
RESULT_PATH = "/bulk-results/"

_FIRST = 9_000_000_000_000


@dataclass
class Operation:
    """A bulk query and what became of it."""

    number: int
    query: str
    created_at: float
    grouped: bool
    context: Context
    status: Status = "CREATED"
    error_code: str | None = None
    completed_at: float | None = None
    objects: int = 0
    roots: int = 0
    #: All of the result is on disk; whether it is over is for the clock to say.
    whole: bool = False
    partial: bool = False
    failure: Failure | None = None
    signature: str = field(default_factory=lambda: secrets.token_hex(16))
    file: ResultFile = field(default_factory=ResultFile)

    @property
    def gid(self) -> str:
        """Its global id."""
        return f"gid://shopify/BulkOperation/{_FIRST + self.number}"

    @property
    def file_name(self) -> str:
        """The last part of the address of its result."""
        return f"bulk-{_FIRST + self.number}.jsonl"

    def shown(self, base: str, result_seconds: int) -> Node:
        """As the API shows it; ``base`` is where its result is to be had, for so many seconds."""
        until = int((self.completed_at or 0) + result_seconds)
        address = f"{base}{RESULT_PATH}{self.file_name}?Expires={until}&Signature={self.signature}"
        done = self.status == "COMPLETED"
        return {
            "__typename": "BulkOperation",
            "id": self.gid,
            "type": "QUERY",
            "query": self.query,
            "status": self.status,
            "errorCode": self.error_code,
            "createdAt": date_of(self.created_at),
            "completedAt": None if self.completed_at is None else date_of(self.completed_at),
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "fileSize": str(self.file.size) if done and self.objects else None,
            "url": address if done and self.objects else None,
            "partialDataUrl": address if self.status == "FAILED" and self.partial else None,
        }


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Failure(_Told):
    """The operation ends FAILED after so many objects, those of them to be had or not."""

    error_code: Literal["ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"] = "INTERNAL_SERVER_ERROR"
    after: int = Field(0, ge=0)
    partial: bool = True


class SetBulk(_Told):
    """Hold operations in a state, let the next one fail, or end the one named ``id``."""

    hold: Literal["created", "running", "none"] | None = None
    fail_next: Failure | None = None
    id: str | None = None
    status: Literal["COMPLETED", "CANCELED", "FAILED", "EXPIRED"] | None = None
    error_code: Literal["ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"] | None = None
