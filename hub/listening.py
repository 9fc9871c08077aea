"""A port that is taken is said before a process starts, with the setting that mends it."""

from __future__ import annotations

import os
import socket

from hub.errors import ConfigurationError


def require_free(host: str, port: int, *, field: str) -> None:
    """Raises ``ConfigurationError`` naming ``field`` when nothing can listen there."""
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({_reason(error)}); set another one", field=field
        ) from error


def _reason(error: OSError) -> str:
    """Asyncio's own text repeats the address."""
    return os.strerror(error.errno) if error.errno else str(error)


def free(host: str = "127.0.0.1") -> int:
    """A port that is free now."""
    with socket.create_server((host, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
