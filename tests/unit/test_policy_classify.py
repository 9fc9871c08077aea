"""Which error an answer stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import HubError, ReauthorizationError, RejectedError, RetryableError, ThrottledError
from hub.policy.classify import LONGEST_DETAIL, TRANSPORT, details_of, error_of, error_of_exception, fate_of

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)
TARGET = "POST erp.example/prices"


def error(status: int, body: Any = b"", **headers: str) -> Any:
    """The error of an answer; a body that is no bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(httpx.Response(status, content=content, headers=named), target=TARGET, now=NOW)


def expected(status: int) -> type[HubError] | None:
    """The table as the design states it, said once more in another way."""
    if 200 <= status < 300:
        return None
    if status in {401, 403}:
        return ReauthorizationError
    if status == 429:
        return ThrottledError
    if status in {408, 425} or status >= 500 or status < 200:
        return RetryableError
    return RejectedError


def test_every_status_has_its_error() -> None:
    """All from 100 to 599, and the error carries the code and names the call."""
    for status in range(100, 600):
        found = error(status)
        kind = expected(status)
        assert type(found) is (kind or type(None)), status
        if kind:
            assert found.response_code == status
            assert str(found).startswith(f"{TARGET}: HTTP {status}")


@given(st.integers(-(10**6), 10**6))
def test_every_number_has_a_fate(status: int) -> None:
    """What is no HTTP status is treated as a server's error."""
    if not 100 <= status <= 599:
        assert fate_of(status) == "retry"


@pytest.mark.parametrize("status", (500, 503, 408, 425))
def test_retry_after_goes_with_what_is_retried(status: int) -> None:
    """A 503 with Retry-After spends an attempt like any other 5xx, and waits as asked."""
    assert error(status, retry_after="7").retry_after == timedelta(seconds=7)
    assert error(status).retry_after is None


def test_a_throttle_waits_as_asked_or_a_second() -> None:
    """A wait of zero would be a busy loop, so it counts as none."""
    assert error(429, retry_after="7").wait == timedelta(seconds=7)
    assert error(429).wait == timedelta(seconds=1)
    assert error(429, retry_after="0").wait == timedelta(seconds=1)


def test_a_missing_scope_is_named() -> None:
    """So that whoever reads it knows what to ask for."""
    found = error(403, {"detail": "missing scope pricing.publish.outcome.write"})

    assert "missing scope pricing.publish.outcome.write" in str(found)
    assert "lacks a permission; grant it over there" in str(found)


def test_a_refused_credential_is_said_with_the_remedy() -> None:
    """Wherever it is read: in a check, a drain, the state of a connection."""
    assert "set one that is valid with `hub connection set`" in str(error(401, {"detail": "unknown token"}))


def test_an_unfollowed_redirect_names_the_host_alone() -> None:
    """A Location may carry anything in its query."""
    found = error(302, location="https://other.example/login?token=abc")

    assert "other.example" in str(found)
    assert "abc" not in str(found)
    assert "another address" in str(error(302, location="http://[half"))


@pytest.mark.parametrize(
    ("body", "details"),
    (
        (
            {"detail": [{"loc": ["body", "sku"], "msg": "field required"}, {"loc": ["x", 0], "msg": "no"}]},
            ["body.sku: field required", "x.0: no"],
        ),
        ({"detail": "no such record"}, ["no such record"]),
        ({"error": {"code": "1", "message": "Invalid price"}}, ["Invalid price"]),
        ({"error": "invalid_grant", "error_description": "Token expired"}, ["Token expired"]),
        ({"errors": [{"message": "a"}, {"message": "b", "extensions": {}}]}, ["a", "b"]),
        ({"errors": ["a", "b"]}, ["a", "b"]),
        ({"errors": {"title": ["can't be blank"], "price": ["is not a number"]}},
         ["title: can't be blank", "price: is not a number"]),
        ({"message": "  two\n lines "}, ["two lines"]),
        ({"Message": "The request is invalid."}, ["The request is invalid."]),
        ({"detail": None, "message": "other"}, ["other"]),
        ("Price too low", ["Price too low"]),
        ({"code": 7}, ["code: 7"]),
        ([], []),
        (b"", []),
        (b"plain text", ["plain text"]),
        (b"<html><style>p{}</style><h1>Bad  Gateway</h1></html>", ["Bad Gateway"]),
        (b"\xff\xfe", ["��"]),
        (b"[" * 5000, ["[" * (LONGEST_DETAIL - 1) + "…"]),
    ),
)  # fmt: skip
def test_details_are_found_in_the_usual_shapes(body: Any, details: list[str]) -> None:
    """One text for each error, on one line."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    assert details_of(httpx.Response(400, content=content)) == details


def test_a_rejection_lists_every_error() -> None:
    """The first one says which call it was."""
    found = error(422, {"errors": ["a", "b"]})

    assert found.errors == (f"{TARGET}: HTTP 422: a", "b")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["detail", "errors", "error", "message", "msg", "loc", "field"]) | st.text(), inner)))  # fmt: skip
def test_details_survive_any_json(body: Any) -> None:
    """And stay short."""
    assert sum(map(len, details_of(httpx.Response(400, content=json.dumps(body).encode())))) <= LONGEST_DETAIL


@given(st.binary())
def test_details_survive_any_bytes(body: bytes) -> None:
    """Garbage is told as it is, shortened."""
    assert sum(map(len, details_of(httpx.Response(400, content=body)))) <= LONGEST_DETAIL


def test_a_secret_at_the_cut_does_not_stay_in_part() -> None:
    """A long answer is cut; what may be half a secret at its end goes too, although tags around it vanish."""
    secret = "s3cr3t" * 100
    body = b"<" + b"x" * (64 * 1024 - 400) + b">" + secret.encode() * 2
    answer = httpx.Response(400, content=body)

    assert "s3cr3t" not in "".join(details_of(answer, lambda text: text.replace(secret, "***")))


def exceptions_of_httpx() -> Iterator[type[Exception]]:
    """All that httpx defines."""
    for name in httpx.__all__:
        found = getattr(httpx, name)
        if isinstance(found, type) and issubclass(found, Exception):
            yield found


def test_every_exception_of_httpx_has_its_error() -> None:
    """Each stands in the table itself, but for the one that only a call of ours raises and those of reading streams."""
    unlisted = {kind.__name__ for kind in exceptions_of_httpx() if kind not in TRANSPORT}

    assert unlisted == {
        "HTTPStatusError", "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead",
    }  # fmt: skip
    for kind in exceptions_of_httpx():
        found = error_of_exception(kind.__new__(kind), target=TARGET, reason="refused")
        assert isinstance(found, RetryableError | RejectedError)
        assert str(found).startswith(f"{TARGET}: ")
        assert str(found).endswith("(refused)")


@pytest.mark.parametrize(
    "kind", (httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout)
)
def test_what_happens_on_the_way_is_retried(kind: type[Exception]) -> None:
    """It may work later."""
    assert isinstance(error_of_exception(kind("x"), target=TARGET), RetryableError)


@pytest.mark.parametrize("kind", (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError))
def test_what_is_wrong_with_the_request_is_rejected(kind: type[Exception]) -> None:
    """It would be as wrong the next time."""
    assert isinstance(error_of_exception(kind("x"), target=TARGET), RejectedError)
