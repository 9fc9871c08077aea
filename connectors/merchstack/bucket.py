"""An S3-compatible bucket for ``Location``: how it is opened, and what its errors mean."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.merchstack.endpoint import FIELD, Endpoint
from hub.errors import ConfigurationError, HubError, RetryableError

#: A call to the bucket is repeated so often, and for so long, before it counts as failed: a poll has a minute.
RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}

#: Characters of an error of ``obstore`` that are shown; what follows its first line is for its developers.
_SHOWN = 300

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
#: It becomes a part of the host's name where no endpoint is given.
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")

_PART = re.compile(r"^Generic \w+ error: ")

#: How ``obstore`` puts an answer that is no success, and what S3 says in it.
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_NO_ANSWER = "HTTP error"
#: How AWS says that the bucket is in another region.
_ELSEWHERE = ("AuthorizationHeaderMalformed", "PermanentRedirect", "incorrectly configured region")


class S3Credentials(BaseModel):
    """What an S3-compatible bucket needs. Leave all of it out for a folder, or for the machine's own AWS identity."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: str | None = Field(
        None, description="Address of a service other than AWS, such as https://s3.example."
    )
    region: str | None = Field(None, description="Region of the bucket, such as eu-central-1.")
    access_key_id: str | None = Field(None, description="The access key that Merchstack or AWS gave you.")
    secret_access_key: SecretStr | None = Field(
        None, description="The secret that belongs to the access key."
    )
    allow_http: bool = Field(default=False, description="Allow an endpoint without encryption.")


def open_bucket(name: str, path: str, credentials: S3Credentials, endpoint: Endpoint, field: str) -> S3Store:
    """The bucket, without a call to it; ``path`` goes in front of all names. Raises ``ConfigurationError``."""
    if not _BUCKET.fullmatch(name):
        raise ConfigurationError(
            "what follows s3:// is no name of a bucket; write s3://bucket/prefix, and keys under [credentials]",
            field=field,
        )
    endpoint.require_usable()
    if credentials.region is not None and not _REGION.fullmatch(credentials.region):
        raise ConfigurationError("this is no region; write it like eu-central-1", field="credentials.region")
    told = {"endpoint": (endpoint.address or "").rstrip("/"), "region": credentials.region}
    config: Any = {setting: value for setting, value in told.items() if value}
    try:
        return S3Store(
            name,
            prefix=path.strip("/") or None,
            config=config,
            client_options={"allow_http": endpoint.takes_http},
            retry_config=RETRIES,
            **_keys(credentials),
        )
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"{first_line(error)}", field=field) from error


def fault_of(error: Exception, url: str, field: str, *, of_bucket: bool) -> HubError | None:
    """The hub's error for one of a bucket; None for one that could be of any store.

    ``of_bucket``: the call would have worked if there were a bucket, so that "not found" means the bucket.
    """
    text = str(error)
    found = _STATUS.search(text)
    status = int(found[1]) if found else None
    why = _reason(error, status)
    if any(sign in text for sign in _ELSEWHERE):
        return ConfigurationError(
            f"{url}: the bucket is in another region: {why}; name that", field="credentials.region"
        )
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in {401, 403}:
        return ConfigurationError(
            f"{url} refused this access: {why}; correct the key, or give it the right to list, read, write and delete",
            field="credentials.access_key_id",
        )
    if status == 404 and of_bucket:
        return ConfigurationError(
            f"{url} is not there: {why}; create the bucket, or look at {FIELD}", field=field
        )
    if status is None and _NO_ANSWER in text:
        return RetryableError(f"{url} does not answer ({why}); if it stays so, look at {FIELD}")
    return None if status is None else RetryableError(f"{url}: {why}")


def first_line(error: Exception) -> str:
    """What an error of ``obstore`` says to people, without the name of the part of it that says so."""
    return _PART.sub("", str(error).strip().partition("\n")[0]).strip()[:_SHOWN]


def _reason(error: Exception, status: int | None) -> str:
    """What the service said, as short as it can be told."""
    code, message = _CODE.search(str(error)), _MESSAGE.search(str(error))
    if code is None:
        return first_line(error).rstrip(": ")
    return f"{status} {code[1]}, {message[1].strip(' .')}" if message else f"{status} {code[1]}"


def _keys(credentials: S3Credentials) -> Any:
    """Keys that were given stand alone: ``obstore`` would add the session token of the machine's own identity."""
    secret = credentials.secret_access_key
    given = (credentials.access_key_id, secret.get_secret_value() if secret is not None else None)
    if given == (None, None):
        return {}
    if not all(given):
        missing = "secret_access_key" if given[0] else "access_key_id"
        raise ConfigurationError(
            "is missing; a key and its secret come together", field=f"credentials.{missing}"
        )
    keys = {"access_key_id": given[0], "secret_access_key": given[1], "token": None, "expires_at": None}
    return {"credential_provider": lambda: keys}
