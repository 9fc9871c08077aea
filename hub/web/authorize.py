"""``/authorize/…``: where a browser begins and ends an authorization."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.errors import HubError, ServiceUnavailableError
from hub.loop import authorization
from hub.loop.authorization import LIFETIME, AuthorizationRefusedError
from hub.runtime import Runtime
from hub.web.directory import Directory
from hub.web.metrics import WebMetrics

_log = structlog.get_logger(__name__)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
{facts}
</html>
"""


class Authorize:
    """The two pages. A page that refuses says why, and nothing was changed then."""

    def __init__(self, runtime: Runtime, directory: Directory, metrics: WebMetrics) -> None:
        self._runtime = runtime
        self._directory = directory
        self._metrics = metrics

    async def start(self, request: Request) -> Response:
        """``GET /authorize/{connection}?link=…``: off to the other side."""
        try:
            started = await authorization.start(
                self._runtime, request.path_params["connection"], request.query_params.get("link", "")
            )
        except HubError as error:
            return self._refuse("start", error)
        self._metrics.authorization("start", "done")
        answer = RedirectResponse(started.location, status_code=303)
        answer.set_cookie(
            started.cookie,
            started.secret,
            max_age=round(LIFETIME.total_seconds()),
            path=self._cookie_path(),
            secure=self._runtime.settings.web_url.startswith("https:"),
            httponly=True,
            samesite="lax",  # the way back is a navigation from another site
        )
        return answer

    async def finish(self, request: Request) -> Response:
        """``GET /authorize/callback?state=…``: back from the other side."""
        try:
            pairs = request.query_params.multi_items()
            if len({name for name, _ in pairs}) < len(pairs):
                raise AuthorizationRefusedError(
                    "this answer names something twice, so it is not what was sent"
                )
            finished = await authorization.finish(self._runtime, dict(pairs), request.cookies)
        except HubError as error:
            return self._refuse("finish", error)
        self._directory.forget(finished.connection)
        self._metrics.authorization("finish", "done")
        answer = _page(
            200,
            "Authorised",
            f"The connection {finished.connection} has new credentials and works with them from now on. "
            "You can close this page.",
            finished.facts,
        )
        answer.delete_cookie(
            authorization.cookie_of(request.query_params["state"]), path=self._cookie_path(), httponly=True
        )
        return answer

    def _refuse(self, step: str, error: HubError) -> Response:
        if isinstance(error, AuthorizationRefusedError):
            self._metrics.authorization(step, "refused")
            return _page(400, "Not authorised", _sentence(str(error)))
        self._metrics.authorization(step, "unavailable")
        _log.error("an authorization could not go on", step=step, error=str(error))
        what = (
            "store cannot be reached"
            if isinstance(error, ServiceUnavailableError)
            else "connection is broken"
        )
        return _page(503, "Not now", f"The hub's {what}. Nothing was changed; try again later.")

    def _cookie_path(self) -> str:
        """Below the public URL, whatever a proxy strips before the request comes here."""
        return f"{urlsplit(self._runtime.settings.web_url).path}/authorize"


def _page(status: int, title: str, text: str, facts: Mapping[str, str] | None = None) -> HTMLResponse:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in (facts or {}).items()
    )
    content = _PAGE.format(title=escape(title), text=escape(text), facts=f"<dl>{rows}</dl>" if rows else "")
    return HTMLResponse(content, status_code=status)


def _sentence(text: str) -> str:
    first = text.partition(" ")[0]
    if first.endswith(":") and not first[:-1].isalpha():  # a field, which is written as it is
        return f"{text}."
    return f"{text[:1].upper()}{text[1:]}."
