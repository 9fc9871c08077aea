"""The screens and the token endpoint of the authorization code grant (shopify facts, "OAuth", "Refresh")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.tokens import Tokens, scope_set
from hub import codec
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond, respond_json

AUTHORIZE_PATH = "/admin/oauth/authorize"
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - a path

_HTML = [(b"content-type", b"text/html; charset=utf-8")]


class OAuth:
    """Answers both paths for one app and one shop."""

    def __init__(self, options: Options, tokens: Tokens, clock: Clock) -> None:
        self._options, self._tokens, self._clock = options, tokens, clock

    async def authorize(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The screen of the merchant; sends the browser back with a code, or with ``error=access_denied``."""
        await read_body(receive)
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        problem = self._problem(given)
        if problem is not None:
            await _page(send, 400, problem)
            return
        approved = given.get("approve", "1" if self._options.approve == "at_once" else None)
        if approved is None:
            await _page(
                send, 200, f"Install app? {_link(scope, '1', 'Install')} {_link(scope, '0', 'Cancel')}"
            )
        elif approved != "1":
            await _redirect(
                send, given["redirect_uri"], {"error": "access_denied", "state": given.get("state", "")}
            )
        else:
            code = self._tokens.approve(scope_set(given.get("scope", "")), given["redirect_uri"])
            await _redirect(send, given["redirect_uri"], self.callback(code, given.get("state", "")))

    async def token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Codes and refresh tokens for tokens, as a form or as JSON."""
        given = _fields(await read_body(receive))
        if (given.get("client_id"), given.get("client_secret")) != (
            self._options.client_id,
            self._options.client_secret,
        ):
            await respond_json(
                send, 400, _error("invalid_client", "The client id or the client secret is wrong")
            )
        elif given.get("grant_type") == "refresh_token":
            await self._refresh(scope, send, given.get("refresh_token", ""))
        elif "code" in given:
            answer = self._tokens.exchange(
                given["code"], expiring=given.get("expiring", "0") in {"1", "true"}
            )
            refused = _error("invalid_request", "The authorization code was not found or was already used")
            await respond_json(send, 200 if answer else 400, answer or refused)
        else:
            await respond_json(send, 400, _error("invalid_request", "Missing or invalid parameter"))

    def callback(self, code: str, state: str) -> dict[str, str]:
        """The parameters of the way back, signed."""
        options = self._options
        store = f"admin.shopify.com/store/{options.shop.partition('.')[0]}"
        told = {
            "code": code,
            "host": base64.b64encode(store.encode()).decode().rstrip("="),
            "shop": options.shop,
            "state": state,
            "timestamp": str(int(self._clock.seconds())),
        }
        return told | {"hmac": signature(told, options.client_secret)}

    async def _refresh(self, scope: Scope, send: Send, token: str) -> None:
        answer = self._tokens.refresh(token)
        if answer is not None:
            await respond_json(send, 200, answer)
        elif "application/json" in (header(scope, b"accept") or ""):
            refused = _error("invalid_request", "This request requires an active refresh_token")
            await respond_json(send, 401, refused)
        else:
            await _page(
                send, 401, "Oauth error invalid_request: This request requires an active refresh_token"
            )

    def _problem(self, given: Mapping[str, str]) -> str | None:
        if given.get("client_id") != self._options.client_id:
            return (
                "Oauth error application_cannot_be_found: Could not find an application with that client id"
            )
        told, allowed = given.get("redirect_uri", ""), self._options.redirect_uri
        if not told.startswith(("http://", "https://")) or (allowed and told != allowed):
            return "Oauth error invalid_request: The redirect_uri is not whitelisted"
        return None


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """The ``hmac`` of a callback: over all other parameters, sorted, in hexadecimal."""
    rest = sorted((name, value) for name, value in parameters.items() if name != "hmac")
    message = urlencode(rest, quote_via=quote, safe="")
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _fields(body: bytes) -> dict[str, str]:
    if body.lstrip().startswith(b"{"):
        try:
            told = codec.loads(body)
        except (ValueError, ArithmeticError, RecursionError):
            return {}
        return {str(name): str(value) for name, value in told.items()}
    return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": description}


def _link(scope: Scope, approve: str, text: str) -> str:
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    target = html.escape(f"{path}?{query}&approve={approve}")
    return f'<a href="{target}">{text}</a>'


async def _page(send: Send, status: int, text: str) -> None:
    await respond(send, status, f"<!doctype html><title>Simulated shop</title><p>{text}</p>".encode(), _HTML)


async def _redirect(send: Send, target: str, parameters: Mapping[str, str]) -> None:
    joint = "&" if "?" in target else "?"
    location = f"{target}{joint}{urlencode(parameters, quote_via=quote)}"
    await respond(send, 302, b"", [*_HTML, (b"location", location.encode("latin-1"))])
