"""Which place a URL means, however it is spelled, and that it is one connection's alone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from connectors.merchstack.bucket import S3Credentials
from hub.errors import ConfigurationError
from hub.excerpt import excerpt

#: What two connections must not share, in a person's words, and the setting that names it.
PLACE = "folder or bucket"
FIELD = "settings.url"


def target_of(url: str, credentials: S3Credentials) -> str:
    """The poll target of whoever imports from a place or exports to it: it belongs to one connection.

    An import would take an export's files for Merchstack's own, before Merchstack has seen them; two exports would take
    each other's late records for theirs.
    """
    return f"merchstack {place_of(url, credentials)}"


def place_of(url: str, credentials: S3Credentials) -> str:
    """The folder's real path as a URL, or the bucket with its prefix and address. Raises ``ConfigurationError``."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "s3":
            endpoint = (credentials.endpoint or "aws").rstrip("/").lower()
            return f"s3://{parts.netloc}/{parts.path.strip('/')} {endpoint}"
        return Path(unquote(parts.path) if parts.scheme else url).resolve().as_uri()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # a circle of links, a NUL character, half an address
        raise ConfigurationError(
            f"{excerpt(url)} cannot be resolved: {error}; write the whole path of a folder, or s3://bucket/prefix",
            field=FIELD,
        ) from error
