"""The account's own catalog, as a marketplace reads it."""

from __future__ import annotations

import functools
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.dice import hits, roll
from connectors.vtex.simulator.items import FIRST_PRODUCT, FIRST_SKU
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.platform import VtexSimulator
from connectors.vtex.simulator.router import Router
from connectors.vtex.simulator.web import Answer, Route
from tests.connectors.vtex.simulator.conftest import Account, Serve

LIST = "/api/catalog_system/pvt/sku/stockkeepingunitidsbysaleschannel"


async def ids(vtex: Account, **query: Any) -> Any:
    """A page of the list."""
    return await vtex.get(LIST, params={"sc": 1, **query})


async def detail(vtex: Account, sku: int) -> Any:
    """One SKU."""
    return await vtex.get(f"/api/catalog_system/pvt/sku/stockkeepingunitbyid/{sku}?sc=1")


async def test_the_list_comes_by_pages_until_one_is_empty(account: Serve) -> None:
    """From page 1, each SKU once."""
    async with account(skus=25) as vtex:
        pages = [await ids(vtex, page=page, pageSize=10) for page in (1, 2, 3, 4)]
        whole = await ids(vtex)
        capped = await ids(vtex, pageSize=10_000)

    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert (
        functools.reduce(operator.iadd, pages, [])
        == whole
        == capped
        == list(range(FIRST_SKU, FIRST_SKU + 25))
    )


async def test_the_list_is_of_one_channel_unless_told_otherwise(account: Serve) -> None:
    """``onlyAssigned=false`` adds the others; another channel has none."""
    async with account(skus=40, unassigned=0.5) as vtex:
        assigned, everything = await ids(vtex), await ids(vtex, onlyAssigned="false")
        other = await vtex.get(f"{LIST}?sc=2")
        channels = {sku: (await detail(vtex, sku))["SalesChannels"] for sku in everything}

    assert len(everything) == 40
    assert 5 < len(assigned) < 35
    assert other == []
    assert all(channels[sku] == ([1] if sku in assigned else []) for sku in everything)


async def test_the_list_may_ignore_the_page_or_begin_empty(account: Serve) -> None:
    """By option."""
    async with account(skus=5, ignored_page=True) as vtex:
        ignored = [await ids(vtex, page=page, pageSize=3) for page in (1, 2, 99)]
    async with account(skus=5, empty_first_page=True, page_cap=2) as vtex:
        empty = [await ids(vtex, page=page, pageSize=3) for page in (1, 2)]

    assert ignored[0] == ignored[1] == ignored[2]
    assert empty == [[], [FIRST_SKU + 2, FIRST_SKU + 3]]


@pytest.mark.parametrize("query", ("", "sc=x", "sc=1&page=0", "sc=1&page=²", "sc=1&pageSize=0"))
async def test_a_list_that_cannot_be_is_refused(account: Serve, query: str) -> None:
    """The sales channel is required."""
    async with account() as vtex:
        answer = await vtex.ask("GET", f"{LIST}?{query}")

    assert answer.status_code == 400


async def test_a_sku_and_its_product_agree(account: Serve) -> None:
    """Brand as text here and a number there, the leaf of the categories last."""
    async with account(skus=6, skus_per_product=3) as vtex:
        skus = [await detail(vtex, FIRST_SKU + place) for place in range(6)]
        product = await vtex.get(f"/api/catalog_system/pvt/products/productget/{FIRST_PRODUCT}")
        plain = await vtex.get(f"/api/catalog/pvt/product/{FIRST_PRODUCT}")

    assert [sku["ProductId"] - FIRST_PRODUCT for sku in skus] == [0, 0, 0, 1, 1, 1]
    first = skus[0]
    assert first["BrandId"] == str(product["BrandId"])
    assert first["ProductCategoryIds"] == f"/{product['DepartmentId']}/{product['CategoryId']}/"
    assert first["ProductCategories"].keys() == {str(product["DepartmentId"]), str(product["CategoryId"])}
    assert product["ListStoreId"] == [1]
    assert plain == {**{name: product[name] for name in product if name != "ListStoreId"}, "Score": 1}


