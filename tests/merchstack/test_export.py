"""An export of a whole hub: what left a product, and prices that begin by themselves, reach Merchstack's files."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.merchstack.export import MerchstackExport
from connectors.merchstack.export_settings import MerchstackExportSettings
from connectors.merchstack.location import S3Credentials
from hub.connector import Ports
from hub.records import JSON, Page, PollRequest, Record
from hub.testing.books import assert_tallies_are_the_rows
from tests.loop.hub_of_a_test import TENANT, Hub, Script, Scripted
from tests.merchstack.shop import Outbox, work_to_the_end


class TurnedExport(MerchstackExport):
    """The connector as it is, on a clock that a test turns on."""

    turned: ClassVar[timedelta] = timedelta(0)

    def __init__(self, settings: MerchstackExportSettings, credentials: S3Credentials, ports: Ports) -> None:
        super().__init__(settings, credentials, replace(ports, clock=self))

    @classmethod
    def now(cls) -> datetime:
        """``hub.connector.Clock``."""
        return datetime.now(UTC) + cls.turned


class Exporter:
    """A tenant whose shop writes the catalog, and whose export goes to a folder."""

    def __init__(self, hub: Hub, outbox: Outbox, pages: list[Page]) -> None:
        self.hub, self.outbox, self._pages = hub, outbox, pages

    async def write(self, *bodies: JSON) -> None:
        """What the shop says."""
        records = [Record(stream="price", key=each["key"], payload=each) for each in bodies]
        self._pages.append(Page(records=records))
        await work_to_the_end(self.hub, "erp")

    async def export(self) -> list[JSON]:
        """The records that are new, without their metadata but for the operation."""
        before = self.outbox.files().keys()
        await self.outbox.run()
        found = [one for name, each in self.outbox.files().items() if name not in before for one in each]
        return [
            {"operation": each.pop("importMetaData")["operationType"], **each}
            for each in found
            if each.pop("tenantId") and each.pop("storeId")
        ]


@pytest.fixture
async def exporter(
    hub_home: Path, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Exporter]:
    """On SQLite, with nothing in the catalog."""
    monkeypatch.setattr(TurnedExport, "turned", timedelta(0))
    pages: list[Page] = []

    def poll(_: PollRequest) -> Page:
        return pages.pop(0) if pages else Page()

    feeding = Scripted.with_script(Script(poll=poll), uses_destination=True, reports=False)
    connectors: dict[str, Any] = {"scripted": feeding, "merchstack-export": TurnedExport}
    hub = Hub(hub_home, sqlite_url, **connectors)
    file = {"connector": "scripted", "destination": {"name": "catalog", "settings": {}}}
    await hub.connect(file, name="erp")
    outbox = await Outbox.connect(hub, tmp_path / "out", name="out", tenant=TENANT)
    yield Exporter(hub, outbox, pages)
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


async def test_a_variant_that_left_is_switched_off(exporter: Exporter) -> None:
    """The shop sends the complete list of variants; what was cleared goes out as null."""
    shoe = {"kind": "product", "key": "p", "brand": "Nike", "all_variants": True}
    await exporter.write({**shoe, "variants": [{"key": "a", "sku": "A"}, {"key": "b"}]})
    (created,) = await exporter.export()
    await exporter.write({**shoe, "brand": None, "variants": [{"key": "b"}]})

    (updated,) = await exporter.export()

    assert (created["operation"], len(created["variants"])) == ("create", 2)
    assert updated == {
        "operation": "update",
        "externalSystemId": "p",
        "brand": None,
        "variants": [
            {"externalSystemId": "b"},
            {"externalSystemId": "a", "sku": "A", "enabled": False},
        ],
    }
    assert await exporter.export() == []


async def test_a_price_begins_and_ends_without_a_change(exporter: Exporter) -> None:
    """Each time its product goes out once, through the ledger, and stays in step with what the shop changes later."""
    begins, ends = (TurnedExport.now() + timedelta(days=days) for days in (1, 2))
    sale = {"valid_from": begins.isoformat(), "valid_to": ends.isoformat()}
    prices = [{"currency": "USD", "amount": 10}, {"currency": "USD", "amount": 9, **sale}]
    await exporter.write({"kind": "product", "key": "p", "variants": [{"key": "v", "prices": prices}]})
    went_out = []

    for days in (0.5, 1.5, 2.5):
        TurnedExport.turned = timedelta(days=days)
        went_out += [record["variants"][0]["price"] for record in await exporter.export()]
        assert await exporter.export() == []
    await exporter.write({"kind": "product", "key": "p", "brand": "Nike"})

    assert went_out == [1000, 900, 1000]
    assert [record["brand"] for record in await exporter.export()] == ["Nike"]


async def test_settings_that_fit_nothing_are_warned_of_once_an_import(
    exporter: Exporter, tmp_path: Path, logs: list[MutableMapping[str, Any]]
) -> None:
    """Everything goes out without prices and stock, so a person has to hear of it; what fits something is not told."""
    stock = [{"location": "berlin", "on_hand": 3}]
    variants = [{"key": "v", "prices": [{"currency": "USD", "amount": 10}], "stock": stock}]
    await exporter.write({"kind": "product", "key": "p", "variants": variants})
    await exporter.write({"kind": "product", "key": "q", "variants": []})
    slip = await Outbox.connect(
        exporter.hub, tmp_path / "slip", name="slip", tenant=TENANT, price_kind="Sale", location="Berlin"
    )

    await slip.run()
    warned = [entry["error"] for entry in logs if entry["event"] == "an import is out that lacks something"]
    await exporter.export()
    pipeline = await exporter.hub.runtime.pipeline(exporter.hub.connection("slip").id)

    assert warned == [
        'settings.price_kind: no price is "Sale", so products go out without prices; there are "sale USD"',
        'settings.location: nothing is in stock at "Berlin", so products go out without stock; there is stock at "berlin"',
    ]
    assert (await pipeline.connector.check()).warnings == warned
    assert [entry["error"] for entry in logs if "error" in entry] == warned


async def test_a_currency_that_no_price_has_is_warned_of_and_an_empty_catalog_is_not(
    exporter: Exporter, tmp_path: Path
) -> None:
    """Where there are no prices, there is nothing to miss."""
    slip = await Outbox.connect(
        exporter.hub, tmp_path / "slip", name="slip", tenant=TENANT, currency="EUR", location="x"
    )
    connector = (await exporter.hub.runtime.pipeline(exporter.hub.connection("slip").id)).connector
    assert slip.files() == {}
    assert [*(await connector.check()).warnings] == []

    prices = [{"currency": "USD", "amount": 10}]
    await exporter.write({"kind": "product", "key": "p", "variants": [{"key": "v", "prices": prices}]})

    (warning,) = (await connector.check()).warnings
    assert warning == (
        'settings.price_kind and settings.currency: no price is "sale EUR", so products go out without prices; '
        'there are "sale USD"'
    )
