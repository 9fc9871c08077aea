"""The simulator keeps the contract of the guide and of the official client's OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from merchantops_sdk import AuthenticatedClient
from merchantops_sdk.api.customer_workers import list_pending_publishes, report_publish_outcome
from merchantops_sdk.models import HTTPValidationError, PublishOutcomeBody

from connectors.merchantops.simulator import SIMULATOR
from connectors.merchantops.simulator_state import GUIDE_RECORD, PricingState
from hub.errors import ConfigurationError
from hub.testing.simulator import Running

Tell = Callable[..., Awaitable[Any]]

# The official client hands httpx its cookies the old way, even when there are none.
pytestmark = pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")

BEARER = {"Authorization": "Bearer simulator-key"}


@pytest.fixture
async def sdk(merchantops: Running) -> AsyncIterator[AuthenticatedClient]:
    """The official client, as its README sets it up."""
    async with AuthenticatedClient(base_url=merchantops.url, token="simulator-key") as sdk:
        yield sdk


async def pending(
    sdk: AuthenticatedClient, target_key: str = "custom", limit: int = 50
) -> list[dict[str, Any]]:
    page = await list_pending_publishes.asyncio(client=sdk, target_key=target_key, limit=limit)
    assert page is not None
    assert not isinstance(page, HTTPValidationError)
    assert page["count"] == len(page["items"])
    return page["items"]


async def report(sdk: AuthenticatedClient, key: str, status: str = "success", **fields: Any) -> Any:
    body = PublishOutcomeBody(target_key="custom", status=status, **fields)
    return await report_publish_outcome.asyncio_detailed(key, client=sdk, body=body)


async def test_the_official_client_polls_and_reports_until_nothing_is_pending(
    sdk: AuthenticatedClient, merchantops: Running
) -> None:
    """The whole loop of the guide, with the vendor's own code."""
    finished = []
    while items := await pending(sdk, limit=2):
        for item in items:
            answer = await report(sdk, item["record_key"], response_code=200, duration_ms=145, attempts=1)
            assert answer.status_code == 200
            finished.append(answer.parsed["batch_final_status"])

    assert finished == [None, None, "published", None, "published"]
    assert merchantops.platform.summary()["by_status"] == {"success": 5}


async def test_the_first_record_is_the_one_of_the_guide(sdk: AuthenticatedClient) -> None:
    """Field by field."""
    items = await pending(sdk)

    assert items[0] == GUIDE_RECORD
    assert all(item.keys() == GUIDE_RECORD.keys() for item in items)


async def test_a_poll_hands_out_the_same_records_until_they_are_reported(sdk: AuthenticatedClient) -> None:
    """There is no lease; an outcome of any kind takes a record out."""
    first = await pending(sdk)
    assert await pending(sdk) == first

    for item, status in zip(first, ("success", "failed", "skipped"), strict=False):
        await report(sdk, item["record_key"], status)

    assert await pending(sdk) == first[3:]


async def test_a_batch_with_a_failed_record_ends_as_partial(sdk: AuthenticatedClient) -> None:
    """The outcome that finishes it says so, and no other one does."""
    keys = [item["record_key"] for item in await pending(sdk)][:3]
    answers = [
        await report(sdk, key, status)
        for key, status in zip(keys, ("failed", "skipped", "success"), strict=True)
    ]

    assert [answer.parsed["batch_final_status"] for answer in answers] == [None, None, "partial"]


async def test_a_repeated_outcome_is_accepted_and_does_not_count_twice(
    sdk: AuthenticatedClient, told: Tell
) -> None:
    """Neither the same one again, nor a success after a failure."""
    keys = [item["record_key"] for item in await pending(sdk)][:3]
    repeated = [await report(sdk, keys[0]) for _ in range(4)]
    await report(sdk, keys[1], "failed")
    changed = await report(sdk, keys[1], "success", external_id="ERP-2")
    last = await report(sdk, keys[2])

    assert {answer.status_code for answer in (*repeated, changed)} == {200}
    assert changed.parsed["batch_final_status"] is None
    assert last.parsed["batch_final_status"] == "partial"
    state = await told("GET", "state")
    record = state["targets"][0]["records"][keys[1]]
    assert record["reports"] == 2
    assert record["outcome"] == {"target_key": "custom", "status": "success", "external_id": "ERP-2"}
    assert (state["repeated_outcomes"], state["changed_outcomes"]) == (4, 1)
    assert state["by_status"] == {"success": 3}


