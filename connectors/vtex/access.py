"""How VTEX is reached, by seller and marketplace alike: hosts, headers, buckets, and what a refused key lacks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from hub.connector import Bucket
from hub.errors import ReauthorizationError

#: The one environment that VTEX publishes (servers blocks of all its OpenAPI files).
ENVIRONMENT: Final = "vtexcommercestable"

KEY_HEADER: Final = "X-VTEX-API-AppKey"
TOKEN_HEADER: Final = "X-VTEX-API-AppToken"  # noqa: S105  # its name

#: What VTEX is taken to count as one, beside account and address: limits are undisclosed (VTEX facts, 1).
Routes = Literal["catalog", "sku-binding", "suggestions", "notificator", "simulation", "affiliates", "portal"]

#: An account is a part of a host's name.
_ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
#: A segment of a path as it is.
_PATH_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)


def account_name(text: str) -> str:
    """The account in lower case. Raises ``ValueError`` for anything that is not one, such as a whole host."""
    name = text.strip().lower()
    if not _ACCOUNT.fullmatch(name):
        raise ValueError(
            "is not an account's name; give what stands before .myvtex.com in the address of its admin, such as mystore"
        )
    return name


def endpoint_url(text: str) -> str:
    """An address without a slash at its end. Raises ``ValueError`` for what holds more than scheme, host and path."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username is not None or parts.query or parts.fragment or re.search(r"\s", url):
        raise ValueError("is no address; give scheme, host and perhaps a path, such as http://127.0.0.1:9500")
    return url


def _environment(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(f"is not an environment's name; the one that VTEX publishes is {ENVIRONMENT}")
    return text


def _header_value(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("is no key of VTEX: copy it anew, without blanks or line ends")
    return secret


def _path_secret(secret: SecretStr) -> SecretStr:
    if not _PATH_SECRET.fullmatch(secret.get_secret_value()):
        raise ValueError("has to be 16 to 200 letters, digits, - or _: it stands in the endpoint's path")
    return secret


Account = Annotated[str, AfterValidator(account_name)]
Environment = Annotated[str, AfterValidator(_environment)]
Endpoint = Annotated[str, AfterValidator(endpoint_url)]
PathSecret = Annotated[SecretStr, AfterValidator(_path_secret)]
_Key = Annotated[SecretStr, AfterValidator(_header_value)]


class VtexCredentials(BaseModel):
    """An application key of the account, or one of another account that was given access to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    app_key: _Key = Field(description="The application key, sent as X-VTEX-API-AppKey.")
    app_token: _Key = Field(description="Its token, sent as X-VTEX-API-AppToken.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosts:
    """Where an account answers, each without a slash at its end (VTEX facts, 1).

    ``store``: catalog, checkout, fulfillment, notificator, SKU bindings. ``api``: suggestions. ``portal``: mapper.
    """

    account: str
    store: str
    api: str
    portal: str

    @classmethod
    def of(cls, account: str, environment: str = ENVIRONMENT, endpoint: str | None = None) -> Self:
        """``endpoint`` stands for all three (a simulator, a proxy); the paths behind it stay as they are."""
        return cls(
            account=account,
            store=endpoint or f"https://{account}.{environment}.com.br",
            api=f"{endpoint or 'https://api.vtex.com'}/{account}",
            portal=endpoint or f"https://portal.{ENVIRONMENT}.com.br",
        )

    def on_portal(self, path: str) -> str:
        """A path of the portal, with the account that it wants to know."""
        return f"{self.portal}{path}?an={quote(self.account, safe='')}"


def headers(credentials: VtexCredentials) -> Mapping[str, str]:
    """Of every request: the files demand ``Accept`` and ``Content-Type`` also on a GET and on an empty POST."""
    return {
        KEY_HEADER: credentials.app_key.get_secret_value(),
        TOKEN_HEADER: credentials.app_token.get_secret_value(),
        "Accept": "application/json",
        "Content-Type": "application/json",
    }


def bucket(account: str, routes: Routes, rate: float | None = None) -> Bucket:
    """One for each account and group of routes; without ``rate`` (a second) it only learns from the answers."""
    return Bucket(key=f"vtex:{account}:{routes}", rate=rate, burst=max(1, math.ceil(rate or 1)))


def segment(text: str) -> str:
    """A text as one segment of a path. Whoever makes paths sees to it first that it is neither ``.`` nor ``..``."""
    return quote(text, safe="")


@contextmanager
def naming(resource: str) -> Iterator[None]:
    """Says with a refused key what to do. ``resource`` is what License Manager calls what the call needs."""
    try:
        yield
    except ReauthorizationError as error:
        remedy = (
            f"give the key a role with the resource {resource} in the marketplace's admin, under Account settings > "
            "Application keys, and see that the key may use this account"
            if error.response_code == 403
            else "set credentials.app_key and credentials.app_token to a key and token that are valid for this account"
        )
        raise ReauthorizationError(f"{error}; {remedy}", response_code=error.response_code) from error
