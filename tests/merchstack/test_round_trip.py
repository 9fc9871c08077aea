"""Out of one tenant's catalog, into another one's, and out again: the files hold the same."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub import codec, money
from hub.records import JSON, Page, PollRequest, Record
from hub.testing.books import assert_tallies_are_the_rows
from tests.connectors.merchstack.test_mapping_properties import CURRENCIES, LANGUAGES, categories, products
from tests.loop.hub_of_a_test import Hub, Script, Scripted
from tests.merchstack.shop import Inbox, Outbox, catalog_of, work_to_the_end

#: How many products the large catalog has, and how many a file holds at most.
LARGE, PER_FILE = 2300, 1000

#: Examples of the property; each has two tenants and five connections of its own, and takes a quarter of a second.
EXAMPLES = 25


@dataclass(kw_only=True)
class Trader:
    """Fills catalogs and sends them round, each time between two tenants of their own."""

    hub: Hub
    folder: Path
    pages: list[Page]
    trips: int = 0

    async def fill(self, tenant: str, bodies: Sequence[JSON]) -> None:
        """Another system writes a tenant's catalog."""
        name = f"{tenant}-erp"
        file = {"connector": "scripted", "destination": {"name": "catalog", "settings": {}}}
        await self.hub.connect(file, name=name, tenant=tenant)
        records = [
            Record(stream="price", key=f"{each['kind']} {each['key']}", payload=each) for each in bodies
        ]
        self.pages.append(Page(records=records))
        await work_to_the_end(self.hub, name)
        assert set(self.hub.states(name).values()) <= {"success"}, self.hub.rows(name)

    async def round_trip(self, bodies: Sequence[JSON]) -> tuple[Outbox, Inbox, Outbox]:
        """Export, import of that, and export of what came of it."""
        self.trips += 1
        near, far = f"near{self.trips}", f"far{self.trips}"
        await self.fill(near, bodies)
        first = await Outbox.connect(self.hub, self.folder / near, name=f"{near}-out", tenant=near)
        await first.run()
        # By hand, as Merchstack would take it away: a place belongs to one connection.
        shutil.copytree(self.folder / near, self.folder / f"{far}-in")
        inbox = await Inbox.connect(
            self.hub,
            self.folder / f"{far}-in",
            name=f"{far}-in",
            tenant=far,
            after="mark",
            stock_location="main",
        )
        await inbox.run()
        second = await Outbox.connect(self.hub, self.folder / far, name=f"{far}-out", tenant=far)
        await second.run()
        return first, inbox, second

    def sent(self, outbox: Outbox, kind: str) -> dict[str, JSON]:
        """What the exporting tenant has; all that is imported from import files is unmanaged."""
        found = catalog_of(self.hub.db, self.hub.connection(outbox.name).tenant_id, kind)
        managed = {"managed": False} if kind == "category" else {}
        return {key: {**document, **managed} for key, document in found.items()}


@pytest.fixture
async def trader(hub_home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Trader]:
    """On SQLite, unless the test names another database."""
    url = request.getfixturevalue(getattr(request, "param", "sqlite_url"))
    pages: list[Page] = []

    def poll(_: PollRequest) -> Page:
        return pages.pop(0) if pages else Page()

    feeding = Scripted.with_script(Script(poll=poll), uses_destination=True, reports=False)
    hub = Hub(hub_home, url, scripted=feeding)
    yield Trader(hub=hub, folder=tmp_path, pages=pages)
    assert_tallies_are_the_rows(hub.db)
    await hub.close()


