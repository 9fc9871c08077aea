"""The address of an S3-compatible service, held to what a connection may reach before and while it is called."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.errors import ConfigurationError, RetryableError
from hub.http.guard import check_url, is_private_host

#: The setting that holds it.
FIELD = "credentials.endpoint"

#: A host by name or address, a port, a path; ``obstore`` breaks off at anything else.
_ADDRESS = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?", re.ASCII
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where a bucket is called; ``address`` None is AWS itself.

    ``obstore`` resolves names on its own and follows redirects, so that a name may be another host from one call to
    the next. Where private hosts are not allowed it has to be https: no host but the one that is named has its
    certificate, and a redirect to plain http is refused.
    """

    address: str | None
    allow_http: bool = False
    allow_private_hosts: bool = True

    @property
    def takes_http(self) -> bool:
        """Whether a call may go without encryption, one that was redirected included."""
        return self.allow_http and self.allow_private_hosts

    def require_usable(self) -> None:
        """Look at the text alone. Raises ``ConfigurationError``."""
        if self.address is None:
            return
        if not _ADDRESS.fullmatch(self.address):
            raise _refused(
                "this is no address of a service; write it like https://s3.example, without user, password or query"
            )
        check_url(self.address, allow_private_hosts=self.allow_private_hosts, field=FIELD)
        if self.address.startswith("http:"):
            self._require_http_allowed()

    async def require_reachable(self) -> None:
        """Look up where the name leads, if that matters. Raises ``ConfigurationError`` and ``RetryableError``."""
        host = urlsplit(self.address).hostname if self.address is not None else None
        if host is None or self.allow_private_hosts:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise RetryableError(f"{FIELD}: {host} cannot be resolved ({error})") from error
        if any(is_private_host(str(address[0])) for *_, address in found):
            raise _refused(
                f"{host} leads to a private address, which connections may not reach; if it is meant, the operator"
                " sets HUB_ALLOW_PRIVATE_HOSTS=true"
            )

    def _require_http_allowed(self) -> None:
        if not self.allow_http:
            raise _refused("has no encryption; write https://, or set credentials.allow_http = true")
        if not self.allow_private_hosts:
            raise _refused(
                "has no encryption, so nothing keeps it from leading to a private address; write https://, or let the"
                " operator set HUB_ALLOW_PRIVATE_HOSTS=true"
            )


def _refused(reason: str) -> ConfigurationError:
    return ConfigurationError(reason, field=FIELD)
