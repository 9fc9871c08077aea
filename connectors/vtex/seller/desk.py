"""What a person asks about SKUs at a marketplace: the list, one of them, and to begin one of them again."""

from __future__ import annotations

from datetime import datetime

from connectors.vtex.seller.client import SellerClient
from connectors.vtex.seller.connector import NAMES, VtexSeller
from connectors.vtex.seller.feed import CATALOG, anew
from connectors.vtex.seller.identity import id_faults
from connectors.vtex.seller.standing import KIND, Standing
from hub.commands import Opened
from hub.connector import IdMap
from hub.errors import ConfigurationError, NotFoundError
from hub.excerpt import excerpt
from hub.records import JSON

#: Ids that are read at once.
PAGE = 500

_OF_RECORD = ("id", "state", "error", "attempts", "total_attempts", "admitted_at", "settled_at")


async def listed(ids: IdMap, *, state: str | None, after: str, limit: int) -> list[JSON]:
    """At most ``limit`` SKUs behind ``after``, those in ``state`` alone."""
    rows: list[JSON] = []
    while len(rows) < limit:
        page = await ids.page(KIND, after=after, limit=PAGE)
        for sku, text in page.items():
            row = _row(sku, Standing.parse(text))
            if state is None or row["state"] == state:
                rows.append(row)
        if len(page) < PAGE:
            break
        after = list(page)[-1]
    return rows[:limit]


async def shown(opened: Opened[VtexSeller], sku: str) -> JSON:
    """One SKU with its newest record, None where it was pruned. Raises ``NotFoundError``."""
    known, record = await _known(opened, sku)
    kept = None if record is None else {name: record[name] for name in _OF_RECORD}
    return {**_row(sku, known), "record": kept}


async def forget(opened: Opened[VtexSeller], sku: str) -> JSON:
    """Take its suggestion back where there is one that was not accepted, forget the SKU, and offer it as a new one.

    Raises ``NotFoundError`` for a SKU that was never offered, ``ConfigurationError`` for a name that no path takes
    and for a suggestion in a state that is not documented, and what the marketplace refuses; nothing is changed then.
    """
    connector = opened.connector
    known, record = await _known(opened, sku)
    if faults := id_faults(sku):
        raise ConfigurationError(
            f"{excerpt(sku)} {'; '.join(faults)}: it was never offered, and is as soon as it has another name",
            field="sku",
        )
    variant = await _variant(connector, sku, record)
    client = SellerClient(connector.ports.http, connector.settings, connector.credentials)
    found = await client.suggestion(sku)
    if found is not None and found.state == "unknown":
        raise ConfigurationError(
            f"the marketplace calls the state of its suggestion {excerpt(found.status or 'nothing')}, which is not "
            "documented: ask the marketplace to decide; nothing was changed",
            field="sku",
        )
    taken_back = found is not None and found.state != "accepted" and await client.forget(sku)
    await connector.ports.ids.remove(KIND, [sku])
    await opened.admit([anew(sku, variant, connector.ports.clock.now().isoformat())])
    return {
        "sku": sku,
        "taken_back": taken_back,
        "found": found and found.state,
        "known": None if known is None else _told(known),
        "status": opened.status,
    }


async def _known(opened: Opened[VtexSeller], sku: str) -> tuple[Standing | None, JSON | None]:
    kept = await opened.connector.ports.ids.get(KIND, [sku])
    record = await opened.latest(CATALOG, sku)
    if not kept and record is None:
        raise NotFoundError(
            f"nothing is known of the SKU {excerpt(sku)}: it was never offered here; `hub vtex suggestions list` and "
            f"`hub records list {opened.connector.ports.connection} --stream {CATALOG}` show those that were"
        )
    return Standing.parse(kept.get(sku)), record


async def _variant(connector: VtexSeller, sku: str, record: JSON | None) -> str:
    """The key of the variant that is called so at the marketplace."""
    if connector.settings.sku == "key":
        return sku
    if record is not None:
        return str(record["payload"]["variant"])
    after = ""
    while page := await connector.ports.ids.page(NAMES, after=after, limit=PAGE):
        for variant, name in page.items():
            if name == sku:
                return variant
        after = list(page)[-1]
    raise NotFoundError(f"no variant is called {excerpt(sku)} any more; it cannot be offered anew")


def _row(sku: str, known: Standing | None) -> JSON:
    return {"sku": sku, **_told(known)}


def _told(known: Standing | None) -> JSON:
    told = {name: getattr(known, name, None) for name in ("state", "since", "sent", "said", "reason")}
    return told | {name: _moment(told[name]) for name in ("since", "sent")}


def _moment(text: str | None) -> str | None:
    """As all commands show times."""
    if text is None:
        return None
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")
