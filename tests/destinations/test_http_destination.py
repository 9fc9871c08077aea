"""The HTTP destination against a real server: what it sends, and what it makes of the answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.destinations.http import HttpDestination
from hub.connector import Ports
from hub.errors import ReauthorizationError, RetryableError
from hub.records import Item, Refused, Rejected, Released, Retry, Skipped, Success

MakeItem = Callable[..., Item]
Make = Callable[..., HttpDestination]


@pytest.fixture
def make(api: Any, ports: Ports) -> Make:
    """Builds the destination for the recording server; ``url`` is what follows its host."""

    def build(*, url: str = "/prices", credentials: Any = None, **settings: Any) -> HttpDestination:
        return HttpDestination(
            HttpDestination.Settings.model_validate({"url": api.url + url, **settings}),  # type: ignore[arg-type]
            HttpDestination.Credentials.model_validate(credentials or {}),  # type: ignore[arg-type]
            ports,
        )

    return build


async def test_a_record_is_one_call_with_its_idempotency_key(api: Any, make: Make, item: MakeItem) -> None:
    """The body is the mapped record, with every digit of its numbers."""
    api.always(201, {"id": 42})

    results = await make(external_id="id").push([item(1, {"sku": "a", "price": Decimal("32.850")})])

    (call,) = api.calls
    assert (call.method, call.target) == ("POST", "/prices")
    assert call.content == b'{"sku":"a","price":32.850}'
    assert call.headers["content-type"] == "application/json"
    assert call.headers["idempotency-key"] == "key-1"
    (result,) = results
    assert isinstance(result, Success)
    assert (result.external_id, result.response_code, result.warning) == ("42", 201, None)
    assert result.duration_ms is not None
    assert result.duration_ms >= 0


async def test_the_url_is_filled_from_the_record_and_quoted(api: Any, make: Make, item: MakeItem) -> None:
    """A slash or an ampersand of a key never becomes a part of the address."""
    destination = make(url="/{stream}/{body.sku}/p?key={key}&n={body.price.net}", method="PUT")

    await destination.push([item(1, {"sku": "24/7 ü", "price": {"net": Decimal("1E+3")}}, key="a&b=c#d")])

    assert api.calls[0].method == "PUT"
    assert api.calls[0].target == "/price/24%2F7%20%C3%BC/p?key=a%26b%3Dc%23d&n=1000"


@pytest.mark.parametrize(
    ("body", "error"),
    (
        ({}, "the URL needs {body.sku}, which the record lacks; map it or change the url"),
        ({"sku": None}, "the URL needs a text or number for {body.sku}, not null; correct the record"),
        ({"sku": ""}, 'not ""; correct'),
        ({"sku": ["a"]}, 'not ["a"]; correct'),
        ({"sku": ".."}, "has a path segment . or ..; correct"),
        ("text", "the URL needs {body.sku}, which the record lacks"),
    ),
)
async def test_a_record_that_cannot_fill_the_url_is_rejected(
    api: Any, make: Make, item: MakeItem, body: Any, error: str
) -> None:
    """It alone, without a call; the others go on."""
    results = await make(url="/items/{body.sku}").push([item(1, body), item(2)])

    assert isinstance(results[0], Rejected)
    assert error in results[0].errors[0]
    assert isinstance(results[1], Success)
    assert [call.target for call in api.calls] == ["/items/sku-2"]


@pytest.mark.parametrize(
    ("auth", "credentials", "header", "value"),
    (
        ("bearer", {"token": "s3cret"}, "authorization", "Bearer s3cret"),
        (
            "basic",
            {"username": "u", "password": "pä"},
            "authorization",
            "Basic " + base64.b64encode("u:pä".encode()).decode(),
        ),
        ("header", {"header_value": "s3cret"}, "x-key", "s3cret"),
    ),
)
async def test_credentials_become_a_header(
    api: Any, make: Make, item: MakeItem, *, auth: str, credentials: Any, header: str, value: str
) -> None:
    """Each kind of authentication where it belongs, and further headers beside it."""
    more = {"auth_header": "X-Key"} if auth == "header" else {}

    await make(auth=auth, credentials=credentials, headers={"X-Shop": "7"}, **more).push([item()])

    assert api.calls[0].headers[header] == value
    assert api.calls[0].headers["x-shop"] == "7"


async def test_a_header_of_the_settings_replaces_a_default(api: Any, make: Make, item: MakeItem) -> None:
    """However it is written."""
    await make(headers={"content-type": "application/vnd.api+json", "ACCEPT": "*/*"}).push([item()])

    assert api.calls[0].headers["content-type"] == "application/vnd.api+json"
    assert api.calls[0].headers["accept"] == "*/*"


async def test_delete_sends_no_body(api: Any, make: Make, item: MakeItem) -> None:
    """The URL says what to delete."""
    await make(url="/items/{body.sku}", method="DELETE", idempotency_header="").push([item()])

    assert (api.calls[0].method, api.calls[0].content) == ("DELETE", b"")
    assert "content-type" not in api.calls[0].headers
    assert "idempotency-key" not in api.calls[0].headers


@pytest.mark.parametrize(
    ("status", "settings", "kind"),
    (
        (200, {}, Success),
        (204, {}, Success),
        (409, {"success_codes": [200, 409]}, Success),
        (409, {"skip_codes": [409]}, Skipped),
        (201, {"success_codes": [200]}, Retry),
        (400, {}, Rejected),
        (404, {}, Rejected),
        (409, {}, Rejected),
        (422, {}, Rejected),
        (401, {}, Refused),
        (403, {}, Refused),
        (408, {}, Retry),
        (500, {}, Retry),
        (503, {}, Retry),
        (429, {}, Released),
    ),
)
async def test_each_status_has_its_result(
    api: Any, make: Make, item: MakeItem, *, status: int, settings: Any, kind: type
) -> None:
    """What the settings name is theirs; the rest is the core's table."""
    api.always(status, {"error": "because"})

    (result,) = await make(**settings).push([item()])

    assert type(result) is kind
    if isinstance(result, Success | Skipped | Rejected | Retry):
        assert result.response_code == status
        assert result.duration_ms is not None


