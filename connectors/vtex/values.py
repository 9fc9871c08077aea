"""Values of a document as they are looked at on both sides of VTEX: numbers, texts, bar codes, addresses of images."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from stdnum import ean

from hub.exact import Number, exact, parse
from hub.excerpt import excerpt


def number(value: Any) -> Number | None:
    """A number of a document, which may be a text; None for anything else."""
    return parse(value) if isinstance(value, str) else exact(value)


def tidy(value: Number) -> Number:
    """The same number, as an int where it is whole."""
    return int(value) if value == int(value) else value


def text(value: Any) -> str | None:
    """Without blanks around it; None where nothing is left."""
    return value.strip() or None if isinstance(value, str) else None


def gtin(code: str) -> str | None:
    """The 8, 12, 13 or 14 digits of a bar code, without blanks and hyphens; None where its check digit is wrong."""
    return ean.compact(code) if code.isascii() and ean.is_valid(code) else None


def image_fault(url: Any) -> str | None:
    """What is wrong with the address of an image; None where nothing is. Images of http are not shown (VTEX facts, 3)."""
    if not isinstance(url, str) or not url.strip():
        return "has no address"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or re.search(r"\s", url) or parts.username is not None:
        return f"has an address that is none ({excerpt(url)})"
    return None if parts.scheme == "https" else f"has an address without https ({excerpt(url)})"
