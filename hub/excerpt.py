"""How a value is shown in an error or a log: as JSON, and never longer than a line."""

from __future__ import annotations

from typing import Any

from hub import codec

#: So much of a value is shown.
MAX_CHARACTERS = 80


def excerpt(value: Any, limit: int = MAX_CHARACTERS) -> str:
    """The value as JSON, cut to ``limit`` characters; whatever is no JSON by its type alone."""
    try:
        text = codec.dumps(value).decode()
    except Exception:  # noqa: BLE001 an excerpt for an error must not raise another one
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
