"""How a call shows who it is: the settings and credentials that destinations over HTTP have in common."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from hub.errors import ConfigurationError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")

#: Set by the client or by other settings; a second one would contradict them.
RESERVED = frozenset({"authorization", "connection", "content-length", "host", "transfer-encoding"})


def header_name(name: str) -> str:
    """The name, if it can be one; an empty one stands for none. Raises ``ValueError``."""
    if name and not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no header name; use letters, digits and -")
    return name


def further_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers that a user sets beside those of the client. Raises ``ValueError``."""
    for name, value in headers.items():
        header_name(name)
        if name.lower() in RESERVED:
            raise ValueError(f"{name} is not set here; credentials are set by auth, the rest by the client")
        if not _PRINTABLE.fullmatch(value):
            raise ValueError(f"the value of {name} is empty or has characters that no header can carry")
    return headers


def _printable(secret: SecretStr) -> SecretStr:
    if not _PRINTABLE.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "is empty or has characters that no header can carry; copy it again, without line breaks"
        )
    return secret


HeaderName = Annotated[str, AfterValidator(header_name)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_printable)]


class AuthSettings(BaseModel):
    """How credentials become a header."""

    auth: Literal["none", "bearer", "basic", "header"] = Field(
        "none",
        description="bearer takes credentials.token, basic username and password, header header_value.",
    )
    auth_header: HeaderName = Field("X-API-Key", min_length=1, description="The header of auth = header.")

    @property
    def auth_name(self) -> str:
        """The header that credentials go into, in lower case."""
        return self.auth_header.lower() if self.auth == "header" else "authorization"


class AuthCredentials(BaseModel):
    """Credentials of a destination over HTTP; ``auth`` says which are needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: HeaderSecret | None = Field(None, description="For auth = bearer.")
    username: str | None = Field(None, description="For auth = basic.")
    password: SecretStr | None = Field(None, description="For auth = basic.")
    header_value: HeaderSecret | None = Field(
        None, description="For auth = header: the value of auth_header."
    )


def auth_headers(settings: AuthSettings, credentials: AuthCredentials) -> Mapping[str, str]:
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


def _basic(credentials: AuthCredentials) -> str:
    username = _needed(credentials, "username", "basic")
    if ":" in username:
        raise ConfigurationError("must not contain a colon", field="destination.credentials.username")
    return base64.b64encode(f"{username}:{_needed(credentials, 'password', 'basic')}".encode()).decode()


def _needed(credentials: AuthCredentials, name: str, auth: str) -> str:
    value = getattr(credentials, name)
    if value is None:
        raise ConfigurationError(
            f"is needed for auth = {auth}; set it, or another auth", field=f"destination.credentials.{name}"
        )
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
