"""What every command takes from its environment: settings, and whom to end with."""

from __future__ import annotations

from pydantic import ValidationError

from hub.errors import ConfigurationError
from hub.fleet import lifeline
from hub.settings import Settings

#: Seconds that a process may need beyond its shutdown timeout before it is killed.
MARGIN = 5.0


def read_settings() -> Settings:
    """From the environment. Raises ``ConfigurationError`` naming every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        named = [(f"HUB_{'_'.join(map(str, fault['loc']))}".upper(), fault["msg"]) for fault in faults]
        if len(named) == 1:
            raise ConfigurationError(named[0][1], field=named[0][0]) from None
        raise ConfigurationError("; ".join(f"{field}: {text}" for field, text in named)) from None


def follow_parent(parent: int) -> None:
    """End when ``parent``, which started this process, has ended."""
    patience = read_settings().shutdown_timeout.total_seconds() + MARGIN
    lifeline.end_with(parent, patience=patience)
