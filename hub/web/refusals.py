"""Which error of a webhook is answered how. Bad input is explained to its sender; what is wrong here is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from pydantic import ValidationError

from hub.errors import (
    BadPageError,
    ConfigurationError,
    NotFoundError,
    NotNowError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    ServiceUnavailableError,
    SignatureError,
)
from hub.pipeline import Pipeline
from hub.web.groups import OverloadError
from hub.web.reply import Reply, refusal

#: When a sender that was put off is asked to come again, in seconds.
RETRY_AFTER = 5
#: Characters of an explanation.
TEXT_LIMIT = 1000

#: One answer for a name that nobody has and a connection that takes no webhooks: names cannot be found out.
NOT_FOUND = refusal(404, "there is no such webhook", result="unknown")

_UNSIGNED = refusal(401, "the signature is missing or wrong", result="unsigned")
_FAILED = refusal(500, "the webhook could not be taken; the hub's log says why", result="failed")


def _later(text: str, result: str) -> Reply:
    return refusal(503, f"{text}; send it again", result=result, retry_after=RETRY_AFTER)


_Kinds = type[Exception] | tuple[type[Exception], ...]

#: The first that fits, before and after it is known whose webhook it is.
_ANSWERS: Sequence[tuple[_Kinds, Reply]] = (
    ((SignatureError, ReauthorizationError), _UNSIGNED),
    ((OverloadError, TimeoutError), _later("too many webhooks wait to be stored", "overload")),
    (ServiceUnavailableError, _later("the store cannot be reached", "store_down")),
    ((RetryableError, NotNowError), _later("the webhook cannot be taken now", "put_off")),
)
_BROKEN = _later("the connection cannot be put together", "broken")
#: What a connector raises about what it was sent.
_BAD_INPUT = (RejectedError, ConfigurationError, BadPageError, ValidationError, msgspec.MsgspecError)

_log = structlog.get_logger(__name__)


def refusal_of(error: Exception, name: str, pipeline: Pipeline | None) -> Reply:
    """The answer to a webhook for ``name`` that ended with ``error``; ``pipeline`` once the connection is known."""
    if isinstance(error, NotFoundError) and error.field is None:
        return NOT_FOUND
    for kinds, reply in _ANSWERS:
        if isinstance(error, kinds):
            return reply
    if pipeline is None and isinstance(error, ConfigurationError):
        return _BROKEN
    text = pipeline.redact(_explained(error)) if pipeline is not None else type(error).__name__
    if pipeline is not None and isinstance(error, _BAD_INPUT):
        return refusal(400, text[:TEXT_LIMIT], result="bad")
    _log.error("a webhook could not be taken", connection=name, error=f"{type(error).__name__}: {text}")
    return _FAILED


def _explained(error: Exception) -> str:
    """Where and why, without the input, which pydantic would repeat."""
    if not isinstance(error, ValidationError):
        return str(error) or type(error).__name__
    faults: list[Mapping[str, Any]] = list(
        error.errors(include_url=False, include_context=False, include_input=False)
    )
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
