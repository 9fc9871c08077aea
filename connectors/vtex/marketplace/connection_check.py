"""Whether an account can be read, and tells this hub of its changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.vtex.marketplace.addresses import Addresses
from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.settings import VtexMarketplaceSettings
from hub.connector import CheckResult
from hub.records import JSON


async def check(reader: Reader, settings: VtexMarketplaceSettings, addresses: Addresses) -> CheckResult:
    """List a few SKUs, and look where the affiliate's notifications go."""
    skus = await reader.skus(1, 1)
    affiliate = await reader.affiliate() if settings.affiliate_id else None
    shown = addresses.shown()
    return CheckResult(
        facts={
            "account": settings.account,
            "sales channel": settings.sales_channel,
            "notification endpoint": shown.notifications,
            "logs": f"{shown.endpoint}/{settings.account}/logs/",
        },
        warnings=list(_warnings(settings, addresses, skus, affiliate)),
    )


def _warnings(
    settings: VtexMarketplaceSettings, addresses: Addresses, skus: Sequence[str], affiliate: JSON | None
) -> Iterator[str]:
    if not skus:
        yield (
            f"VTEX lists no SKU in the sales channel {settings.sales_channel}: check settings.sales_channel"
        )
    if settings.affiliate_id and affiliate is None:
        yield f"the account has no affiliate {settings.affiliate_id}; create it in its admin"
    if affiliate is not None and affiliate.get("searchURIEndpoint") != addresses.notifications:
        yield f"the affiliate's search endpoint is another one; set it to {addresses.shown().notifications}"
    if addresses.secret is None:
        yield "without credentials.endpoint_secret everybody may send notifications and read the logs"
