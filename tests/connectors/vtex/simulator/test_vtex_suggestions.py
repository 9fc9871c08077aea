"""Suggestions from their first version to their decision."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.simulator.suggestion_body import REQUIRED, problems
from hub import codec
from tests.connectors.vtex.simulator.conftest import CHANGED, SUGGESTIONS, Account, Serve, suggestion

ONE = f"{SUGGESTIONS}/seller/A-1"
NUMBER = codec.loads("1.5")


async def status_of(vtex: Account, sku: str = "A-1") -> Any:
    """The word in its answer, or the status of the answer where it is none."""
    answer = await vtex.ask("GET", f"{SUGGESTIONS}/seller/{sku}")
    return answer.json()["Status"] if answer.status_code == 200 else answer.status_code


async def test_a_suggestion_is_pending_until_it_is_approved_and_ceases_to_exist(account: Serve) -> None:
    """And is known from then on."""
    async with account(approve="manual") as vtex:
        unknown = await vtex.ask("POST", f"{CHANGED}/A-1")
        sent = await vtex.suggest()
        pending = await status_of(vtex)
        still_unknown = await vtex.ask("POST", f"{CHANGED}/A-1")
        await vtex.tell("approve", skus=["A-1"])
        gone = await status_of(vtex)
        known = await vtex.ask("POST", f"{CHANGED}/A-1")

    assert [one.status_code for one in (unknown, sent, still_unknown, known)] == [404, 200, 404, 204]
    assert (pending, gone) == ("Pending", 404)


async def test_an_update_of_a_pending_suggestion_is_a_new_version(account: Serve) -> None:
    """All of them can be read."""
    async with account(approve="manual") as vtex:
        await vtex.suggest(ProductName="First")
        await vtex.suggest(ProductName="Second")
        one = await vtex.get(ONE)
        versions = await vtex.get(f"{ONE}/versions")
        first = await vtex.get(f"{ONE}/versions/v1")
        missing = await vtex.ask("GET", f"{ONE}/versions/v3")

    assert (one["LatestVersionId"], one["Content"]["ProductName"]) == ("v2", "Second")
    assert [version["Content"]["ProductName"] for version in versions] == ["First", "Second"]
    assert first["VersionId"] == "v1"
    assert missing.status_code == 404


async def test_what_is_sent_for_nothing_is_counted(account: Serve) -> None:
    """The same content again, and a suggestion of what is sold already."""
    async with account(approve="manual") as vtex:
        await vtex.tell("bind", skus=["B-1"])
        for sku in ("A-1", "A-1", "B-1"):
            await vtex.suggest(sku)
        await vtex.suggest("A-1", ProductName="Vase")
        summary = await vtex.summary()

    counted = {name: summary[f"suggestions_{name}"] for name in ("versions", "repeated", "of_bound")}
    assert counted == {"versions": 4, "repeated": 1, "of_bound": 1}


@pytest.mark.parametrize(("late_update", "status"), (("refuse", 400), ("ignore", 200)))
async def test_a_decided_suggestion_cannot_be_updated(account: Serve, late_update: str, status: int) -> None:
    """Until it is deleted; the attempt is counted."""
    async with account(approve="manual", late_update=late_update) as vtex:
        await vtex.suggest(ProductName="First")
        await vtex.tell("deny", skus=["A-1"], reason="No such lamp")
        late = await vtex.suggest(ProductName="Second")
        one = await vtex.get(ONE)
        summary = await vtex.summary()
        deleted = await vtex.ask("DELETE", ONE)
        again = await vtex.suggest(ProductName="Third")
        pending = await status_of(vtex)

    assert late.status_code == status
    assert (one["Status"], one["Reason"], one["Content"]["ProductName"]) == (
        "Denied",
        "No such lamp",
        "First",
    )
    assert (summary["suggestions_late"], summary["suggestions_denied"]) == (1, 1)
    assert (deleted.status_code, again.status_code, pending) == (200, 200, "Pending")


async def test_an_approved_suggestion_may_stay_by_option(account: Serve) -> None:
    """And is not to be updated either."""
    async with account(approved="kept") as vtex:
        await vtex.suggest()
        status = await status_of(vtex)
        late = await vtex.suggest()

    assert (status, late.status_code) == ("Approved", 400)


async def test_states_are_spelt_as_the_options_say(account: Serve) -> None:
    """With small initials too, and with a word that nobody knows by command."""
    async with account(
        approve="manual", statuses="WaitingReview, accepted, Reviewed", suggestion_keys="camel"
    ) as vtex:
        await vtex.suggest()
        waiting = await vtex.get(ONE)
        await vtex.tell("status", skus=["A-1"], status="Escalated")
        escalated = await vtex.get(ONE)
        await vtex.tell("status", skus=["A-1"], status=None)
        await vtex.tell("deny", skus=["A-1"])
        denied = await vtex.get(ONE)

    assert [one["status"] for one in (waiting, escalated, denied)] == [
        "WaitingReview",
        "Escalated",
        "Reviewed",
    ]
    assert waiting["content"]["ProductName"] == "Lamp"
    assert waiting["matches"][0]["matcherId"] == "vtex-matcher"


async def test_a_decision_takes_as_long_as_the_options_say(account: Serve) -> None:
    """By the simulator's clock, with nobody waiting."""
    async with account(approve="auto", approve_after=86_400) as vtex:
        await vtex.suggest()
        await vtex.tell("clock", advance=86_000)
        before = await status_of(vtex)
        await vtex.tell("clock", advance=401)
        after = await status_of(vtex)

    assert (before, after) == ("Pending", 404)


