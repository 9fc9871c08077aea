"""Logs: structlog, JSON or for people, everything from the standard library included, secrets taken out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from hub.settings import Settings

#: Values of fields that are named so are never written, whoever logs them.
_SECRET_FIELD = re.compile(r"(password|secret|token|api_?key|authorization|credential|cookie)", re.IGNORECASE)
#: What stands in a text like a credential is not written either: URLs with a password, bearer tokens.
_SECRET_TEXT = re.compile(r"(?i)(://[^/\s:@]*:)[^/\s@]+(@)|\b(bearer\s+|basic\s+)[\w.~+/=-]{6,}")
HIDDEN = "***"


def set_up(settings: Settings, *, process: str) -> None:
    """Send all logging of this process to standard error, in the format of the settings."""
    structlog.reset_defaults()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    render: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("httpx", "asyncio", "uvicorn", "alembic", "dramatiq"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
    )
    structlog.contextvars.bind_contextvars(process=process)


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last line of defence: secrets are kept out where they are known, and here whatever looks like one."""
    for name, value in event.items():
        if _SECRET_FIELD.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = redacted(value)
    return event


def redacted(text: str) -> str:
    """A text without what looks like a credential in it."""
    return _SECRET_TEXT.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    return f"{match[1]}{HIDDEN}{match[2]}" if match[1] else f"{match[3]}{HIDDEN}"
