"""The one way out: pooled, limited, broken by the circuit, guarded, measured and redacted."""

from __future__ import annotations

from hub.http.call import HttpCall, Observe, Side
from hub.http.connection import ConnectionHttp
from hub.http.guard import check_url
from hub.http.pool import HttpPool
from hub.http.redact import Redactor

__all__ = ["ConnectionHttp", "HttpCall", "HttpPool", "Observe", "Redactor", "Side", "check_url"]