async def test_one_bad_record_leaves_the_others_alone(api: Any, make: Make, item: MakeItem) -> None:
    """Results stand in the order of the records."""
    api.answer = lambda call: (422, {"detail": "no such sku"}) if b"sku-2" in call.content else (200, {})

    results = await make().push([item(1), item(2), item(3)])

    assert [type(result) for result in results] == [Success, Rejected, Success]
    assert "no such sku" in results[1].errors[0]


async def test_a_record_that_is_no_json_is_rejected(api: Any, make: Make, item: MakeItem) -> None:
    """A connector's own ``transform`` may hand over anything."""
    for batch in (1, 10):
        results = await make(batch=batch).push([item(1, {"a": object()}), item(2)])

        assert [type(result) for result in results] == [Rejected, Success]
        assert "cannot be written as JSON" in results[0].errors[0]


@pytest.mark.parametrize(
    ("answer", "expression", "warning"),
    (
        (b"", "id", "the answer is no JSON"),
        ({"id": [1]}, "id", "[1] is no text or number"),
        ({"id": True}, "id", "true is no text or number"),
        ({"id": "x"}, "abs(id)", "abs() takes number"),
    ),
)
async def test_an_id_that_cannot_be_read_is_a_warning(
    api: Any, make: Make, item: MakeItem, *, answer: Any, expression: str, warning: str
) -> None:
    """The destination has the record; to send it again would be wrong."""
    api.always(200, answer)

    (result,) = await make(external_id=expression).push([item()])

    assert isinstance(result, Success)
    assert result.external_id is None
    assert warning in str(result.warning)


@pytest.mark.parametrize("settings", ({}, {"external_id": "id"}, {"batch": 2}))
async def test_an_answer_that_says_it_is_json_and_is_none_is_tried_again(
    api: Any, make: Make, item: MakeItem, settings: dict[str, Any]
) -> None:
    """Something else has answered in the API's place, and the key makes the repetition safe."""
    api.always(200, b"<html>")

    (result,) = await make(**settings).push([item()])

    assert isinstance(result, Retry)
    assert "HTTP 200, but the answer is no JSON" in result.error


async def test_calls_are_held_to_the_connections_rate(make: Make, item: MakeItem, ports: Ports) -> None:
    """One bucket for all calls of the connection, and none for those of another one."""
    another = HttpDestination(make().settings, make().credentials, replace(ports, connection="stock"))

    results = await make(rate=0.01, burst=2).push([item(1), item(2), item(3)])

    assert [type(result) for result in results].count(Success) == 2
    assert [type(result) for result in results].count(Released) == 1
    assert [type(result) for result in await another.push([item(1)])] == [Success]


