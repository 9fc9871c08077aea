"""What a seller may call at a marketplace, and what each answer means there. Never the catalog itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from connectors.vtex.access import Hosts, Routes, VtexCredentials, bucket, headers, naming, segment
from connectors.vtex.answers import is_page, said
from connectors.vtex.seller.settings import ChangeRoute, VtexSellerSettings
from connectors.vtex.seller.suggestion import Suggestion, read
from hub import codec
from hub.connector import Http
from hub.errors import ConnectionFailedError, RetryableError
from hub.excerpt import excerpt
from hub.records import JSON

#: Whether the marketplace has the SKU.
Standing = Literal["known", "new"]

#: Of each change route its path, its bucket and the resource that it needs (CAT, SKB).
CHANGE_ROUTES: Final[Mapping[ChangeRoute, tuple[str, Routes, str]]] = {
    "classic": (
        "/api/catalog_system/pvt/skuseller/changenotification",
        "catalog",
        "Catalog > Marketplace > Seller SKUs",
    ),
    "sku-binding": (
        "/api/sku-binding/pvt/skuseller/changenotification",
        "sku-binding",
        "Catalog API > General > Edit Product",
    ),
}
#: Resources of License Manager (MKT, SUG). Since March 2026 the first one is asked for (VTEX facts, 1).
NOTIFY: Final = "Seller Register > Seller Administration > View Seller"
SEND: Final = "Channels > UI resources > Send marketplace suggestion"
DELETE: Final = "Channels > UI resources > Save suggestion rules"

#: What a 404 says of a SKU that the marketplace does not have (CAT, SKB).
_NOT_FOUND: Final = re.compile(r"seller\s+stockkeepingunit\b.*\bnot\s+found\b.*\bseller\b", re.IGNORECASE)
#: Characters of an answer in which that is looked for: it quotes both ids, which may take 200 each.
_LOOKED_THROUGH: Final = 1000
#: Redirects of an API lead to a login page.
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """``resource`` is what License Manager calls what it needs."""

    method: str
    url: str
    routes: Routes
    resource: str


class SellerClient:
    """Knows paths, headers, buckets and the meaning of answers, and no more.

    Every call raises what ``Http.request`` does, a refused key with the resource that it lacks, and
    ``ConnectionFailedError`` where account, seller or route are wrong: going on would flood the marketplace.
    """

    def __init__(self, http: Http, settings: VtexSellerSettings, credentials: VtexCredentials) -> None:
        self._http = http
        self._settings = settings
        self._headers = headers(credentials)
        self._hosts = Hosts.of(settings.account, settings.environment, settings.endpoint)
        self._seller = segment(settings.seller_id)

    async def notify_changed(self, seller_sku: str) -> Standing:
        """Tell that a SKU is new or has changed. ``new``: it has to be suggested.

        An empty 404, or the documented text, says new; any other 404 raises ``ConnectionFailedError``.
        """
        path, routes, resource = CHANGE_ROUTES[self._settings.change_route]
        url = f"{self._hosts.store}{path}/{self._seller}/{segment(seller_sku)}"
        answer = await self._ask(_Call(method="POST", url=url, routes=routes, resource=resource))
        if answer.status_code != 404:
            return "known"
        text = said(answer.content, _LOOKED_THROUGH)
        if text and not _NOT_FOUND.search(text):
            raise self._misdirected(answer)
        return "new"

    async def notify_price(self, seller_sku: str) -> Standing:
        """Tell that a price has changed; the marketplace asks for it itself. For prices alone (MKT)."""
        return await self._notify(seller_sku, "price")

    async def notify_stock(self, seller_sku: str) -> Standing:
        """Tell that a stock level has changed; the marketplace asks for it itself. For stock alone (MKT)."""
        return await self._notify(seller_sku, "inventory")

    async def suggestion(self, seller_sku: str) -> Suggestion | None:
        """What became of a suggestion; None where there is none, be it that it was approved long ago.

        An answer that cannot be read is ``unknown``: nobody may write over it.
        """
        answer = await self._ask(self._suggestion_call("GET", seller_sku, SEND))
        if answer.status_code == 404:
            if is_page(answer):
                raise self._misdirected(answer)
            return None
        try:
            return read(codec.loads(answer.content))
        except (codec.DecodeError, RecursionError):
            return Suggestion(state="unknown", status=said(answer.content) or None)

    async def suggest(self, seller_sku: str, body: JSON) -> None:
        """Send a suggestion, or a newer version of one that is pending. Never after it was decided."""
        answer = await self._ask(self._suggestion_call("PUT", seller_sku, SEND), body)
        if answer.status_code == 404:
            raise self._misdirected(answer)

    async def forget(self, seller_sku: str) -> bool:
        """Take a suggestion back; False where there was none. It cannot be undone (SUG)."""
        answer = await self._ask(self._suggestion_call("DELETE", seller_sku, DELETE))
        if is_page(answer):
            raise self._misdirected(answer)
        return answer.status_code != 404

    async def _notify(self, seller_sku: str, what: Literal["price", "inventory"]) -> Standing:
        path = f"/api/notificator/{self._seller}/changenotification/{segment(seller_sku)}/{what}"
        call = _Call(method="POST", url=self._hosts.store + path, routes="notificator", resource=NOTIFY)
        answer = await self._ask(call)
        if answer.status_code == 404 and is_page(answer):
            raise self._misdirected(answer)
        return "new" if answer.status_code == 404 else "known"

    def _suggestion_call(self, method: str, seller_sku: str, resource: str) -> _Call:
        url = f"{self._hosts.api}/suggestions/{self._seller}/{segment(seller_sku)}"
        return _Call(method=method, url=url, routes="suggestions", resource=resource)

    async def _ask(self, call: _Call, body: JSON | None = None) -> httpx.Response:
        """A 2xx that is no page, or a 404."""
        with naming(call.resource):
            answer = await self._http.request(
                call.method,
                call.url,
                headers=self._headers,
                json=body,
                bucket=bucket(self._settings.account, call.routes, self._settings.requests_per_second),
                accept=(404, *_REDIRECTS),
            )
        if answer.status_code in _REDIRECTS:
            raise self._misdirected(answer)
        if answer.status_code != 404 and is_page(answer):
            raise RetryableError(
                f"{call.method} {call.url}: HTTP {answer.status_code} with {said(answer.content)}, which VTEX did not "
                "write; see what stands between",
                response_code=answer.status_code,
            )
        return answer

    def _misdirected(self, answer: httpx.Response) -> ConnectionFailedError:
        settings = self._settings
        text = said(answer.content) or "nothing"
        route = f", settings.change_route ({settings.change_route})"
        address = f", settings.endpoint ({settings.endpoint})" if settings.endpoint else ""
        return ConnectionFailedError(
            f"HTTP {answer.status_code} with {excerpt(text, 200)}: wrong account, seller id or route; check "
            f"settings.account ({settings.account}), settings.seller_id ({settings.seller_id}){route}{address}, "
            "and that the marketplace has this seller"
        )
