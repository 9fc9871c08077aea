"""What can be set of the HTTP destination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from connectors.destinations.answers import ExpressionText
from connectors.destinations.auth import AuthCredentials, AuthSettings, HeaderName, further_headers
from connectors.destinations.batch_results import BatchResults
from connectors.destinations.url_template import UrlTemplate

#: Largest batch: what a platform takes in one call, with room.
MAX_BATCH = 1_000


def _url_template(text: str) -> str:
    UrlTemplate(text)
    return text


Template = Annotated[str, AfterValidator(_url_template)]
Status = Annotated[int, Field(ge=200, le=499)]


class HttpSettings(AuthSettings):
    """Settings of the destination ``http``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Template = Field(
        description="Where records go. May hold {key}, {stream} and {body.FIELD} behind the host; in batches {stream}."
    )
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(
        "POST", description="DELETE sends no body, the others the mapped record as JSON."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Further headers. They are shown and logged: secrets belong to credentials.",
    )
    batch: int = Field(
        1, ge=1, le=MAX_BATCH, description="At most so many records a call; 1 sends an object each."
    )
    batch_key: str | None = Field(
        None, description="Send a batch as an object with the list under this name; default the bare list."
    )
    results: BatchResults | None = Field(
        None, description="Where the answer to a batch says what became of each record."
    )
    bisect_calls: int = Field(
        64,
        ge=2,
        le=2 * MAX_BATCH,
        description="At most so many further calls to find the bad records of a refused batch.",
    )
    idempotency_header: HeaderName = Field(
        "Idempotency-Key", description="The header with the idempotency key; empty sends none."
    )
    idempotency_field: str = Field(
        "idempotency_key",
        description="The field with its idempotency key in each record of a batch; empty sends none.",
    )
    success_codes: frozenset[Status] | None = Field(
        None, min_length=1, description="Statuses that mean success; default every 2xx."
    )
    skip_codes: frozenset[Status] = Field(
        frozenset(),
        description="Statuses that mean that nothing had to be done, such as 409 for already there.",
    )
    external_id: ExpressionText | None = Field(
        None,
        description="JMESPath into the answer: the record's id over there; of a batch the list of ids, in order.",
    )
    rate: float | None = Field(None, gt=0, description="At most so many calls a second, over all workers.")
    burst: int = Field(1, ge=1, description="So many calls at once before rate holds them back.")
    check_url: str | None = Field(
        None,
        description="A URL that answers GET with 2xx when the credentials are right; default a HEAD on url.",
    )

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        return further_headers(headers)

    @field_validator("check_url")
    @classmethod
    def _whole(cls, url: str | None) -> str | None:
        if url is not None and UrlTemplate(url).fields:
            raise ValueError("must be a URL without fields: there is no record to fill them")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.headers:
            if name.lower() in (self.idempotency_header.lower(), self.auth_name):
                raise ValueError(f"headers: {name} is set by another setting; leave it out")
        if self.success_codes and (both := self.success_codes & self.skip_codes):
            raise ValueError(f"skip_codes and success_codes both hold {min(both)}: keep it in one")
        if self.batch == 1:
            return self._fits_single()
        if fields := UrlTemplate(self.url).fields - {"stream"}:
            raise ValueError(
                f"url: {{{min(fields)}}} differs within a batch; use {{stream}} alone, or batch = 1"
            )
        if self.method == "DELETE":
            raise ValueError("method: DELETE has no body, so it takes one record a call: set batch = 1")
        if self.results is not None and self.external_id is not None:
            raise ValueError("external_id: with results it is results.external_id, within each result")
        return self

    def _fits_single(self) -> Self:
        for name in ("batch_key", "results"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: is for batches; set batch to more than 1 or leave it out")
        return self


class HttpCredentials(AuthCredentials):
    """Credentials of the destination ``http``; ``auth`` says which are needed."""
