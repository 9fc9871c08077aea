"""What the shop's token endpoint says: tokens that it hands out, or why it does not (shopify facts, "OAuth", "Refresh")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from hub import codec
from hub.connector import Http
from hub.errors import RetryableError

#: Below the shop's origin.
TOKEN_PATH: Final = "/admin/oauth/access_token"  # noqa: S105 - a path
#: Statuses with which it says no for good; it does so in JSON, or in HTML where it likes.
REFUSALS: Final = (400, 401)
#: Characters of a token, and seconds that one may be said to live: more is no answer.
_LONGEST_TOKEN, _LONGEST_LIFE = 4096, 10 * 366 * 86_400
#: Characters of a refusal that are repeated.
_LONGEST_WORDS = 200


async def ask(http: Http, origin: str, fields: Mapping[str, Any]) -> httpx.Response:
    """Post to the token endpoint. 200, 400 and 401 come back; any other raises what its status stands for."""
    return await http.request(
        "POST",
        f"{origin}{TOKEN_PATH}",
        json=dict(fields),
        headers={"Accept": "application/json"},
        accept=REFUSALS,
    )


def handed_out(answer: httpx.Response, *, asked_at: datetime) -> dict[str, str | None]:
    """The fields of ``ShopifyCredentials`` that an answer 200 brings, as they are stored; ``scope`` is not among them.

    A token that does not end has None for the rest. Raises ``RetryableError`` for what is no such answer.
    """
    body = _json(answer)
    access, refresh = (_token(body, name) for name in ("access_token", "refresh_token"))
    if access is None:
        raise RetryableError("the shop answered without an access token", response_code=answer.status_code)
    return {
        "access_token": access,
        "refresh_token": refresh,
        "access_token_expires_at": _end(body.get("expires_in"), asked_at),
        "refresh_token_expires_at": _end(body.get("refresh_token_expires_in"), asked_at) if refresh else None,
    }


def scopes_of(answer: httpx.Response) -> frozenset[str]:
    """What was granted with an answer 200."""
    written = _json(answer).get("scope")
    return scope_set(written) if isinstance(written, str) else frozenset()


def scope_set(written: str) -> frozenset[str]:
    """Scopes as the platform writes them."""
    return frozenset(one.strip() for one in written.split(",") if one.strip())


def refusal_of(answer: httpx.Response) -> str:
    """Why it was refused, on one line; "" where it is not the shop that speaks (an answer 400 that is neither)."""
    body = _json_or_nothing(answer)
    if isinstance(code := body.get("error"), str):
        said = body.get("error_description")
        return _line(f"{code}: {said}" if isinstance(said, str) else code)
    text = answer.text if len(answer.content) < 65_536 else ""
    found = text.lower().find("oauth error")
    if found >= 0:
        return _line(text[found:].partition("<")[0])
    return f"HTTP {answer.status_code}" if answer.status_code == httpx.codes.UNAUTHORIZED else ""


def _line(text: str) -> str:
    """Of the other side's words so many as fit into an error."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_WORDS else f"{line[: _LONGEST_WORDS - 1]}…"


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.is_success and (body := _json_or_nothing(answer)):
        return body
    raise RetryableError("the shop's answer is no token", response_code=answer.status_code)


def _json_or_nothing(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = codec.loads(answer.content)
    except (codec.DecodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _token(body: Mapping[str, Any], name: str) -> str | None:
    """One that can stand in a header."""
    token = body.get(name)
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
        return None
    return token if token.isascii() and token.isprintable() and " " not in token else None


def _end(seconds: Any, asked_at: datetime) -> str | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_LIFE:
        return None
    return (asked_at + timedelta(seconds=seconds)).isoformat()
