"""What can be set of the HTTP destination, and how its credentials become a header."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.destinations.answers import ExpressionText
from connectors.destinations.batch_results import BatchResults
from connectors.destinations.url_template import UrlTemplate
from hub.errors import ConfigurationError

#: Largest batch: what a platform takes in one call, with room.
MAX_BATCH = 1_000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")

#: Set by the client or by other settings; a second one would contradict them.
_RESERVED = frozenset({"authorization", "connection", "content-length", "host", "transfer-encoding"})


def _header_name(name: str) -> str:
    if name and not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no header name; use letters, digits and -")
    return name


def _url_template(text: str) -> str:
    UrlTemplate(text)
    return text


def _printable(secret: SecretStr) -> SecretStr:
    if not _PRINTABLE.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "is empty or has characters that no header can carry; copy it again, without line breaks"
        )
    return secret


HeaderName = Annotated[str, AfterValidator(_header_name)]
Template = Annotated[str, AfterValidator(_url_template)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_printable)]
Status = Annotated[int, Field(ge=200, le=499)]


class HttpSettings(BaseModel):
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
    auth: Literal["none", "bearer", "basic", "header"] = Field(
        "none",
        description="bearer takes credentials.token, basic username and password, header header_value.",
    )
    auth_header: HeaderName = Field("X-API-Key", min_length=1, description="The header of auth = header.")
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
        for name, value in headers.items():
            _header_name(name)
            if name.lower() in _RESERVED:
                raise ValueError(
                    f"{name} is not set here; credentials are set by auth, the rest by the client"
                )
            if not _PRINTABLE.fullmatch(value):
                raise ValueError(f"the value of {name} is empty or has characters that no header can carry")
        return headers

    @field_validator("check_url")
    @classmethod
    def _whole(cls, url: str | None) -> str | None:
        if url is not None and UrlTemplate(url).fields:
            raise ValueError("must be a URL without fields: there is no record to fill them")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.headers:
            if name.lower() in (self.idempotency_header.lower(), self._auth_name()):
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

    def _auth_name(self) -> str:
        return self.auth_header.lower() if self.auth == "header" else "authorization"

    def _fits_single(self) -> Self:
        for name in ("batch_key", "results"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: is for batches; set batch to more than 1 or leave it out")
        return self


class HttpCredentials(BaseModel):
    """Credentials of the destination ``http``; ``auth`` says which are needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: HeaderSecret | None = Field(None, description="For auth = bearer.")
    username: str | None = Field(None, description="For auth = basic.")
    password: SecretStr | None = Field(None, description="For auth = basic.")
    header_value: HeaderSecret | None = Field(
        None, description="For auth = header: the value of auth_header."
    )


def auth_headers(settings: HttpSettings, credentials: HttpCredentials) -> Mapping[str, str]:
    """The header that authenticates a call. Raises ``ConfigurationError`` for a credential that is missing."""
    match settings.auth:
        case "bearer":
            return {"Authorization": f"Bearer {_needed(credentials, 'token', settings.auth)}"}
        case "header":
            return {settings.auth_header: _needed(credentials, "header_value", settings.auth)}
        case "basic":
            return {"Authorization": f"Basic {_basic(credentials)}"}
        case _:
            return {}


def _basic(credentials: HttpCredentials) -> str:
    username = _needed(credentials, "username", "basic")
    if ":" in username:
        raise ConfigurationError("must not contain a colon", field="destination.credentials.username")
    return base64.b64encode(f"{username}:{_needed(credentials, 'password', 'basic')}".encode()).decode()


def _needed(credentials: HttpCredentials, name: str, auth: str) -> str:
    value = getattr(credentials, name)
    if value is None:
        raise ConfigurationError(
            f"is needed for auth = {auth}; set it, or another auth", field=f"destination.credentials.{name}"
        )
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
