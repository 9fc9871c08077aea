"""The connector against the simulator, over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from connectors.merchantops.connector import MerchantOps
from connectors.merchantops.mapping import parse_page
from connectors.merchantops.simulator import SIMULATOR
from connectors.merchantops.simulator_state import GUIDE_RECORD
from hub import codec
from hub.connector import Connector
from hub.errors import (
    BadPageError,
    ConfigurationError,
    ConnectionFailedError,
    ReauthorizationError,
    RetryableError,
    ThrottledError,
)
from hub.records import Acknowledged, Outcome, PollRequest, Refused, Rejected, Released, Retry
from hub.testing.simulator import Running

Make = Callable[..., MerchantOps]
Tell = Callable[..., Awaitable[Any]]

STARVED = {"previous_full": True, "previous_new": 0}


def outcome(key: str = GUIDE_RECORD["record_key"], **fields: Any) -> Outcome:
    told: dict[str, Any] = {
        "record_id": 1,
        "stream": "price",
        "key": key,
        "payload": {"batch_key": "pb-1"},
        "status": "success",
        "attempts": 1,
    }
    return Outcome(**(told | fields))


def test_it_says_what_it_is() -> None:
    """What the core reads off the class."""
    assert issubclass(MerchantOps, Connector)
    assert MerchantOps.name == "merchantops"
    assert [stream.name for stream in MerchantOps.streams] == ["price"]
    assert (MerchantOps.polls, MerchantOps.reports, MerchantOps.uses_destination) == (True, True, True)
    assert MerchantOps.revive_dead_after is None


def test_every_setting_and_credential_is_described() -> None:
    """`hub connectors show` prints it."""
    for model in (MerchantOps.Settings, MerchantOps.Credentials):
        assert all(field.description for field in model.model_fields.values())


async def test_a_poll_brings_what_is_pending(connector: MerchantOps) -> None:
    """All five records of the simulator, and no more right now."""
    page = await connector.poll(PollRequest())

    assert next(record.key for record in page.records) == GUIDE_RECORD["record_key"]
    assert len(page.records) == 5
    assert not page.full
    assert page.cursor == {}


@pytest.mark.parametrize(("limit", "full"), ((4, True), (5, True), (6, False)))
async def test_a_page_is_full_when_it_holds_as_many_as_were_asked_for(
    make: Make, limit: int, full: bool
) -> None:
    """There may be more behind it, then."""
    page = await make(limit=limit).poll(PollRequest())

    assert page.full is full
    assert len(page.records) == min(limit, 5)


async def test_bad_items_count_for_a_full_page(make: Make, told: Tell) -> None:
    """They take the place of others."""
    await told("POST", "reset")
    await told("POST", "records", {"texts": ['{"amount": 1}', '{"record_key": "bad", "amount": NaN}']})
    page = await make(limit=7).poll(PollRequest())

    assert (len(page.records), len(page.bad), page.full) == (5, 2, True)


async def test_a_full_page_with_nothing_new_asks_for_as_many_more_as_are_open(
    make: Make, merchantops: Running
) -> None:
    """So records that wait do not hide the newer ones behind them."""
    connector = make(limit=2)
    first = await connector.poll(PollRequest())
    second = await connector.poll(PollRequest(cursor=first.cursor, open_records=2, **STARVED))

    assert len(first.records) == 2
    assert len(second.records) == 4
    assert second.cursor == {"limit": 4}
    third = await connector.poll(
        PollRequest(cursor=second.cursor, open_records=4, previous_full=True, previous_new=2)
    )
    assert len(third.records) == 4
    assert third.cursor == {"limit": 4}
    fourth = await connector.poll(PollRequest(cursor=third.cursor, open_records=4, **STARVED))
    assert len(fourth.records) == 5
    assert (fourth.full, fourth.cursor) == (False, {})


async def test_records_in_quarantine_do_not_hide_others_for_good(make: Make, told: Tell) -> None:
    """They are not open, yet they stay on every page."""
    texts = [f'{{"record_key": "bad-{i}", "amount": null}}' for i in range(3)]
    await told(
        "POST", "withdraw", {"record_keys": [r.key for r in (await make().poll(PollRequest())).records]}
    )
    await told("POST", "records", {"texts": texts, "count": 1})
    connector = make(limit=3)
    request = PollRequest(cursor={}, open_records=0, **STARVED)

    page = await connector.poll(request)

    assert len(page.bad) == 3
    assert len(page.records) == 1


async def test_the_limit_is_raised_to_its_setting_at_most_and_that_is_logged(make: Make) -> None:
    """With the remedy."""
    connector = make(limit=2, max_limit=3)
    with capture_logs() as logs:
        page = await connector.poll(PollRequest(cursor={"limit": 3}, open_records=500, **STARVED))

    assert len(page.records) == 3
    assert logs[0]["remedy"] == "raise settings.max_limit"


@pytest.mark.parametrize(
    "cursor", ({"limit": "many"}, {"limit": 1}, {"limit": None, "most": "x"}, {"other": 1})
)
async def test_a_cursor_that_a_person_spoilt_is_taken_for_none(make: Make, cursor: dict[str, Any]) -> None:
    """`hub connection rewind` can write anything."""
    page = await make(limit=2).poll(PollRequest(cursor=cursor, previous_full=True, previous_new=1))

    assert len(page.records) == 2


async def test_a_raised_limit_that_the_platform_refuses_is_lowered_and_remembered(make: Make) -> None:
    """The setting itself is known to work; half as far is tried the next time, until it fits."""
    asked = []
    async with SIMULATOR.running(records=50, limit_cap=10, limit_over_cap="refuse") as strict:
        connector, cursor = make(base_url=strict.url, limit=4), {}
        for _ in range(4):
            page = await connector.poll(PollRequest(cursor=cursor, open_records=30, **STARVED))
            cursor = dict(page.cursor or {})
            asked.append((len(page.records), cursor))

    # 34 is refused, then 19, then 11; 7 is taken.
    assert [size for size, _ in asked] == [4, 4, 4, 7]
    assert asked[-1] == (7, {"limit": 7, "most": 7})


async def test_a_poll_that_the_platform_refuses_stops_the_connection_with_what_it_said(make: Make) -> None:
    """Its parameters are wrong until somebody mends them."""
    async with SIMULATOR.running(limit_cap=10, limit_over_cap="refuse") as strict:
        with pytest.raises(
            ConnectionFailedError, match=r"target_key and limit .*query\.limit: .*less than or equal"
        ):
            await make(base_url=strict.url, limit=11).poll(PollRequest())


async def test_polls_are_limited_to_two_a_second_for_each_target(make: Make, http: Any) -> None:
    """One bucket for what MerchantOps counts as one; reports have another, which only learns."""
    default = MerchantOps.Settings.model_fields["polls_per_second"].default
    await make(polls_per_second=default).poll(PollRequest())
    await make(target_key="qa").poll(PollRequest())
    await make().report([outcome()])

    polls, qa, outcomes = http.buckets
    assert (polls.rate, polls.burst) == (2, 1)
    assert outcomes.rate is None
    assert len({polls.key, qa.key, outcomes.key}) == 3


async def test_three_polls_in_a_row_take_a_second(make: Make, merchantops: Running) -> None:
    """As the platform asks for, whoever polls."""
    connector = make(polls_per_second=2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(3):
        await connector.poll(PollRequest())

    assert loop.time() - began > 0.95
    assert merchantops.platform.summary()["most_polls_in_a_second"] <= 3


@pytest.mark.parametrize(
    ("faults", "error"),
    (
        ({"garbage": 1}, BadPageError),
        ({"throttle": 1, "retry_after": 1}, ThrottledError),
        ({"error": 1, "error_status": 502}, RetryableError),
        ({"drop": 1}, RetryableError),
        ({"lose": 1}, RetryableError),
    ),
)
async def test_a_poll_that_fails_says_how(
    connector: MerchantOps, told: Tell, faults: dict[str, Any], error: type[Exception]
) -> None:
    """And the next one goes well, with all records still there."""
    await told("PUT", "faults", faults)
    with pytest.raises(error):
        await connector.poll(PollRequest())

    await told("DELETE", "faults")
    assert len((await connector.poll(PollRequest())).records) == 5


async def test_a_path_that_is_not_there_may_come_back(make: Make, merchantops: Running) -> None:
    """A proxy may answer 404 while the platform is deployed, and that must not stop a connection for good."""
    with pytest.raises(RetryableError, match="base_url"):
        await make(base_url=f"{merchantops.url}/v2").poll(PollRequest())


async def test_an_outcome_arrives_with_its_fields(connector: MerchantOps, told: Tell) -> None:
    """All that the loop knows."""
    results = await connector.report(
        [outcome(attempts=2, response_code=201, duration_ms=8, external_id="ERP-1")]
    )

    assert results == [Acknowledged()]
    state = await told("GET", "state")
    assert state["targets"][0]["records"][GUIDE_RECORD["record_key"]]["outcome"] == {
        "target_key": "custom",
        "status": "success",
        "response_code": 201,
        "duration_ms": 8,
        "attempts": 2,
        "external_id": "ERP-1",
    }


async def test_the_outcome_that_finishes_a_batch_brings_its_final_status(connector: MerchantOps) -> None:
    """Under the key of the batch; the others bring nothing."""
    records = (await connector.poll(PollRequest())).records
    outcomes = [
        outcome(record.key, payload=record.payload, status="failed" if number == 4 else "success")
        for number, record in enumerate(records)
    ]
    results = [(await connector.report([one]))[0] for one in outcomes]

    batches = [record.payload["batch_key"] for record in records]
    facts = [result.facts for result in results if isinstance(result, Acknowledged)]
    assert facts == [
        {},
        {},
        {"batch_final_status": {batches[0]: "published"}},
        {},
        {"batch_final_status": {batches[4]: "partial"}},
    ]


async def test_reporting_twice_is_harmless(connector: MerchantOps, told: Tell) -> None:
    """The second one is acknowledged as well."""
    twice = [outcome(), outcome()]

    assert await connector.report(twice) == [Acknowledged(), Acknowledged()]
    assert (await told("GET", "summary"))["repeated_outcomes"] == 1


async def test_an_outcome_of_a_withdrawn_record_is_settled_with_a_warning(
    connector: MerchantOps, told: Tell
) -> None:
    """404: there is nobody left to tell."""
    await told("POST", "withdraw", {"record_keys": [GUIDE_RECORD["record_key"]]})
    (result,) = await connector.report([outcome()])

    assert isinstance(result, Acknowledged)
    assert "withdrawn" in (result.warning or "")
    assert "not found" in (result.warning or "")


async def test_an_outcome_that_is_refused_is_rejected_alone_with_the_detail(connector: MerchantOps) -> None:
    """422: the others of the same call are acknowledged."""
    records = (await connector.poll(PollRequest())).records
    outcomes = [outcome(record.key) for record in records]
    outcomes[1] = outcome(records[1].key, duration_ms="soon")
    results = await connector.report(outcomes)

    refused = results[1]
    assert isinstance(refused, Rejected)
    assert refused.response_code == 422
    assert "body.duration_ms: Input should be a valid integer" in refused.errors[0]
    assert [type(result) for result in (*results[:1], *results[2:])] == [Acknowledged] * 4


@pytest.mark.parametrize(
    ("faults", "result"),
    (
        ({"throttle": 1, "retry_after": 1}, Released),
        ({"error": 1}, Retry),
        ({"drop": 1}, Retry),
        ({"lose": 1}, Retry),
    ),
)
async def test_a_report_that_does_not_get_through_is_tried_again(
    connector: MerchantOps, told: Tell, faults: dict[str, Any], result: type
) -> None:
    """Also when MerchantOps took it and only the answer was lost."""
    await told("PUT", "faults", faults)
    (first,) = await connector.report([outcome()])
    await told("DELETE", "faults")
    (second,) = await connector.report([outcome()])

    assert isinstance(first, result)
    assert second == Acknowledged()
    assert (await told("GET", "summary"))["by_status"] == {"success": 1}


async def test_an_outcome_is_reported_again_when_the_answer_is_not_json(
    connector: MerchantOps, told: Tell
) -> None:
    """Something else may have answered in its place, and a report that is repeated does no harm."""
    await told("PUT", "faults", {"garbage": 1})
    (result,) = await connector.report([outcome()])

    assert isinstance(result, Retry)
    assert "not JSON" in result.error


@pytest.mark.parametrize(
    ("key", "remedy"),
    (
        ({"revoked": True}, "create one in Settings > API Keys"),
        ({"scopes": []}, "has the scope pricing.publish.outcome."),
    ),
)
async def test_a_refused_key_asks_for_a_new_one_and_names_the_missing_scope(
    connector: MerchantOps, told: Tell, key: dict[str, Any], remedy: str
) -> None:
    """401 and 403, for polls and for reports, each with its own scope."""
    await told("POST", "keys", {"api_key": "simulator-key", **key})
    with pytest.raises(ReauthorizationError) as refused:
        await connector.poll(PollRequest())
    (result,) = await connector.report([outcome()])

    assert remedy in str(refused.value)
    assert "pricing.publish.outcome.read" in str(refused.value)
    assert isinstance(result, Refused)
    assert "pricing.publish.outcome.write" in result.error
    assert "simulator-key" not in str(refused.value) + result.error


async def test_the_organization_is_sent_and_named_when_it_is_refused(make: Make) -> None:
    """A key of another organisation is a 403 too."""
    assert len((await make(organization_id="org-1").poll(PollRequest())).records) == 5
    with pytest.raises(ReauthorizationError, match="belongs to org-2"):
        await make(organization_id="org-2").poll(PollRequest())


async def test_a_check_reports_what_it_found(make: Make) -> None:
    """Without a write."""
    found = await make(polls_per_second=9).check()

    assert found.facts["pending"] == "at least one record"
    assert found.facts["target_key"] == "custom"
    assert found.warnings == ["polls_per_second is 9; MerchantOps asks for about two"]


async def test_a_check_warns_where_nothing_or_nothing_readable_is_pending(make: Make, told: Tell) -> None:
    """An unknown target key looks like an idle one."""
    await told("POST", "records", {"target_key": "qa", "texts": ['{"record_key": "a", "amount": NaN}']})

    assert "Publish Targets" in (await make(target_key="nowhere").check()).warnings[0]
    assert "amount: NaN" in (await make(target_key="qa").check()).warnings[0]


@pytest.mark.parametrize(
    ("faults", "text"),
    (
        ({"garbage": 1}, "not MerchantOps"),
        ({"error": 1}, "is down"),
        ({"drop": 1}, "cannot be reached"),
        ({"error": 1, "error_status": 404}, "no MerchantOps"),
    ),
)
async def test_a_check_that_meets_something_else_names_the_address(
    connector: MerchantOps, told: Tell, faults: dict[str, Any], text: str
) -> None:
    """The setting to look at."""
    await told("PUT", "faults", faults)
    with pytest.raises(ConfigurationError, match=text) as refused:
        await connector.check()

    assert refused.value.field == "settings.base_url"


async def test_a_check_tells_the_target_and_the_key_apart(make: Make, told: Tell) -> None:
    """422 is the target's, 401 and 403 are the key's."""
    await told("PUT", "faults", {"error": 1, "error_status": 422})
    with pytest.raises(ConfigurationError) as refused:
        await make().check()
    assert refused.value.field == "settings.target_key"

    await told("DELETE", "faults")
    with pytest.raises(ReauthorizationError, match="create one"):
        await make(api_key="unknown").check()


async def test_a_host_that_does_not_answer_is_told_at_the_check(make: Make, free_tcp_port: int) -> None:
    """By the address, not by a stack trace."""
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        await make(base_url=f"http://127.0.0.1:{free_tcp_port}").check()


async def test_one_target_is_recognised_however_its_address_is_written(make: Make) -> None:
    """Case, default port and the slash at the end make no difference; organisation and target do."""
    written = [
        make(base_url="HTTPS://API.Merchantops.Example:443/"),
        make(base_url="https://api.merchantops.example"),
    ]
    others = [
        make(base_url="https://api.merchantops.example", target_key="qa"),
        make(base_url="https://api.merchantops.example", organization_id="org-1"),
        make(base_url="https://api.merchantops.example/eu"),
        make(base_url="http://api.merchantops.example"),
        make(base_url="https://api.merchantops.example", api_key="another"),
    ]

    assert len({one.poll_target() for one in written}) == 1
    assert len({one.poll_target() for one in written + others}) == 6
    assert written[0].circuit_key() == "api.merchantops.example"


async def test_with_an_organization_the_key_makes_no_difference(make: Make) -> None:
    """So a renewed key stays on the same target; and no key can be read from a poll target."""
    assert make(organization_id="org-1").poll_target() == make("other", organization_id="org-1").poll_target()
    assert "simulator-key" not in make().poll_target()


@pytest.mark.parametrize(
    ("settings", "field"),
    (
        ({"base_url": "merchantops.example"}, "base_url"),
        ({"base_url": "ftp://merchantops.example"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"base_url": "https://user:secret@merchantops.example"}, "base_url"),
        ({"base_url": "https://merchantops.example?key=1"}, "base_url"),
        ({"base_url": "https://merchantops.example:port"}, "base_url"),
        ({"target_key": ""}, "target_key"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"polls_per_second": 0}, "polls_per_second"),
        ({"organization_id": "org\n1"}, "organization_id"),
        ({"target": "custom"}, "target"),
    ),
)
async def test_a_wrong_setting_is_refused_by_name(make: Make, settings: dict[str, Any], field: str) -> None:
    """When the connection is saved."""
    with pytest.raises(ValidationError) as refused:
        make(**settings)

    assert [error["loc"][0] for error in refused.value.errors()] == [field]


@pytest.mark.parametrize("key", ("", "two words", "line\nbreak", "schlüssel"))
async def test_a_key_that_fits_no_header_is_refused_without_being_shown(make: Make, key: str) -> None:
    """A pasted line break is the usual case."""
    with pytest.raises(ValidationError) as refused:
        make(api_key=key)

    assert "api_key" in str(refused.value)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", ("a/b", "a b?c#d", "ü%2F%252F", "../x", "a&b=c+d", "漢"))
async def test_a_record_is_reported_whatever_its_key(connector: MerchantOps, told: Tell, key: str) -> None:
    """It travels quoted, and the outcome is that record's and no other's."""
    await told("POST", "records", {"items": [{"record_key": key, "amount": 1}]})

    (result,) = await connector.report([outcome(key)])

    assert isinstance(result, Acknowledged)
    assert result.warning is None
    state = await told("GET", "state")
    assert state["targets"][0]["records"][key]["reports"] == 1


@pytest.mark.parametrize("size", (1_000, 200_000))
def test_a_page_that_is_cut_off_inside_of_a_text_is_refused_in_no_time(size: int) -> None:
    """Its quotes are not tried one after the other, which would take the square of its length."""
    page = b'{"items":[NaN,' + b'"\\' * size
    begin = time.process_time()

    with pytest.raises(BadPageError):
        parse_page(page)

    assert time.process_time() - begin < 2


@pytest.mark.parametrize("key", (".", ".."))
def test_a_key_that_would_name_another_path_is_kept_in_quarantine(key: str) -> None:
    """Its outcome would be posted to where no outcome belongs."""
    parsed = parse_page(codec.dumps({"items": [{"record_key": key, "amount": 1}]}))

    assert parsed.records == []
    assert "another path" in parsed.bad[0].reason