async def test_shares_are_of_all_skus(account: Serve) -> None:
    """Inactive ones, franchise accounts, EANs that are wrong or missing, no images."""
    options = {"inactive": 0.3, "franchise": 0.3, "invalid_ean": 0.3, "no_ean": 0.3, "no_images": 0.3}
    async with account(skus=200, inactive_products=0.3, no_description=0.3, **options) as vtex:
        skus = [await detail(vtex, FIRST_SKU + place) for place in range(200)]

    eans = [sku["AlternateIds"].get("Ean") for sku in skus]
    seen = {
        "inactive": sum(not sku["IsActive"] for sku in skus),
        "inactive_products": sum(not sku["IsProductActive"] for sku in skus),
        "franchise": sum(sku["SkuSellers"][0]["SellerId"] != "1" for sku in skus),
        "no_ean": eans.count(None),
        "invalid_ean": sum(ean is not None and not valid(ean) for ean in eans) / 0.7,
        "no_images": sum(sku["Images"] == [] for sku in skus),
        "no_description": sum(sku["ProductDescription"] == "" for sku in skus),
    }
    assert all(30 < count < 90 for count in seen.values()), seen


async def test_without_shares_nothing_is_wrong(account: Serve) -> None:
    """Every SKU could be sold."""
    async with account(skus=60, images=3, specifications=4) as vtex:
        skus = [await detail(vtex, FIRST_SKU + place) for place in range(60)]
        sold = await vtex.simulate(*[sku["Id"] for sku in skus])

    assert all(
        sku["IsActive"] and sku["IsProductActive"] and valid(sku["AlternateIds"]["Ean"]) for sku in skus
    )
    assert {(len(sku["Images"]), len(sku["SkuSpecifications"])) for sku in skus} == {(3, 4)}
    assert len({sku["AlternateIds"]["Ean"] for sku in skus}) == 60
    assert len(sold["items"]) == 60
    assert all(info["stockBalance"] > 0 for info in sold["logisticsInfo"])


@pytest.mark.parametrize(("sku", "status"), (("5", 404), ("x", 400), ("²", 400), ("9" * 40, 400)))
async def test_a_sku_that_is_not_there_is_an_error(account: Serve, sku: str, status: int) -> None:
    """404, or 400 for what is no number; products too."""
    async with account() as vtex:
        for path in ("sku/stockkeepingunitbyid", "products/productget"):
            answer = await vtex.ask("GET", f"/api/catalog_system/pvt/{path}/{sku}")

            assert answer.status_code == status


def test_an_account_of_a_seed_is_always_the_same() -> None:
    """And that of another seed another one."""
    three = [VtexSimulator(Options(seed=seed)).catalog.sku(FIRST_SKU) for seed in (1, 1, 2)]

    assert three[0] == three[1] != three[2]


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_neighbours_have_nothing_in_common(seed: int, number: int) -> None:
    """And shares of none and all hit none and all."""
    assert roll(seed, number) != roll(seed, number + 1)
    assert not hits(0, seed, number)
    assert hits(1, seed, number)


@given(st.binary(max_size=60))
def test_any_path_is_routed_or_not(path: bytes) -> None:
    """Never with an exception."""
    route = Route(method="GET", path="/a/{one}/b", group="catalog", handler=lambda _: Answer(200))

    found, names, _ = Router([route]).find("GET", path)

    assert (found is None) or len(names) == 1


def test_a_static_segment_goes_before_a_variable_one() -> None:
    """And a variable one is never empty."""
    routes = [
        Route(method="GET", path=path, group="catalog", handler=lambda _: Answer(200))
        for path in ("/a/{one}", "/a/b", "/a/{one}/c")
    ]
    found = [Router(routes).find("GET", path)[0] for path in (b"/a/b", b"/a/x/", b"/a//c", b"/a")]

    assert found == [routes[1], routes[0], None, None]


def test_the_clock_can_be_stopped_moved_and_let_go() -> None:
    """It never steps back by itself."""
    clock = Clock()
    clock.told({"stopped": True})
    stopped = clock.seconds()
    clock.told({"advance": 60})

    assert clock.seconds() == stopped + 60
    clock.told({"stopped": False})
    assert stopped + 60 <= clock.seconds() < stopped + 65
    assert len(clock.ticks().rpartition(".")[2]) == 8


def valid(ean: str) -> bool:
    """By its check digit."""
    digits = [int(one) for one in ean]
    return len(digits) == 13 and sum(one * (3 if at % 2 else 1) for at, one in enumerate(digits)) % 10 == 0