async def test_a_decision_falls_without_anybody_asking(account: Serve) -> None:
    """By a timer, which moves with the clock."""
    async with account(approve="auto", approve_after=86_400) as vtex:
        await vtex.suggest()
        await vtex.tell("clock", stopped=True)
        await vtex.tell("clock", advance=86_401)

        assert vtex.platform.suggestions.counters["approved"] == 1


@pytest.mark.parametrize(("score", "status"), ((80, 404), (79, "Pending"), (31, "Pending"), (30, "Denied")))
async def test_the_score_decides_by_option(account: Serve, score: int, status: object) -> None:
    """From 80 it approves, up to 30 it denies."""
    async with account(approve="score", score=score) as vtex:
        await vtex.suggest()
        decided = await status_of(vtex)

    assert decided == status


async def test_rules_deny_by_name_with_their_reason(account: Serve) -> None:
    """Whatever the case."""
    async with account(deny=["knife=Weapons are not sold here", "candle"]) as vtex:
        await vtex.suggest("A-1", ProductName="Big KNIFE")
        await vtex.suggest("A-2", SkuName="Candle, red")
        await vtex.suggest("A-3")
        reasons = [(await vtex.get(f"{SUGGESTIONS}/seller/{sku}"))["Reason"] for sku in ("A-1", "A-2")]
        other = await status_of(vtex, "A-3")

    assert reasons == ["Weapons are not sold here", "The name contains candle"]
    assert other == 404


@pytest.mark.parametrize(("unknown_names", "status"), (("refuse", 400), ("deny", "Denied"), ("accept", 404)))
async def test_brand_and_category_have_to_exist_by_option(
    account: Serve, unknown_names: str, status: object
) -> None:
    """The account's own and those of the options do."""
    async with account(
        unknown_names=unknown_names, known_brand=["Zenith"], known_category=["Garden/Sheds"]
    ) as vtex:
        answer = await vtex.suggest(BrandName="Nobody's", CategoryFullPath="Nowhere/Never")
        outcome = answer.status_code if answer.status_code == 400 else await status_of(vtex)
        known = await vtex.suggest("A-2", BrandName="zenith", CategoryFullPath="Garden/Sheds")
        own = await vtex.suggest("A-3", BrandName="Aurora", CategoryFullPath="Home/Lamps")
        decided = [await status_of(vtex, sku) for sku in ("A-2", "A-3")]

    assert outcome == status
    assert status != 400 or answer.json()["Errors"].keys() == {"BrandName", "CategoryFullPath"}
    assert (known.status_code, own.status_code, decided) == (200, 200, [404, 404])


@pytest.mark.parametrize(
    ("lost", "ean", "kept"),
    ((True, "789", []), (True, ["789"], ["789"]), (False, "789", ["789"])),
)
async def test_an_ean_as_text_is_lost_on_approval_by_option(
    account: Serve, lost: bool, ean: object, kept: list[str]
) -> None:
    """A list of texts is kept; images without https are not shown."""
    async with account(ean_text_lost=lost) as vtex:
        images = [
            {"imageName": "a", "imageUrl": f"{scheme}://images.example/a.jpg"} for scheme in ("http", "https")
        ]
        await vtex.suggest(EAN=ean, Images=images)
        product = (await vtex.state())["bindings"][0]["Product"]

    assert product["EAN"] == kept
    assert product["Images"] == images[1:]


async def test_a_list_has_pages_of_fifty(account: Serve) -> None:
    """By status, seller, kind and text; what is pending beyond a page has a ``_next``."""
    async with account(approve="manual") as vtex:
        for place in range(60):
            await vtex.suggest(f"A-{place}", ProductName=f"Lamp {place}")
        await vtex.suggest("A-1", ProductName="Vase")
        await vtex.tell("deny", skus=["A-2", "A-3"])
        first = await vtex.get(SUGGESTIONS)
        second = await vtex.get(f"{SUGGESTIONS}?_from=51&_to=100")
        denied = await vtex.get(f"{SUGGESTIONS}?status=denied")
        updated = await vtex.get(f"{SUGGESTIONS}?type=update&status=pending&q=vase&seller=seller")
        nobody = await vtex.get(f"{SUGGESTIONS}?seller=other")
        refused = [
            (await vtex.ask("GET", f"{SUGGESTIONS}?{query}")).status_code
            for query in ("_from=0", "_from=1&_to=51", "_from=5&_to=4", "_from=x")
        ]

    assert (len(first["data"]), len(second["data"])) == (50, 10)
    assert first["_next"].endswith("_from=51&_to=100")
    assert second["_next"] is None
    assert [one["ItemCode"] for one in denied["data"]] == ["A-2", "A-3"]
    assert [one["ItemCode"] for one in updated["data"]] == ["A-1"]
    assert nobody["data"] == []
    assert refused == [400] * 4


