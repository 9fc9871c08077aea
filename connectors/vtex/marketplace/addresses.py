"""Where VTEX finds what a connection answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials
from hub.connector import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Whole URLs; ``secret`` stands in each of them where there is one."""

    public_url: str
    connection: str
    secret: str | None = field(repr=False)

    @classmethod
    def of(cls, ports: Ports, credentials: VtexMarketplaceCredentials) -> Self:
        """As VTEX calls them."""
        secret = credentials.endpoint_secret
        return cls(
            public_url=ports.public_url,
            connection=ports.connection,
            secret=secret.get_secret_value() if secret else None,
        )

    def shown(self) -> Self:
        """For people: without the secret."""
        return replace(self, secret=self.secret and "SECRET")

    @property
    def notifications(self) -> str:
        """The affiliate's search endpoint."""
        return f"{self._within('hooks')}/api/notification/"

    @property
    def endpoint(self) -> str:
        """What stands before the paths of the logs, the categories and the mapping."""
        return self._within("c")

    def _within(self, room: str) -> str:
        inner = f"/{self.secret}" if self.secret else ""
        return f"{self.public_url}/{room}/{self.connection}{inner}"