async def test_the_duration_is_that_of_the_call_alone(make: Make, item: MakeItem) -> None:
    """Not that of the wait for a slot of the rate limit."""
    results = await make(rate=2, burst=1).push([item(1), item(2)])

    assert [type(result) for result in results] == [Success, Success]
    assert all(result.duration_ms < 400 for result in results)


async def test_the_circuit_is_the_hosts(api: Any, make: Make) -> None:
    """Whatever the path says."""
    assert make(url="/a/{key}").circuit_key() == api.url.removeprefix("http://")


async def test_check_looks_without_writing(api: Any, make: Make) -> None:
    """HEAD on the part of the URL before its fields; any answer shows that the server is there."""
    api.always(405, b"")

    result = await make(url="/items/{body.sku}?a=1").check()

    assert [(call.method, call.target) for call in api.calls] == [("HEAD", "/items/")]
    assert result.facts["status"] == 405
    assert not result.warnings


async def test_check_warns_of_a_server_that_fails(api: Any, make: Make) -> None:
    """It was reached, and something is wrong with it."""
    api.always(503, b"")

    assert (await make().check()).warnings == ["the server answers HTTP 503: it may be down"]


async def test_check_asks_the_url_that_is_meant_for_it(api: Any, make: Make) -> None:
    """With the credentials, and taking no answer but a 2xx."""
    destination = make(check_url=f"{api.url}/me", auth="bearer", credentials={"token": "t"})
    assert (await destination.check()).facts["status"] == 200
    assert (api.calls[0].method, api.calls[0].headers["authorization"]) == ("GET", "Bearer t")

    api.always(500, b"")
    with pytest.raises(RetryableError):
        await destination.check()


@pytest.mark.parametrize("settings", ({}, {"check": "/me"}))
async def test_check_tells_of_a_refused_credential(api: Any, make: Make, settings: Any) -> None:
    """However it asks."""
    api.always(401, b"")
    more = {"check_url": api.url + settings["check"]} if settings else {}

    with pytest.raises(ReauthorizationError):
        await make(**more).check()


async def test_check_tells_of_a_server_that_is_not_there(make: Make, ports: Ports) -> None:
    """A typing error in the host is found when the connection is checked."""
    with pytest.raises(RetryableError):
        await (
            make()
            .__class__(
                HttpDestination.Settings(url="http://127.0.0.1:1/x"), HttpDestination.Credentials(), ports
            )
            .check()
        )


async def test_a_batch_is_a_list_whose_records_carry_their_keys(api: Any, make: Make, item: MakeItem) -> None:
    """At most ``batch`` records a call, and an idempotency key for the call that is equal for equal records."""
    destination = make(batch=2)

    results = await destination.push([item(number) for number in (1, 2, 3)])
    await destination.push([item(1), item(2)])

    assert [type(result) for result in results] == [Success] * 3
    by_size = sorted(api.calls[:2], key=lambda call: -len(call.body))
    assert [call.body for call in by_size] == [
        [{"sku": "sku-1", "idempotency_key": "key-1"}, {"sku": "sku-2", "idempotency_key": "key-2"}],
        [{"sku": "sku-3", "idempotency_key": "key-3"}],
    ]
    assert by_size[0].headers["idempotency-key"] != by_size[1].headers["idempotency-key"]
    assert api.calls[2].headers["idempotency-key"] == by_size[0].headers["idempotency-key"]


async def test_a_batch_can_stand_under_a_name(api: Any, make: Make, item: MakeItem) -> None:
    """With the records' own keys under another name, or none."""
    await make(batch=5, batch_key='it"ems', idempotency_field="").push([item(1), item(2)])
    await make(batch=5, idempotency_field="ref").push([item(1)])

    assert api.calls[0].body == {'it"ems': [{"sku": "sku-1"}, {"sku": "sku-2"}]}
    assert api.calls[1].body == [{"sku": "sku-1", "ref": "key-1"}]


async def test_the_streams_of_a_batch_go_to_their_own_urls(api: Any, make: Make, item: MakeItem) -> None:
    """A batch holds records of one URL only, and the results still stand in the order of the records."""
    api.answer = lambda call: (200, {"ids": [f"{call.target}/{one['sku']}" for one in call.body]})

    results = await make(url="/{stream}", batch=10, external_id="ids").push(
        [item(1), item(2, stream="stock"), item(3), item(4, stream="stock")]
    )

    assert [result.external_id for result in results] == [
        "/price/sku-1",
        "/stock/sku-2",
        "/price/sku-3",
        "/stock/sku-4",
    ]
    assert len(api.calls) == 2