async def test_the_order_of_pages_may_change_by_option(account: Serve) -> None:
    """So that whoever does not remove doubles has some."""
    async with account(approve="manual", unstable_order=True) as vtex:
        for place in range(30):
            await vtex.suggest(f"A-{place}")
        pages = [[one["ItemCode"] for one in (await vtex.get(SUGGESTIONS))["data"]] for _ in range(2)]

    assert pages[0] != pages[1]
    assert sorted(pages[0]) == sorted(pages[1])


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_field_is_missed(name: str) -> None:
    """With its name."""
    body = suggestion()
    del body[name]

    found = problems(body, seller="seller", whole_dimensions=False)

    assert found == {name: [f"The {name} field is required."]}


async def test_what_is_wrong_is_answered_by_field(account: Serve) -> None:
    """With 400, and nothing is kept."""
    async with account(approve="manual") as vtex:
        answer = await vtex.suggest(EAN=5)
        status = await status_of(vtex)

    assert (answer.status_code, status) == (400, 404)
    assert answer.json()["Errors"] == {"EAN": ["The field EAN has to be text."]}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    (
        ({"ProductName": "x" * 151}, ["ProductName"]),
        ({"Height": "10", "EAN": 5}, ["Height", "EAN"]),
        ({"AvailableQuantity": NUMBER}, ["AvailableQuantity"]),
        ({"Weight": True}, ["Weight"]),
        ({"Images": [{"imageName": "a"}]}, ["Images[0].imageUrl"]),
        ({"Images": "none"}, ["Images"]),
        ({"Pricing": {"SalePrice": NUMBER, "Currency": 5}}, ["Pricing.SalePrice", "Pricing.Currency"]),
        ({"SkuSpecifications": [{"fieldValues": "blue"}]}, ["SkuSpecifications[0].fieldValues"]),
        ({"SellerId": "another"}, ["SellerId"]),
        ({"RefId": None}, ["RefId"]),
    ),
)
def test_all_that_is_wrong_is_said_at_once(fields: dict[str, Any], wrong: list[str]) -> None:
    """By field."""
    found = problems(suggestion(**fields), seller="seller", whole_dimensions=False)

    assert sorted(found) == sorted(wrong)


@pytest.mark.parametrize(("whole", "status"), ((True, 400), (False, 200)))
async def test_dimensions_with_a_fraction_are_refused_by_option(
    account: Serve, whole: bool, status: int
) -> None:
    """The schema says both."""
    async with account(whole_dimensions=whole) as vtex:
        answer = await vtex.suggest(Height=NUMBER)

    assert answer.status_code == status


async def test_who_is_not_registered_suggests_nothing(account: Serve) -> None:
    """And what is no JSON is no suggestion."""
    async with account() as vtex:
        stranger = await vtex.ask("PUT", f"{SUGGESTIONS}/stranger/A-1", suggestion(SellerId="stranger"))
        nonsense = await vtex.client.put(ONE, content=b"{")
        listed = await vtex.ask("PUT", ONE, [1])
        missing = await vtex.ask("DELETE", ONE)

    assert [one.status_code for one in (stranger, nonsense, listed, missing)] == [400, 400, 400, 404]


@pytest.mark.parametrize("command", ("approve", "deny", "delete", "status"))
async def test_a_command_for_a_suggestion_that_is_not_there_is_refused(account: Serve, command: str) -> None:
    """With the SKU."""
    async with account() as vtex:
        given = {"skus": ["A-9"]} | ({"status": "x"} if command == "status" else {})
        answer = await vtex.ask("POST", f"/_simulator/{command}", given)

    assert answer.status_code == 422
    assert "A-9" in answer.text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(suggestion())), JSON_VALUES)
def test_whatever_a_field_holds_is_judged(name: str, value: Any) -> None:
    """Never with an exception, and only this field is blamed."""
    found = problems(suggestion(**{name: value}), seller="seller", whole_dimensions=False)

    assert all(blamed.partition("[")[0].partition(".")[0] == name for blamed in found)


@pytest.mark.parametrize("command", ("approve", "deny", "delete"))
async def test_a_sku_that_is_named_twice_is_decided_on_once(account: Serve, command: str) -> None:
    """By every command."""
    async with account(approve="manual") as vtex:
        await vtex.suggest()
        done = await vtex.tell(command, skus=["A-1", "A-1"])

    assert done == {"skus": ["A-1"]}
