"""The report of an import, written by whoever polls and by whoever closes a group, perhaps at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.shopify import tally
from connectors.shopify.connector import Shopify
from connectors.shopify.progress import report_of
from hub.records import JSON, GroupTally
from hub.store.plugin_ports import StoredDocuments
from tests.connectors.shopify.conftest import NAME, Import, Serve


class Interrupted(StoredDocuments):
    """Somebody else writes as soon as this one has read."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def get(self, name: str) -> JSON | None:
        found = await super().get(name)
        await self.interrupt()
        return found

    async def interrupt(self) -> None:
        """Only once."""
        if (call := self.meanwhile) is not None:
            self.meanwhile = None
            await call()


def report(name: str, kind: str = "full") -> JSON:
    """Of a pass that read one product."""
    counts = {"read": 1, "created": 0, "updated": 0, "unchanged": 1, "gone": 0, "rejected": 0, "bad": 0}
    return {
        "pass": name,
        "kind": kind,
        "resources": {"products": counts | {"complete": True, "warnings": {}}},
    }


def settled(name: str) -> GroupTally:
    """The group of that pass: the product is new."""
    none: dict[str, Any] = dict.fromkeys(("skipped", "rejected", "dead", "superseded", "discarded"), 0)
    return GroupTally(name=name, stream="products", admitted=1, success=1, created=1, **none)


async def racing(shop: Import) -> tuple[Shopify, Shopify, Interrupted]:
    """The connector in two processes, of which the second one is interrupted."""
    stored = shop.hub.connection(NAME)
    pipeline = await shop.hub.runtime.pipeline(stored.id)
    connector = pipeline.connector
    assert isinstance(connector, Shopify)
    documents = Interrupted(shop.hub.db, tenant_id=stored.tenant_id, connection_id=stored.id)
    slow = Shopify(connector.settings, connector.credentials, replace(connector.ports, documents=documents))
    return connector, slow, documents


async def test_a_group_that_closes_loses_no_report_that_is_written_meanwhile(importing: Serve) -> None:
    """The poll of the next pass ends while the records of the last one are counted."""
    async with importing() as shop:
        quick, slow, documents = await racing(shop)
        await quick._keep(report("first"))
        documents.meanwhile = lambda: quick._keep(report("second"))
        await slow.close_group(settled("first"))
        await documents.interrupt()
        last = await shop.report()

    assert [last["pass"], *(one["pass"] for one in last["earlier"])] == ["second", "first"]
    assert last["earlier"][0]["resources"]["products"]["created"] == 1


async def test_a_report_that_is_written_loses_no_count_of_a_group_meanwhile(importing: Serve) -> None:
    """The other way round."""
    async with importing() as shop:
        quick, slow, documents = await racing(shop)
        await quick._keep(report("first"))
        documents.meanwhile = lambda: quick.close_group(settled("first"))
        await slow._keep(report("second"))
        await documents.interrupt()
        last = await shop.report()

    assert [last["pass"], *(one["pass"] for one in last["earlier"])] == ["second", "first"]
    assert last["earlier"][0]["resources"]["products"]["created"] == 1


@pytest.mark.parametrize("later", (1, 5, 6, 20))
async def test_the_report_of_a_full_pass_outlives_incremental_ones(importing: Serve, later: int) -> None:
    """However many come before its records are counted, and afterwards."""
    async with importing() as shop:
        quick, _, _ = await racing(shop)
        await quick._keep(report("full"))
        for number in range(later):
            await quick._keep(report(f"incremental-{number}", "incremental"))
        await quick.close_group(settled("full"))
        for number in range(later, 2 * later):
            await quick._keep(report(f"incremental-{number}", "incremental"))
        last = await shop.report()

    earlier = {one["pass"]: one for one in last["earlier"]}
    assert last["pass"] == f"incremental-{2 * later - 1}"
    assert earlier["full"]["resources"]["products"]["created"] == 1
    assert len(earlier) == min(2 * later, tally.MOST_EARLIER)


async def test_a_newer_full_pass_takes_the_place_of_an_older_one(importing: Serve) -> None:
    """Only the latest one is kept for good."""
    async with importing() as shop:
        quick, _, _ = await racing(shop)
        for name in ("first", "second"):
            await quick._keep(report(name))
        for number in range(6):
            await quick._keep(report(f"incremental-{number}", "incremental"))
        last = await shop.report()

    assert [one["pass"] for one in last["earlier"] if one["kind"] == "full"] == ["second"]


async def test_what_is_shown_after_many_incremental_passes_is_the_import(importing: Serve) -> None:
    """Those that changed nothing do not hide it, also where its report is not among the latest."""
    async with importing() as shop:
        quick, _, _ = await racing(shop)
        times = {"begun": "2026-06-01T12:00:00+00:00", "ended": "2026-06-01T12:01:00+00:00"}
        await quick._keep(report("full") | times)
        for number in range(20):
            await quick._keep(report(f"incremental-{number}", "incremental") | times)
        shown = await quick.import_report({})

    assert shown is not None
    assert (shown.name, shown.full) == ("full", True)


def test_an_import_that_is_not_all_in_is_told_of_rather_than_what_follows_it() -> None:
    """Whoever goes on with an import must not begin another one because changes are read meanwhile; once it is in, they are
    told of."""
    times = {"begun": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00"}
    first, changes = report("first") | times, report("changes", "incremental") | times
    changes["resources"]["products"]["updated"] = 1
    following = {
        "pass": {
            "name": "next",
            "kind": "incremental",
            "begun": times["begun"],
            "tallies": {"products": tally.new()},
        }
    }
    again = {"pass": {**following["pass"], "name": "again", "kind": "full"}}

    def told(cursor: JSON, *reports: JSON) -> str | None:
        last: JSON | None = None
        for one in reports:
            last = tally.kept(last, one)
        found = report_of(cursor, last)
        return None if found is None else found.name

    closed = tally.closed(report("first") | times, settled("first"))
    assert told(following, first) == "first"
    assert told({}, first, changes) == "first"
    assert told(again, first, changes) == "again"
    assert told(following, closed) == "next"
    assert told({}, closed, changes) == "changes"
    assert told(following) == "next"
