"""The demo from its first process to its verdict, step by step: each waits until what it is about was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from hub import codec
from hub.demo.evidence import Check
from hub.demo.marketplace import scene
from hub.demo.marketplace.evidence import Evidence, differences, judge, on_sale, sellable
from hub.demo.stage import Stage
from hub.demo.story import Story
from hub.records import JSON
from hub.store.connections import get_connection
from hub.store.ledger.letters import list_records

#: All categories, once all are mapped.
EVERY = {**scene.MAPPED_FIRST, **scene.MAPPED_LATER}


class MarketplaceStage(Stage):
    """``vtex`` is an account, ``market`` sells its goods."""

    def __init__(self) -> None:
        super().__init__()
        self.vtex = self.simulate("vtex", **scene.options(self.web))
        self.market = self.simulate("marketplace", token=scene.MARKETPLACE_TOKEN)


class MarketplaceStory(Story[MarketplaceStage]):
    """A load, a mapping, changes, and what the logs tell."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.evidence = Evidence()

    @property
    def steps(self) -> Sequence[Callable[[], str]]:
        """In this order."""
        return (self._register, self._load, self._map, self._change, self._ask_for_logs)

    def judged(self) -> Sequence[Check]:
        """By what was collected."""
        return judge(self.evidence)

    def _register(self) -> str:
        vtex = self.stage.vtex
        self.evidence.vtex = scene.goods(vtex)
        self.until(self.web_answers)
        self.connect(scene.CONNECTION, scene.connection(vtex.url, self.stage.market.url))
        self.until(lambda: vtex.summary()["mapper_trees"] > 0)
        vtex.tell("map", categories=scene.MAPPED_FIRST)
        return f"the hub has sent the marketplace's categories to VTEX Mapper, where {len(scene.MAPPED_FIRST)} are mapped"

    def _load(self) -> str:
        found = self.evidence
        wanted = sellable(found.vtex, categories=scene.MAPPED_FIRST)
        waits = sellable(found.vtex, categories=scene.MAPPED_LATER)

        def loaded() -> bool:
            found.loaded, found.parked = self.stage.market.state(), self._parked()
            return on_sale(found.loaded) == wanted and set(found.parked) == waits

        self.until(loaded)
        left = scene.SKUS - len(wanted) - len(waits)
        return (
            f"the load: {len(wanted)} of {scene.SKUS} SKUs are for sale, {len(waits)} wait for their category, "
            f"{left} are not to be sold"
        )

    def _map(self) -> str:
        found = self.evidence
        self.stage.vtex.tell("map", categories=scene.MAPPED_LATER)

        def gone_on() -> bool:
            found.mapped = self.stage.market.state()
            return on_sale(found.mapped) == sellable(found.vtex, categories=EVERY)

        self.until(gone_on)
        return f"their category is mapped, and {len(found.parked)} SKUs went on by themselves"

    def _change(self) -> str:
        """A price, a stock level, a deactivation and an activation."""
        found, vtex = self.evidence, self.stage.vtex
        dearer, fewer, stopped = [int(sku) for sku in sorted(on_sale(found.mapped))[:3]]
        begun = next(int(one.sku) for one in found.vtex.values() if not one.active)
        vtex.tell("change", skus=[dearer], price=12_345)
        vtex.tell("change", skus=[fewer], stock=2)
        vtex.tell("change", skus=[stopped], active=False)
        vtex.tell("change", skus=[begun], active=True)
        found.vtex_last = scene.goods(vtex)

        def arrived() -> bool:
            found.changed, found.told = self.stage.market.state(), vtex.summary()
            sold = on_sale(found.changed) == sellable(found.vtex_last, categories=EVERY)
            return sold and not list(differences(found.changed, found.vtex_last))

        self.until(arrived)
        return f"VTEX has told of changes: {dearer} costs 123.45, {fewer} has 2 pieces, {stopped} is off sale, {begun} on sale"

    def _ask_for_logs(self) -> str:
        address = scene.logs(self.stage.web)

        def told() -> bool:
            self.evidence.logs = _logs(address)
            return all(check.ok for check in self.judged())

        self.until(told)
        messages = [one for some in self.evidence.logs.values() for one in some]
        statuses = {one["Status"]: 0 for one in messages}
        for one in messages:
            statuses[one["Status"]] += 1
        said = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        return f"VTEX asks for the logs, and has {len(messages)} messages: {said}"

    def _parked(self) -> Sequence[str]:
        connection = get_connection(self.db, scene.CONNECTION)
        rows = list_records(self.db, connection.id, state="parked", limit=scene.SKUS)
        return [row["key"] for row in rows]


def _logs(address: str) -> Mapping[str, Sequence[JSON]]:
    """Messages by SKU."""
    answer = httpx.get(address, params={"status": "all"}, trust_env=False, timeout=10)
    found: dict[str, list[JSON]] = {}
    for message in codec.loads(answer.raise_for_status().content)["Messages"]:
        found.setdefault(codec.loads(message["ContentSource"])["sku"], []).append(message)
    return found
