"""An S3-compatible bucket for ``Location``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hub.errors import ConfigurationError

#: A call to the bucket is repeated so often, and for so long, before it counts as failed: a poll has a minute.
RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}

#: Characters of an error of ``obstore`` that are shown; what follows its first line is for its developers.
_SHOWN = 300


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


def open_bucket(name: str, path: str, credentials: S3Credentials | None, field: str) -> S3Store:
    """The bucket, without a call to it; ``path`` goes in front of all names. Raises ``ConfigurationError``."""
    given = credentials or S3Credentials()
    secret = given.secret_access_key.get_secret_value() if given.secret_access_key else None
    config: Any = {
        "endpoint": given.endpoint,
        "region": given.region,
        "access_key_id": given.access_key_id,
        "secret_access_key": secret,
    }
    config = {name: value for name, value in config.items() if value is not None}
    try:
        return S3Store(
            name,
            prefix=path.strip("/") or None,
            config=config,
            client_options={"allow_http": given.allow_http},
            retry_config=RETRIES,
        )
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"{first_line(error)}", field=field) from error


def first_line(error: Exception) -> str:
    """What an error of ``obstore`` says to people."""
    return str(error).strip().partition("\n")[0].strip()[:_SHOWN]
