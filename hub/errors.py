"""One tree of errors, by what happens next.

Whoever raises one decides the fate of the record (or of the connection) it belongs to; nobody further up
has to look at a status code again. Texts name the remedy, facts stay as attributes, secrets stay out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta


class HubError(Exception):
    """Root of every error that the hub raises on purpose."""


class RetryableError(HubError):
    """The same call may work later. Spends one attempt, then waits with backoff.

    ``retry_after`` is the least wait the other side asked for. ``response_code`` is its HTTP status, if any.
    """

    def __init__(
        self, message: str, *, response_code: int | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.response_code = response_code
        self.retry_after = retry_after


class NotNowError(HubError):
    """The call was not made, or was turned away for its pace alone. Spends no attempt; due again after ``wait``, which counts
    from the moment at which the error was made."""

    def __init__(self, message: str, *, wait: timedelta, response_code: int | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        self.response_code = response_code
        self._made_at = time.monotonic()

    @property
    def left(self) -> timedelta:
        """What is left of the wait: others of a slice may have gone on for longer than that."""
        return max(self.wait - timedelta(seconds=time.monotonic() - self._made_at), timedelta(0))


class ThrottledError(NotNowError):
    """The rate limit has no slot for now, by our own bucket or by the other side's 429."""


class CircuitOpenError(NotNowError):
    """The circuit breaker of that host and tenant is open."""


class RejectedError(HubError):
    """The record will never be accepted as it is. It alone is rejected, with every error at once."""

    def __init__(self, *errors: str, response_code: int | None = None) -> None:
        super().__init__("; ".join(errors))
        self.errors: Sequence[str] = errors
        self.response_code = response_code


class SkippedError(HubError):
    """The record needs no push; the text is the reason that is reported."""


class ParkedError(HubError):
    """The record waits for something named, and goes on when ``wake_key`` is woken. Spends no attempt."""

    def __init__(self, reason: str, *, wake_key: str) -> None:
        super().__init__(reason)
        self.wake_key = wake_key


class ReauthorizationError(HubError):
    """The credential was refused. That side of the connection stops until it is renewed; no attempt is spent."""

    def __init__(self, message: str, *, response_code: int | None = None) -> None:
        super().__init__(message)
        self.response_code = response_code


class SignatureError(HubError):
    """An incoming request does not prove that it comes from the source: answered 401, and nothing is stored."""


class ConnectionFailedError(HubError):
    """The connection as a whole is set up wrongly (account, path); going on would do harm, so it stops."""


class BadPageError(HubError):
    """A source answered with something that is no page at all. ``raw`` goes to quarantine, redacted and truncated."""

    def __init__(self, message: str, *, raw: bytes) -> None:
        super().__init__(message)
        self.raw = raw


class ConfigurationError(HubError):
    """Something a person wrote is wrong: ``field`` says which (dotted path), the text says what and the remedy."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class NotFoundError(ConfigurationError):
    """What was named does not exist."""


class ServiceUnavailableError(HubError):
    """The store or the broker cannot be reached; the text says which setting to look at."""