async def test_wrong_bodies_are_refused_in_the_shape_that_the_official_client_knows(
    sdk: AuthenticatedClient, merchantops: Running, client: httpx.AsyncClient
) -> None:
    """422 with one entry for each thing that is wrong, and the record stays pending."""
    answer = await report(sdk, GUIDE_RECORD["record_key"], "done", duration_ms="soon")

    assert answer.status_code == 422
    assert isinstance(answer.parsed, HTTPValidationError)
    assert [problem.loc for problem in answer.parsed.detail] == [["body", "status"], ["body", "duration_ms"]]
    url = f"{merchantops.url}/api/pricing/records/{GUIDE_RECORD['record_key']}/publish-outcome"
    for body in (b"", b"{", b"[]", b'{"status": "success"}', b'{"target_key": 1, "status": "success"}'):
        refused = await client.post(url, content=body, headers=BEARER)
        assert refused.status_code == 422
        assert HTTPValidationError.from_dict(refused.json()).detail
    assert len(await pending(sdk)) == 5


@pytest.mark.parametrize(
    "query", ("", "limit=5", "target_key=custom&limit=many", "target_key=custom&limit=0")
)
async def test_wrong_parameters_of_a_poll_are_refused(
    merchantops: Running, client: httpx.AsyncClient, query: str
) -> None:
    """422, naming the parameter."""
    answer = await client.get(f"{merchantops.url}/api/pricing/pending-publishes?{query}", headers=BEARER)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "query"


async def test_a_key_has_to_be_known_and_to_have_the_scope(
    sdk: AuthenticatedClient, merchantops: Running, told: Tell
) -> None:
    """401 without a key, 403 without the scope, for the one call alone."""
    await told("POST", "keys", {"api_key": "reader", "scopes": ["pricing.publish.outcome.read"]})
    await told("POST", "keys", {"api_key": "simulator-key", "revoked": True})

    async with AuthenticatedClient(base_url=merchantops.url, token="reader") as reader:
        assert len(await pending(reader)) == 5
        assert (await report(reader, GUIDE_RECORD["record_key"])).status_code == 403
    assert (await report(sdk, GUIDE_RECORD["record_key"])).status_code == 401


async def test_a_key_reaches_its_own_organization_alone(
    sdk: AuthenticatedClient, merchantops: Running, told: Tell, client: httpx.AsyncClient
) -> None:
    """Neither polls nor outcomes cross over, even where the records share their keys."""
    await told("POST", "keys", {"api_key": "theirs", "organization_id": "org-2"})
    await told("POST", "records", {"organization_id": "org-2", "count": 1})

    async with AuthenticatedClient(base_url=merchantops.url, token="theirs") as theirs:
        assert [item["record_key"] for item in await pending(theirs)] == [GUIDE_RECORD["record_key"]]
        await report(theirs, GUIDE_RECORD["record_key"])
        assert await pending(theirs) == []
    assert len(await pending(sdk)) == 5
    crossing = BEARER | {"X-Organization-ID": "org-2"}
    url = f"{merchantops.url}/api/pricing/pending-publishes?target_key=custom"
    assert (await client.get(url, headers=crossing)).status_code == 403


async def test_outcomes_are_kept_for_each_target(sdk: AuthenticatedClient, told: Tell) -> None:
    """A record that two targets get is pending for both; an unknown target has none."""
    await told("POST", "records", {"target_key": "qa", "count": 1})
    await report(sdk, GUIDE_RECORD["record_key"])

    assert len(await pending(sdk, "custom")) == 4
    assert len(await pending(sdk, "qa")) == 1
    assert await pending(sdk, "nowhere") == []


