"""`hub vtex load`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Final

import typer

from connectors.vtex.marketplace.connector import VtexMarketplace
from connectors.vtex.marketplace.log_codes import UNCHANGED
from hub.commands import Json, Opened, Wait, drained, output, show_drained, with_connection
from hub.connector import Ledger
from hub.errors import ConfigurationError
from hub.records import JSON

Name = Annotated[str, typer.Argument(help="A connection of vtex-marketplace.")]

#: What the states of records mean for SKUs, in the order in which they are shown. ``unchanged`` is a part of those skipped.
MEANINGS: Final = {
    "success": "sent to the marketplace",
    "unchanged": "the marketplace had it as VTEX does",
    "skipped": "not to be sold here",
    "rejected": "errors that are to be corrected in VTEX",
    "parked": "its category is not mapped",
    "awaiting": "the marketplace has not decided",
    "waiting": "waits for its turn, or is tried again",
    "working": "is being worked",
    "dead": "all attempts are spent; it is tried again, slowly",
    "discarded": "an operator gave it up",
}


def load(name: Name, wait: Wait = 60.0, as_json: Json = False) -> None:
    """Read all SKUs of the sales channel anew, in the foreground, until all are settled, and say what became of them.

    A load that is under way is gone on with. Ends as `hub run --drain` does, and with 1 where the load did not end. SKUs that wait
    for a category mapping or for the marketplace's decision are not waited for.
    """
    under_way = with_connection(name, VtexMarketplace, _is_under_way)
    summary = drained(name, wait=wait, quiet=as_json, full_pass=not under_way)
    found = with_connection(name, VtexMarketplace, _became)
    states = found["states"]

    def people() -> None:
        output.facts(f"load of {name}", {one: found[one] for one in ("began", "ended", "skus")})
        rows = [{"state": one, "SKUs": states[one], "meaning": MEANINGS[one]} for one in states]
        output.table("SKUs", ["state", "SKUs", "meaning"], rows)
        if {"rejected", "skipped", "parked"} & states.keys():
            output.say(f"`hub vtex logs {name}` says why, SKU by SKU")

    show_drained(
        name,
        summary,
        {"load": found},
        as_json=as_json,
        people=people,
        trouble=None if found["ended"] else f"the load has not ended: `hub vtex load {name}` goes on with it",
    )


async def _is_under_way(opened: Opened[VtexMarketplace]) -> bool:
    if not opened.connector.settings.selling:
        raise ConfigurationError(
            "is false: the integration is switched off, and nothing is loaded", field="settings.selling"
        )
    load = (await opened.cursor() or {}).get("load")
    # One that waits for VTEX to list a SKU at all has read nothing yet.
    return load is not None and load.get("again") is None


async def _became(opened: Opened[VtexMarketplace]) -> JSON:
    cursor = await opened.cursor() or {}
    going = cursor.get("load")
    began = going["began"] if going else cursor.get("loaded")
    states = {} if began is None else await _states(opened.connector.history, datetime.fromisoformat(began))
    return {
        "began": began,
        "ended": going is None and began is not None,
        "skus": sum(states.values()),
        "states": {one: states[one] for one in MEANINGS if one in states},
    }


async def _states(history: Ledger, began: datetime) -> Counter[str]:
    """How the newest record stands of each SKU that the load has met."""
    newest: dict[str, str] = {}
    loaded: set[str] = set()
    after: str | None = None
    while True:
        page = await history.history(since=began, states=MEANINGS.keys() - {"unchanged"}, after=after)
        for record in page.records:
            is_same = record.state == "skipped" and (record.error or "").strip() == UNCHANGED
            newest.setdefault(record.key, "unchanged" if is_same else record.state)
            if "load" in record.payload["changed"]:
                loaded.add(record.key)
        if (after := page.cursor) is None:
            return Counter(newest[sku] for sku in loaded)
