"""What is wrong with a record, in words: each fault with its field in the record's own spelling and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hub.excerpt import excerpt
from hub.records import JSON

#: So many faults of one record are told.
MAX_FAULTS = 100

_REASONS: Mapping[str, str] = {
    "string_type": "{shown} is no text; write it in quotes",
    "bool_type": "{shown} is neither true nor false; write one of them, without quotes",
    "list_type": "{shown} is no array; write it in square brackets",
    "dict_type": "{shown} is no object; write it in braces",
    "string_too_short": "is empty; write what it is called",
    "string_too_long": "has more than {max_length} characters; shorten it",
    "literal_error": "{shown} is none of {expected}; write one of them",
    "missing": "is required; add it",
}


def faults_of(error: ValidationError, record: JSON) -> Sequence[str]:
    """Every fault that pydantic found, as ``field.path: reason; remedy``."""
    found = error.errors(include_url=False)
    texts = [f"{_path(each['loc'], record)}: {_reason(each)}" for each in found[:MAX_FAULTS]]
    return [*texts, f"and {len(found) - MAX_FAULTS} more"] if len(found) > MAX_FAULTS else texts


def _reason(fault: ErrorDetails) -> str:
    context = fault.get("ctx") or {}
    if fault["type"] == "value_error":
        return str(context["error"])
    reason = _REASONS.get(fault["type"])
    if reason is None:
        return f"{excerpt(fault['input'])}: {fault['msg']}"
    return reason.format(shown=excerpt(fault["input"]), **context)


def _path(location: Sequence[int | str], record: Any) -> str:
    """One object in place of an array has no number of its own in the record."""
    parts: list[str] = []
    here = record
    for part in location:
        if isinstance(part, int) and not isinstance(here, list):
            continue
        parts.append(str(part))
        here = _below(here, part)
    return ".".join(parts)


def _below(here: Any, part: int | str) -> Any:
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return here.get(part) if isinstance(here, dict) else None
