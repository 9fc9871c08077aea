"""What comes back from the shop's screen with the browser, and whether it is what the shop sent (shopify facts, "OAuth")."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from connectors.shopify.settings import SHOP_DOMAIN
from hub.errors import ConfigurationError

#: How far the time in a callback may be from ours, either way.
WINDOW: Final = timedelta(seconds=90)

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def checked_code(query: Mapping[str, str], *, secret: str, shop: str, now: datetime) -> str:
    """The authorization code of a callback that this shop signed, for this app, just now.

    The signature comes first, so that nobody learns more than that his is wrong. Raises ``ConfigurationError``.
    """
    if not is_signed(query, secret):
        raise ConfigurationError(
            "the signature of the answer is wrong: it was changed on its way, or the connection's client_secret is not the app's"
        )
    named = query.get("shop", "").lower()
    if not SHOP_DOMAIN.fullmatch(named):
        raise ConfigurationError("the answer names what is not the domain of a shop")
    if named != shop:
        raise ConfigurationError(f"the answer is of another shop; this connection is of {shop}")
    _require_recent(query.get("timestamp", ""), now)
    if not query.get("code"):
        raise ConfigurationError("the shop sent no code")
    return query["code"]


def is_signed(query: Mapping[str, str], secret: str) -> bool:
    """Whether ``hmac`` is that of all other parameters, unknown ones included; compared in constant time.

    Values are written into the signed string as they are, or percent-encoded: the platform's own libraries differ, and for
    what it really sends it is the same. Either way no two different sets of parameters make one string.
    """
    told = _bytes(query.get("hmac", ""))
    rest = sorted((name, value) for name, value in query.items() if name != "hmac")
    return any(hmac.compare_digest(_signature(rest, secret, pair), told) for pair in (_as_it_is, _encoded))


def _signature(rest: Sequence[tuple[str, str]], secret: str, pair: Callable[[str, str], str]) -> bytes:
    message = "&".join(pair(name, value) for name, value in rest)
    return hmac.new(_bytes(secret), _bytes(message), hashlib.sha256).hexdigest().encode()


def _as_it_is(name: str, value: str) -> str:
    """But for what would make another parameter of it."""
    name, value = (text.replace("%", "%25").replace("&", "%26") for text in (name, value))
    return f"{name.replace('=', '%3D')}={value}"


def _encoded(name: str, value: str) -> str:
    return f"{quote(_bytes(name), safe='')}={quote(_bytes(value), safe='')}"


def _require_recent(timestamp: str, now: datetime) -> None:
    if not _SECONDS.fullmatch(timestamp):
        raise ConfigurationError("the answer does not say when it was made")
    if abs(int(timestamp) - now.timestamp()) > WINDOW.total_seconds():
        raise ConfigurationError(
            f"the answer was not made within {WINDOW.total_seconds():.0f} seconds of now: it is an old one, or this machine's "
            "clock is wrong"
        )


def _bytes(text: str) -> bytes:
    """Of whatever stood in a URL: bytes can be compared in constant time, text that is not ASCII cannot."""
    return text.encode("utf-8", "surrogatepass")