@st.composite
def catalogs(draw: st.DrawFn) -> list[JSON]:
    """A tree of categories, some of them managed, and products in them or in one that nobody knows."""
    bodies: list[JSON] = []
    keys: list[str] = []
    for each in draw(st.lists(categories, max_size=4, unique_by=lambda body: body["key"])):
        body = {**each, "kind": "category", "managed": draw(st.booleans())}
        body.pop("parent", None)
        if parent := draw(st.sampled_from(["", "nobody's", *keys])):
            body["parent"] = parent
        bodies.append(body)
        keys.append(each["key"])
    for place, each in enumerate(draw(st.lists(products, max_size=3, unique_by=lambda body: body["key"]))):
        variants = [{**variant, "key": f"{place} {variant['key']}"} for variant in each["variants"]]
        named = draw(st.lists(st.sampled_from([*keys, "nobody's"]), max_size=2, unique=True))
        bodies.append({**each, "kind": "product", "variants": variants, "categories": named})
    return bodies


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogs())
async def test_what_went_round_is_what_was_sent(trader: Trader, bodies: list[JSON]) -> None:
    """Every type, script, currency and unknown field; nothing is rejected on the way."""
    first, inbox, second = await trader.round_trip(bodies)

    assert second.content() == first.content()
    for kind in ("category", "product"):
        assert inbox.catalog(kind) == trader.sent(first, kind)
    assert set(first.content()) == {(each["kind"], each["key"]) for each in bodies}
    assert set(inbox.states.values()) <= {"success"}
    _assert_numbered(first, PER_FILE)
    _assert_numbered(second, PER_FILE)


@pytest.mark.parametrize("trader", ("postgres_url",), indirect=True)
async def test_a_large_catalog_goes_round_in_three_files(trader: Trader) -> None:
    """In every currency of ISO 4217 that has a minor unit; ``recordOf`` is right across all files, and so are they."""
    bodies = [*_tree(60), *(_product(number) for number in range(LARGE))]

    first, inbox, second = await trader.round_trip(bodies)

    assert second.content() == first.content()
    assert inbox.catalog() == trader.sent(first, "product")
    sizes = [len(records) for name, records in first.files().items() if name.startswith("product")]
    assert sizes == [1000, 1000, 300]
    _assert_numbered(first, PER_FILE)
    _assert_numbered(second, PER_FILE)
    for name, records in first.files().items():
        report = codec.loads((inbox.folder / f"{name}.report.json").read_bytes())
        assert (report["counts"]["created"], report["rejected"], report["warnings"]) == (len(records), [], [])
    sold = {
        price["currency"]: price
        for found in inbox.catalog().values()
        for variant in found["variants"]
        for price in variant["prices"]
    }
    assert sorted(sold) == CURRENCIES
    assert {currency: str(price["amount"]) for currency, price in sold.items()} == {
        currency: str(money.from_minor(123456, currency)) for currency in CURRENCIES
    }


def _assert_numbered(outbox: Outbox, size: int) -> None:
    """Each type's numbers run from 1 to ``recordOf`` over its files, which are full but for the last."""
    files: dict[str, list[list[JSON]]] = {"category": [], "product": []}
    ordered = sorted(
        outbox.files().items(), key=lambda file: int(file[0].removesuffix(".jsonl").rpartition("_")[2])
    )
    for name, records in ordered:
        files[name.partition("_")[0]].append([each["importMetaData"] for each in records])
    for of_type in files.values():
        metadata = [each for records in of_type for each in records]
        assert [each["recordNum"] for each in metadata] == list(range(1, len(metadata) + 1))
        assert {each["recordOf"] for each in metadata} <= {len(metadata)}
        assert len({each["importId"] for each in metadata}) <= 1
        assert [len(records) for records in of_type[:-1]] == [size] * (len(of_type) - 1)
        assert {each["operationType"] for each in metadata} <= {"create"}


def _tree(count: int) -> list[JSON]:
    return [
        {
            "kind": "category",
            "key": f"c{number}",
            "managed": number % 2 == 0,
            "root": number == 0,
            **({"parent": f"c{(number - 1) // 3}"} if number else {}),
        }
        for number in range(count)
    ]


def _product(number: int) -> JSON:
    def variant(place: int) -> JSON:
        currency = CURRENCIES[(number + place) % len(CURRENCIES)]
        price: dict[str, Any] = {"currency": currency, "amount": money.from_minor(123456, currency)}
        return {"key": f"v{number}-{place}", "sku": f"{number}/{place}", "prices": [price]}

    return {
        "kind": "product",
        "key": f"p{number:04}",
        "categories": [f"c{number % 60}"],
        "translations": [{"language": LANGUAGES[number % len(LANGUAGES)], "name": f"靴 שoe обувь {number}"}],
        "variants": [variant(place) for place in range(1 + number % 3)],
    }
