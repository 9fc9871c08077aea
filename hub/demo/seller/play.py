"""The demo from its first process to its verdict, step by step: each waits until what it is about was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub import codec, connection_file, connection_save, event_loop
from hub.boot import open_runtime
from hub.demo.evidence import Check
from hub.demo.seller import scene
from hub.demo.seller.evidence import Evidence, first_prices, judge, last_prices, offers, prices_differ
from hub.demo.stage import Stage
from hub.records import JSON
from hub.settings import Settings
from hub.store import connections
from hub.store.catalog import listing
from hub.store.database import Database
from hub.store.opening import open_store
from hub.store.stats import by_stream

#: Seconds between two looks.
PAUSE = 0.1

#: Told what has happened, with the seconds since the start.
Say = Callable[[float, str], None]


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


@dataclass(frozen=True, kw_only=True)
class Result:
    """How it ended; ``seen`` are the steps that were reached, in order."""

    seconds: float
    in_time: bool
    seen: Sequence[str]
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """All of it was seen."""
        return self.in_time and all(check.ok for check in self.checks)


class _LateError(Exception):
    """The time has run out."""


def play(stage: SellerStage, *, timeout: float, say: Say) -> Result:
    """Run the demo on a stage that is up, for at most ``timeout`` seconds. Raises ``HubError``."""
    settings = Settings()
    db = open_store(settings)
    story = _Story(stage, settings, db, timeout, say)
    try:
        in_time = story.tell()
    finally:
        db.close()
    return Result(
        seconds=round(story.seconds, 1), in_time=in_time, seen=story.seen, checks=judge(story.evidence)
    )


class _Story:
    def __init__(
        self, stage: SellerStage, settings: Settings, db: Database, timeout: float, say: Say
    ) -> None:
        self._stage, self._settings, self._db = stage, settings, db
        self._timeout, self._say = timeout, say
        self._started = time.monotonic()
        self.evidence = Evidence()
        self.seen: list[str] = []

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._started

    def tell(self) -> bool:
        """All of it; False if the time ran out before."""
        steps = (self._import, self._suggest, self._approve, self._sell, self._reprice)
        try:
            for step in steps:
                text = step()
                self.seen.append(text)
                self._say(self.seconds, text)
        except _LateError:
            return False
        return True

    def _import(self) -> str:
        found = self.evidence
        files = scene.write_files(self._stage.merchstack)
        connections.add_tenant(self._db, scene.TENANT)
        tenant = self._connect(scene.GOODS, scene.import_goods(self._stage.merchstack))

        def arrived() -> bool:
            found.catalog = [row["key"] for row in listing.listed(self._db, tenant, "product")]
            found.reports = _reports(self._stage.merchstack)
            return len(found.reports) == len(files)

        self._until(arrived)
        return f"Merchstack's {len(files)} files are in the catalog: {len(found.catalog)} products"

    def _suggest(self) -> str:
        found, vtex = self.evidence, self._stage.vtex
        self._connect(scene.MARKET, scene.offer_goods(vtex.url))

        def suggested() -> bool:
            found.suggested = vtex.state()
            return len(found.suggested["suggestions"]) == len(scene.goods())

        self._until(suggested)
        return f"{len(scene.goods())} SKUs are suggested to the marketplace, which has not decided"

    def _approve(self) -> str:
        found, vtex = self.evidence, self._stage.vtex
        self._until(self._web_answers)
        vtex.tell("approve")

        def offered() -> bool:
            found.accepted = _accepted(self._db)
            found.offered = vtex.state()
            return found.accepted == len(scene.goods()) and not list(
                prices_differ(found.offered, first_prices())
            )

        self._until(offered)
        slowest = max(offer["duration_ms"] for offer in offers(found.offered).values())
        return (
            f"it has approved them, and asked {self._stage.web}/c/{scene.MARKET}/… for price and stock: "
            f"all are available, the slowest answer took {slowest} ms"
        )

    def _sell(self) -> str:
        goods = scene.goods()[:2]
        self.evidence.cart = self._stage.vtex.tell(
            "checkout", items=[{"id": one.variant, "quantity": 2} for one in goods], **scene.ADDRESS
        )
        return f"a shopper with two of them in the cart is answered in {self.evidence.cart['duration_ms']} ms"

    def _reprice(self) -> str:
        found, merchantops = self.evidence, self._stage.merchantops
        merchantops.tell("records", items=scene.price_records())
        self._connect(scene.PRICES, scene.import_prices(merchantops.url))

        def arrived() -> bool:
            found.repriced = self._stage.vtex.state()
            found.outcomes = _outcomes(merchantops.state())
            return not list(prices_differ(found.repriced, last_prices())) and all(found.outcomes.values())

        self._until(arrived)
        return f"{scene.PUBLISHED} prices of MerchantOps went through the catalog to the marketplace, which offers them now"

    def _connect(self, name: str, written: Mapping[str, Any]) -> int:
        """A connection, as `hub connection add` adds it; its tenant, as the store calls it."""
        return event_loop.run(_connect(self._settings, name, written))

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self._stage.web}/readyz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._stage.look()
            if self.seconds > self._timeout:
                raise _LateError
            time.sleep(PAUSE)


async def _connect(settings: Settings, name: str, written: Mapping[str, Any]) -> int:
    runtime = open_runtime(settings, redis_url=None)
    try:
        file = connection_file.parse(dict(written))
        await connection_save.save(runtime, tenant=scene.TENANT, name=name, file=file)
        return connections.get_connection(runtime.db, name).tenant_id
    finally:
        await runtime.close()


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
