"""The demo from its first process to its verdict, step by step: each waits until what it is about was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub import codec
from hub.demo.evidence import Check
from hub.demo.seller import scene
from hub.demo.seller.evidence import Evidence, first_prices, judge, last_prices, offers, prices_differ
from hub.demo.stage import Stage
from hub.demo.story import Story
from hub.records import JSON
from hub.store.catalog import listing
from hub.store.database import Database
from hub.store.stats import by_stream


class SellerStage(Stage):
    """``merchstack`` is a folder with its files, ``merchantops`` and ``vtex`` are simulators."""

    def __init__(self) -> None:
        super().__init__()
        self.merchstack = self.home / "merchstack"
        self.merchantops = self.simulate(
            "merchantops", records=0, target_key=scene.TARGET, api_key=scene.MERCHANTOPS_KEY
        )
        self.vtex = self.simulate(
            "vtex",
            account=scene.ACCOUNT,
            seller_id=scene.SELLER,
            seller_endpoint=scene.endpoint(self.web),
            approve="manual",
            require_headers="true",
        )


class SellerStory(Story[SellerStage]):
    """Files, suggestions, an approval, a shopper, and other prices."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.evidence = Evidence()

    @property
    def steps(self) -> Sequence[Callable[[], str]]:
        """In this order."""
        return (self._import, self._suggest, self._approve, self._sell, self._reprice)

    def judged(self) -> Sequence[Check]:
        """By what was collected."""
        return judge(self.evidence)

    def _import(self) -> str:
        found = self.evidence
        files = scene.write_files(self.stage.merchstack)
        tenant = self.connect(scene.GOODS, scene.import_goods(self.stage.merchstack))

        def arrived() -> bool:
            found.catalog = [row["key"] for row in listing.listed(self.db, tenant, "product")]
            found.reports = _reports(self.stage.merchstack)
            return len(found.reports) == len(files)

        self.until(arrived)
        return f"Merchstack's {len(files)} files are in the catalog: {len(found.catalog)} products"

    def _suggest(self) -> str:
        found, vtex = self.evidence, self.stage.vtex
        self.connect(scene.MARKET, scene.offer_goods(vtex.url))

        def suggested() -> bool:
            found.suggested = vtex.state()
            return len(found.suggested["suggestions"]) == len(scene.goods())

        self.until(suggested)
        return f"{len(scene.goods())} SKUs are suggested to the marketplace, which has not decided"

    def _approve(self) -> str:
        found, vtex = self.evidence, self.stage.vtex
        self.until(self.web_answers)
        vtex.tell("approve")

        def offered() -> bool:
            found.accepted = _accepted(self.db)
            found.offered = vtex.state()
            return found.accepted == len(scene.goods()) and not list(
                prices_differ(found.offered, first_prices())
            )

        self.until(offered)
        slowest = max(offer["duration_ms"] for offer in offers(found.offered).values())
        return (
            f"it has approved them, and asked {self.stage.web}/c/{scene.MARKET}/… for price and stock: "
            f"all are available, the slowest answer took {slowest} ms"
        )

    def _sell(self) -> str:
        goods = scene.goods()[:2]
        self.evidence.cart = self.stage.vtex.tell(
            "checkout", items=[{"id": one.variant, "quantity": 2} for one in goods], **scene.ADDRESS
        )
        return f"a shopper with two of them in the cart is answered in {self.evidence.cart['duration_ms']} ms"

    def _reprice(self) -> str:
        found, merchantops = self.evidence, self.stage.merchantops
        merchantops.tell("records", items=scene.price_records())
        self.connect(scene.PRICES, scene.import_prices(merchantops.url))

        def arrived() -> bool:
            found.repriced = self.stage.vtex.state()
            found.outcomes = _outcomes(merchantops.state())
            return not list(prices_differ(found.repriced, last_prices())) and all(found.outcomes.values())

        self.until(arrived)
        return f"{scene.PUBLISHED} prices of MerchantOps went through the catalog to the marketplace, which offers them now"


def _accepted(db: Database) -> int:
    """How many SKUs the hub knows the marketplace to have."""
    streams = by_stream(db, scene.MARKET)
    return sum(stream.states["success"] for stream in streams if stream.stream == "catalog")


def _reports(folder: Path) -> Mapping[str, JSON]:
    return {path.name: codec.loads(path.read_bytes()) for path in (folder / "done").glob("[!.]*.report.json")}


def _outcomes(state: JSON) -> Mapping[str, JSON | None]:
    """What MerchantOps was told, by the key of its record."""
    return {
        key: record["outcome"] for target in state["targets"] for key, record in target["records"].items()
    }