@pytest.mark.parametrize("body", ({"idempotency_key": "own"}, ["list"], 7))
async def test_a_record_that_cannot_carry_its_key_is_rejected(make: Make, item: MakeItem, body: Any) -> None:
    """Rather than sent without it, or with another one."""
    results = await make(batch=3).push([item(1, body), item(2)])

    assert [type(result) for result in results] == [Rejected, Success]
    assert "idempotency_field" in results[0].errors[0]


async def test_ids_that_do_not_fit_the_batch_are_a_warning(api: Any, make: Make, item: MakeItem) -> None:
    """Two ids for three records belong to nobody."""
    api.always(200, {"ids": ["a", "b"]})

    results = await make(batch=3, external_id="ids").push([item(1), item(2), item(3)])

    assert [(result.external_id, type(result)) for result in results] == [(None, Success)] * 3
    assert 'ids is no list of 3 ids: ["a","b"]' in results[0].warning


async def test_each_record_of_a_batch_has_its_own_result(api: Any, make: Make, item: MakeItem) -> None:
    """By the status that the answer gives it."""
    rows = [
        {"code": 201, "id": 7},
        {"code": "422", "why": ["no sku", "no price"]},
        {"code": 409},
        {"code": 503, "why": "busy"},
        {"code": 429},
        {"code": None},
    ]
    api.always(207, {"results": rows})
    where = {"items": "results", "status": "code", "error": "why", "external_id": "id"}

    results = await make(batch=10, results=where, skip_codes=[409]).push(
        [item(number) for number in range(6)]
    )

    assert [type(result) for result in results] == [Success, Rejected, Skipped, Retry, Retry, Retry]
    assert (results[0].external_id, results[0].response_code) == ("7", 201)
    assert (results[1].errors, results[1].response_code) == (["no sku", "no price"], 422)
    assert results[3].error == "busy"
    assert results[5].error == "the result cannot be read: its status is null"


@pytest.mark.parametrize(
    ("row", "where", "kind"),
    (
        ({"ok": True}, {"status": "ok"}, Success),
        ({"ok": False, "why": "x"}, {"status": "ok", "error": "why"}, Rejected),
        ({"ok": "Created"}, {"status": "ok"}, Success),
        ({"ok": "failed"}, {"status": "ok"}, Rejected),
        ({"ok": "done"}, {"status": "ok", "success": ["DONE"]}, Success),
        ({"why": None}, {"error": "why"}, Success),
        ({"why": ""}, {"error": "why"}, Success),
        ({"why": {"code": 3}}, {"error": "why"}, Rejected),
        ({}, {}, Success),
        ({"ok": [1]}, {"status": "ok"}, Retry),
        ({"ok": "x"}, {"status": "abs(ok)"}, Retry),
        ({"ok": 404}, {"status": "ok"}, Rejected),
    ),
)
async def test_a_status_is_a_number_a_boolean_or_a_text(
    api: Any, make: Make, item: MakeItem, *, row: Any, where: Any, kind: type
) -> None:
    """APIs say it in many ways."""
    api.always(200, [row])

    (result,) = await make(batch=2, results={"items": "@", **where}).push([item()])

    assert type(result) is kind


async def test_results_are_matched_by_what_names_the_record(api: Any, make: Make, item: MakeItem) -> None:
    """Whatever their order; a record that the answer leaves out is tried again."""
    api.always(200, [{"ref": "key-3", "id": "c"}, {"ref": "key-1", "id": "a"}])
    where = {"items": "@", "match": "ref", "match_sent": "idempotency_key", "external_id": "id"}

    results = await make(batch=3, results=where).push([item(1), item(2), item(3)])

    assert [type(result) for result in results] == [Success, Retry, Success]
    assert [results[0].external_id, results[2].external_id] == ["a", "c"]


async def test_a_result_without_a_name_is_nobodys(api: Any, make: Make, item: MakeItem) -> None:
    """Not even that of a record without one."""
    api.always(200, [{"ref": None}, {}])

    results = await make(batch=3, results={"items": "@", "match": "ref"}).push(
        [item(1), item(2, {"ref": None})]
    )

    assert [type(result) for result in results] == [Retry, Retry]