async def test_an_outcome_of_a_withdrawn_or_unknown_record_is_404(
    sdk: AuthenticatedClient, told: Tell
) -> None:
    """And it no longer counts toward its batch."""
    keys = [item["record_key"] for item in await pending(sdk)][:3]
    assert await told("POST", "withdraw", {"record_keys": [keys[0], "pr-unknown"]}) == {"withdrawn": 1}

    assert (await report(sdk, keys[0])).status_code == 404
    assert (await report(sdk, "pr-unknown")).status_code == 404
    await report(sdk, keys[1])
    assert (await report(sdk, keys[2])).parsed["batch_final_status"] == "published"


async def test_a_record_key_may_hold_anything(sdk: AuthenticatedClient, told: Tell) -> None:
    """It travels quoted in the path."""
    await told("POST", "records", {"items": [{"record_key": "a/b ?#ü%2F", "batch_key": "b", "amount": 1}]})

    assert (await report(sdk, "a/b ?#ü%2F")).parsed["record_key"] == "a/b ?#ü%2F"


@pytest.mark.parametrize(("over", "status"), (("cut", 200), ("refuse", 422)))
async def test_a_limit_over_the_cap_is_cut_or_refused(
    client: httpx.AsyncClient, over: str, status: int
) -> None:
    """As the options say."""
    async with SIMULATOR.running(records=9, limit_cap=4, limit_over_cap=over, default_limit=3) as simulator:
        url = f"{simulator.url}/api/pricing/pending-publishes?target_key=custom"
        capped = await client.get(f"{url}&limit=5", headers=BEARER)
        assert capped.status_code == status
        assert status == 422 or capped.json()["count"] == 4
        assert (await client.get(url, headers=BEARER)).json()["count"] == 3


async def test_records_are_made_up_the_same_way_each_time(client: httpx.AsyncClient) -> None:
    """Equal options, equal records; another seed, other keys; more of them go on where the first ended."""
    pages = []
    for options, more in (({"records": 30}, 0), ({"records": 10}, 20), ({"records": 30, "seed": 1}, 0)):
        async with SIMULATOR.running(**options) as simulator:
            await client.post(f"{simulator.url}/_simulator/records", json={"count": more})
            url = f"{simulator.url}/api/pricing/pending-publishes?target_key=custom"
            pages.append((await client.get(url, headers=BEARER)).json()["items"])

    assert pages[0] == pages[1]
    assert len({item["record_key"] for item in pages[0]}) == 30
    assert {item["record_key"] for item in pages[0][1:]}.isdisjoint(item["record_key"] for item in pages[2])


async def test_a_reset_brings_back_the_start(sdk: AuthenticatedClient, told: Tell) -> None:
    """Records, outcomes, keys and counters."""
    await report(sdk, GUIDE_RECORD["record_key"])
    await told("POST", "records", {"count": 3})
    await told("POST", "reset")

    assert len(await pending(sdk)) == 5
    assert (await told("GET", "summary"))["outcomes"] == 0


async def test_unknown_paths_and_methods_are_told_apart(
    merchantops: Running, client: httpx.AsyncClient
) -> None:
    """404 and 405, as the platform's framework has it."""
    assert (await client.get(f"{merchantops.url}/api/products")).status_code == 404
    assert (await client.post(f"{merchantops.url}/api/pricing/pending-publishes")).status_code == 405
    assert (await client.get(f"{merchantops.url}/api/pricing/records/a/publish-outcome")).status_code == 405


async def test_it_counts_the_most_polls_in_any_second() -> None:
    """A window that slides, for each target by itself."""
    times = iter([100.0, 100.4, 100.9, 101.1, 101.4, 102.5, 102.6])
    state = PricingState(clock=lambda: next(times))
    for _ in range(6):
        state.poll("org", "custom", 1)
    state.poll("org", "qa", 1)

    assert state.summary()["most_polls_in_a_second"] == 3


async def test_two_polls_at_once_get_the_same_records(sdk: AuthenticatedClient) -> None:
    """The reason why a target has one connector only."""
    first, second = await asyncio.gather(pending(sdk), pending(sdk))

    assert first == second


async def test_a_wrong_option_is_named() -> None:
    """Before anything is served."""
    with pytest.raises(ConfigurationError, match="batch_size"):
        SIMULATOR.app(batch_size=0)
