"""What VTEX says went wrong. Checkout answers objects, Catalog texts or JSON strings, many nothing, proxies pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from hub import codec
from hub.excerpt import excerpt

#: Characters of what is shown.
LONGEST: Final = 200
#: Bytes of an answer that are looked at.
MOST_READ: Final = 16 * 1024

_PAGE = re.compile(r"\s*(?:<!doctype\s+html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]{1,400})", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
#: Where an object says it, in the order of preference, in lower case.
_NAMES: Final = ("error", "errors", "message", "detail", "title", "reason")


def said(content: bytes, longest: int = LONGEST) -> str:
    """One line, at most ``longest`` characters; empty where the answer says nothing.

    ``{"error": {"code": "CHK003", "message": "…"}, "operationId": "…"}`` is read as Checkout writes it (VTEX facts, 1).
    """
    text = content[:MOST_READ].decode("utf-8", "replace").lstrip("\ufeff")
    if _PAGE.match(text):
        title = _TITLE.search(text)
        return _short(f"a web page ({_line(title[1])})" if title else "a web page", longest)
    if len(content) > MOST_READ:
        return _short(text, longest)
    try:
        body = codec.loads(text)
    except (codec.DecodeError, RecursionError):
        return _short(text, longest)
    return _short(_of(body, longest), longest)


def is_page(answer: httpx.Response) -> bool:
    """Whether it is HTML, which no route of the API gives: somebody else answered. An empty body is none."""
    begin = answer.content[:MOST_READ].decode("utf-8", "replace").lstrip("\ufeff")
    if answer.headers.get("content-type", "").lower().startswith("text/html"):
        return begin.lstrip().startswith("<")
    return _PAGE.match(begin) is not None


def _of(body: Any, longest: int) -> str:
    match body:
        case None:
            return ""
        case str():
            return body
        case dict():
            return _of_object(body, longest)
        case [str() as first, *_]:
            return first
        case [dict() as first, *_]:
            return _of_object(first, longest)
        case _:
            return excerpt(body, longest)


def _of_object(body: Mapping[str, Any], longest: int) -> str:
    fields = {name.lower(): value for name, value in body.items()}
    found = next((fields[name] for name in _NAMES if fields.get(name)), None)
    if isinstance(found, dict):
        inner = {name.lower(): value for name, value in found.items()}
        code, message = inner.get("code"), inner.get("message")
        found = ": ".join(str(each) for each in (code, message) if isinstance(each, str | int) and each)
    if not isinstance(found, str) or not found:
        return excerpt(body, longest)
    operation = fields.get("operationid")
    return f"{found} (operation {operation})" if isinstance(operation, str) and operation else found


def _line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _short(text: str, longest: int) -> str:
    line = _line(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