@pytest.mark.parametrize("answer", (b"no json", {"results": None}, {"results": [{}]}, {}))
async def test_results_that_cannot_be_read_are_tried_again(
    api: Any, make: Make, item: MakeItem, answer: Any
) -> None:
    """What became of each record is unknown, and its key makes the repetition safe."""
    api.always(200, answer)

    results = await make(batch=3, results={"items": "results"}).push([item(1), item(2)])

    assert [type(result) for result in results] == [Retry, Retry]
    assert "nothing can be read of the results" in results[0].error


def refuse(*numbers: int) -> Callable[[Any], Any]:
    """An API that refuses a whole batch for one bad record in it."""
    bad = {f"sku-{number}" for number in numbers}
    return lambda call: (
        (422, {"error": "bad batch"}) if bad & {one["sku"] for one in call.body} else (200, {})
    )


async def test_a_refused_batch_is_halved_until_the_bad_record_stands_alone(
    api: Any, make: Make, item: MakeItem
) -> None:
    """It alone is rejected; each of the others is taken once."""
    api.answer = refuse(5)

    results = await make(batch=8).push([item(number) for number in range(8)])

    assert [type(result) for result in results] == [Success] * 5 + [Rejected] + [Success] * 2
    taken = [one["sku"] for call in api.calls if api.answer(call)[0] == 200 for one in call.body]
    assert sorted(taken) == [f"sku-{number}" for number in range(8) if number != 5]
    assert len(api.calls) == 1 + 2 * 3


async def test_the_halves_have_keys_that_a_repetition_has_again(api: Any, make: Make, item: MakeItem) -> None:
    """A crash in the middle of it leaves nothing that a second run would do under another key."""
    api.answer = refuse(1)
    items = [item(number) for number in range(4)]

    await make(batch=4).push(items)
    await make(batch=4).push(items)

    keys = [call.headers["idempotency-key"] for call in api.calls]
    assert keys[: len(keys) // 2] == keys[len(keys) // 2 :]
    assert len({(call.headers["idempotency-key"], call.content) for call in api.calls}) == len(set(keys))


async def test_a_batch_that_is_bad_as_a_whole_costs_no_more_calls_than_allowed(
    api: Any, make: Make, item: MakeItem
) -> None:
    """What was not reached is tried again, and what was is settled: each round comes further."""
    api.always(400, b"")
    items = [item(number) for number in range(64)]
    rounds = 0

    while items:
        rounds += 1
        before = len(api.calls)
        results = await make(batch=64, bisect_calls=30).push(items)
        assert len(api.calls) - before <= 31
        left = [one for one, result in zip(items, results, strict=True) if isinstance(result, Retry)]
        assert len(left) < len(items)
        assert all("30 calls did not show" in result.error for result in results if isinstance(result, Retry))
        items = left

    assert rounds <= 6


async def test_a_failure_in_the_middle_of_the_search_is_tried_again(
    api: Any, make: Make, item: MakeItem
) -> None:
    """What is known is settled, and no record is blamed for it."""
    answers = iter((422, 422, 200, 422, 503))
    api.answer = lambda _call: (next(answers), b"")

    results = await make(batch=4).push([item(number) for number in range(4)])

    assert [type(result) for result in results] == [Success, Rejected, Retry, Retry]


async def test_a_throttled_batch_is_given_back_as_it_is(api: Any, make: Make, item: MakeItem) -> None:
    """A 429 says nothing about a record."""
    api.always(429, b"")

    results = await make(batch=4).push([item(1), item(2)])

    assert [type(result) for result in results] == [Released, Released]
    assert timedelta(seconds=0.5) < results[0].after <= timedelta(seconds=1)  # what is left of it
    assert len(api.calls) == 1


async def test_a_redirect_is_no_records_fault(api: Any, make: Make, item: MakeItem, ports: Ports) -> None:
    """It is the address that is wrong, so nothing is halved."""
    api.always(308, b"")

    results = await make(batch=4).push([item(1), item(2)])

    assert [type(result) for result in results] == [Rejected, Rejected]
    assert len(api.calls) == 1


async def test_each_record_fails_alone_when_the_server_is_away(
    make: Make, item: MakeItem, ports: Ports
) -> None:
    """No answer is no verdict."""
    destination = HttpDestination(
        HttpDestination.Settings(url="http://127.0.0.1:1/x"), HttpDestination.Credentials(), replace(ports)
    )

    results = await destination.push([item(1), item(2)])

    assert [type(result) for result in results] == [Retry, Retry]
