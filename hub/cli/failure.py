"""What a person is shown of an error: one line that names the field and the remedy, and never a secret."""

from __future__ import annotations

import os
import sys
import traceback

from hub.cli import exit_codes
from hub.cli.output import plain
from hub.errors import ConfigurationError, HubError, ServiceUnavailableError
from hub.log import redacted

#: Longest text of an error that nobody expected, in characters.
LIMIT = 500


def report(error: Exception) -> int:
    """Say on standard error what happened; returns the exit code."""
    if os.environ.get("HUB_LOG_LEVEL", "").upper() == "DEBUG":
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
    sys.stderr.write(f"error: {redacted(describe(error))}\n")
    return exit_code(error)


def describe(error: BaseException) -> str:
    """One line."""
    if isinstance(error, HubError):
        return plain(str(error) or type(error).__name__)
    first = next(iter(str(error).splitlines()), "")
    return plain(f"{type(error).__name__}: {first}")[:LIMIT]


def exit_code(error: BaseException) -> int:
    """As the help says."""
    match error:
        case ServiceUnavailableError():
            return exit_codes.UNAVAILABLE
        case ConfigurationError():
            return exit_codes.USAGE
        case HubError():
            return exit_codes.TROUBLE
        case _:
            return exit_codes.FAULT
