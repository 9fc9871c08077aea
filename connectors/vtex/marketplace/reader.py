"""What a marketplace may ask an account of VTEX: its SKUs, their products, and what they are sold for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from connectors.vtex.access import Hosts, Routes, VtexCredentials, bucket, headers, naming, segment
from connectors.vtex.answers import is_page, said
from connectors.vtex.marketplace.goods import identifier
from connectors.vtex.marketplace.settings import VtexMarketplaceSettings
from connectors.vtex.marketplace.simulation import Simulated, read, request_of
from hub import codec
from hub.connector import Http
from hub.errors import ConnectionFailedError, RetryableError
from hub.excerpt import excerpt
from hub.records import JSON

#: What License Manager calls what each call needs; the role "IntegrationProfile - Fulfillment Gateway Oms" has all of it.
CATALOG: Final = "Catalog > Content > Sku"
SIMULATE: Final = "Fulfillment Gateway > Simulation"
AFFILIATES: Final = "Fulfillment Gateway > Affiliates"

_SKU: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_SYSTEM: Final = "/api/catalog_system/pvt"
#: The route that says how much stock there is, and the public one, which does not (VTEX facts, "Simulation").
SIMULATION_ROUTES: Final[Mapping[str, str]] = {
    "fulfillment": "/api/fulfillment/pvt/orderForms/simulation",
    "checkout": "/api/checkout/pub/orderForms/simulation",
}


class Reader:
    """Knows paths, headers, buckets and the meaning of answers, and no more.

    Every call raises what ``Http.request`` does, a refused key with the resource that it lacks, and
    ``RetryableError`` for an answer that VTEX did not write.
    """

    def __init__(self, http: Http, settings: VtexMarketplaceSettings, credentials: VtexCredentials) -> None:
        self._http = http
        self._settings = settings
        self._headers = headers(credentials)
        self._hosts = Hosts.of(settings.account, settings.environment, settings.endpoint)

    async def skus(self, page: int, size: int) -> Sequence[str]:
        """The ids on a page, from 1 on, of all SKUs in the sales channel (CAT).

        How many a page holds at most is not documented, and ``page`` was seen to be ignored.
        """
        # "onlyAssigned=false adds SKUs not assigned to the channel" (VTEX facts, "SKU list").
        params: dict[str, str | int] = {
            "sc": self._settings.sales_channel,
            "page": page,
            "pageSize": size,
            "onlyAssigned": "true",
        }
        path = f"{_SYSTEM}/sku/stockkeepingunitidsbysaleschannel"
        found = await self._get(path, params, "catalog", CATALOG)
        skus = [identifier(one) for one in found] if isinstance(found, list) else [None]
        if not all(sku is not None and _SKU.fullmatch(sku) for sku in skus):
            raise RetryableError(f"the list of SKUs is none: {excerpt(found, 200)}")
        return [sku for sku in skus if sku is not None]

    async def sku(self, sku: str) -> JSON | None:
        """An SKU as its sales channel has it; None where there is no such SKU (CAT)."""
        path = f"{_SYSTEM}/sku/stockkeepingunitbyid/{segment(sku)}"
        return _object(await self._get(path, {"sc": self._settings.sales_channel}, "catalog", CATALOG))

    async def product(self, product: str) -> JSON | None:
        """A product, whose ``IsActive`` and sales channels say what an SKU may leave open; None for an unknown one (CAT)."""
        path = f"{_SYSTEM}/products/productget/{segment(product)}"
        return _object(await self._get(path, {}, "catalog", CATALOG))

    async def simulate(self, skus: Sequence[str]) -> Mapping[str, Simulated | RetryableError]:
        """What SKUs are sold for in the sales channel, without an address, or why that cannot be read; what is not sold is
        left out."""
        settings = self._settings
        params: dict[str, str | int] = {"sc": settings.sales_channel}
        if settings.affiliate_id:
            params["affiliateId"] = settings.affiliate_id
        answer = await self._ask(
            "POST",
            SIMULATION_ROUTES[settings.simulation_route],
            params,
            "simulation",
            SIMULATE,
            json=request_of(skus, nulls=settings.send_nulls),
        )
        try:
            return read(codec.loads(answer.content), skus)
        except (codec.DecodeError, RecursionError, ValueError) as error:
            raise RetryableError(f"the answer to a simulation cannot be read: {error}") from None

    async def affiliate(self) -> JSON | None:
        """The affiliate that the hub is to VTEX; None where there is none of this id (MKT)."""
        path = f"/api/fulfillment/pvt/affiliates/{segment(self._settings.affiliate_id or '')}"
        return _object(await self._get(path, {}, "affiliates", AFFILIATES))

    async def _get(self, path: str, params: Mapping[str, str | int], routes: Routes, resource: str) -> Any:
        """What an answer holds; None for a 404 that names what is not there."""
        answer = await self._ask("GET", path, params, routes, resource, accept=(404,))
        if answer.status_code == 404:
            if is_page(answer):
                raise self._misdirected(answer)
            return None
        try:
            return codec.loads(answer.content)
        except (codec.DecodeError, RecursionError):
            raise RetryableError(
                f"GET {path}: the answer is no JSON but {excerpt(said(answer.content), 200)}"
            ) from None

    async def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int],
        routes: Routes,
        resource: str,
        *,
        json: JSON | None = None,
        accept: Sequence[int] = (),
    ) -> httpx.Response:
        with naming(resource):
            return await self._http.request(
                method,
                self._hosts.store + path,
                params=params,
                headers=self._headers,
                json=json,
                bucket=bucket(self._settings.account, routes, self._settings.requests_per_second),
                accept=accept,
            )

    def _misdirected(self, answer: httpx.Response) -> ConnectionFailedError:
        settings = self._settings
        address = f", settings.endpoint ({settings.endpoint})" if settings.endpoint else ""
        return ConnectionFailedError(
            f"HTTP 404 with {excerpt(said(answer.content), 200)}: this is no account of VTEX; check settings.account "
            f"({settings.account}){address}"
        )


def _object(found: Any) -> JSON | None:
    if found is not None and not isinstance(found, dict):
        raise RetryableError(f"VTEX answered {excerpt(found, 200)} instead of an object")
    return found
