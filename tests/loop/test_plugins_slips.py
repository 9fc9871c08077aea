"""Whatever a stranger's plugin does, every record gets a result, and a worker's death is blamed on nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.errors import (
    CircuitOpenError,
    ConnectionFailedError,
    ParkedError,
    ReauthorizationError,
    RejectedError,
    RetryableError,
    SkippedError,
)
from hub.records import Acknowledged, Page, Record, Released, Success
from hub.store import connections
from tests.loop.hub_of_a_test import Connect, Hub, Script


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is asked of plugins is the same on every database."""
    return sqlite_url


@pytest.fixture
def admit(hub: Hub, connect_scripted: Connect, script: Script) -> Callable[[], Awaitable[None]]:
    """Two records, ``a`` and ``b``, that wait."""

    async def admit() -> None:
        script.poll = lambda _: Page(records=[Record(stream="price", key=key, payload={}) for key in "ab"])
        await connect_scripted()
        await hub.poll()

    return admit


def raising(error: BaseException) -> Callable[[Any], Any]:
    def raise_it(_: Any) -> Any:
        raise error

    return raise_it


@pytest.mark.parametrize("verb", ("fetch", "push"))
@pytest.mark.parametrize(
    ("error", "state", "spent"),
    (
        (RejectedError("no sku", "no price"), "rejected", 1),
        (SkippedError("nothing to do"), "skipped", 1),
        (RetryableError("timeout"), "waiting", 1),
        (CircuitOpenError("open", wait=replace), "waiting", 0),
        (ReauthorizationError("revoked"), "waiting", 0),
        (ConnectionFailedError("wrong account"), "waiting", 0),
        (KeyError("oops"), "waiting", 1),
        (TimeoutError(), "waiting", 1),
    ),
)
async def test_what_a_batch_raises_counts_for_each_of_its_records(
    hub: Hub,
    admit: Callable[[], Awaitable[None]],
    script: Script,
    verb: str,
    error: Exception,
    state: str,
    spent: int,
) -> None:
    """As ``result_of`` says; anything unknown is retried, with its name."""
    if isinstance(error, CircuitOpenError):
        error = CircuitOpenError("open", wait=Released(reason="").after)
    setattr(script, verb, raising(error))
    await admit()
    await hub.work()

    assert set(hub.states().values()) == {state}
    assert {row["total_attempts"] for row in hub.rows()} == {spent}
    assert hub.claims() == []
    if isinstance(error, KeyError | TimeoutError):
        assert type(error).__name__ in hub.row("a")["error"]


@pytest.mark.parametrize(
    ("error", "state", "text"),
    (
        (RejectedError("no sku", "no price"), "rejected", "no sku; no price"),
        (SkippedError("nothing to do"), "skipped", "nothing to do"),
        (ParkedError("its category is not mapped", wake_key="category:7"), "parked", "not mapped"),
        (KeyError("oops"), "rejected", "KeyError"),
    ),
)
async def test_a_record_that_cannot_be_transformed_settles_alone(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script, error: Exception, state: str, text: str
) -> None:
    """It is pure: it would fail the same way the next time."""
    script.push = lambda items: [Success() for _ in items]
    script.transform = lambda item: raising(error)(item) if item.key == "a" else item.payload
    await admit()
    await hub.work()

    assert hub.states() == {"a": state, "b": "success"}
    assert text in hub.row("a")["error"]


@pytest.mark.parametrize(
    "answer",
    (None, [], [Success()], [Success(), Success(), Success()], [Success(), None], [Success(), "ok"], 7),
)
@pytest.mark.parametrize("verb", ("push", "report"))
async def test_an_answer_that_is_no_result_for_each_record_is_a_failed_attempt(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script, verb: str, answer: Any
) -> None:
    """It says which plugin answered what; the records are neither lost nor taken for poison."""
    if verb == "report":
        script.push = lambda items: [Success() for _ in items]
        answer = (
            [Acknowledged() if isinstance(one, Success) else one for one in answer]
            if isinstance(answer, list)
            else answer
        )
    setattr(script, verb, lambda _: answer)
    await admit()
    await hub.work()

    assert hub.claims() == []
    row = hub.row("b")
    if verb == "push":
        assert (row["state"], row["attempts"]) == ("waiting", 1)
        assert "scripted" in row["error"]
    else:
        assert (row["state"], row["report_state"], row["report_attempts"]) == ("success", "waiting", 1)
        assert "scripted" in row["report_error"]


@pytest.mark.parametrize("answer", (None, 7, ["a", "b"]))
async def test_what_fetch_brings_has_to_be_items(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script, answer: Any
) -> None:
    """Otherwise it is a failed attempt."""
    script.fetch = lambda _: answer
    script.push = lambda items: [Success() for _ in items]
    await admit()
    await hub.work()

    assert hub.claims() == []
    assert {(row["state"], row["attempts"]) for row in hub.rows()} == {("waiting", 1)}


async def test_a_record_that_fetch_loses_is_tried_again(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script
) -> None:
    """The other one goes on."""
    script.fetch = lambda items: items[1:]
    script.push = lambda items: [Success() for _ in items]
    await admit()
    await hub.work()

    assert hub.states() == {"a": "waiting", "b": "success"}
    assert hub.row("a")["attempts"] == 1


@pytest.mark.parametrize("stage", ("work", "report"))
async def test_a_connection_that_cannot_be_put_together_any_more_gives_its_claim_back(
    hub: Hub, admit: Callable[[], Awaitable[None]], script: Script, stage: str
) -> None:
    """Its plugin is gone, or its settings do not fit the new version: no record may die of that."""
    script.push = lambda items: [Success() for _ in items]
    script.report = lambda outcomes: [Released(reason="not now") for _ in outcomes]
    await admit()
    if stage == "report":
        await hub.work()
    stored = hub.connection()
    connections.replace_connection(
        hub.db, "prices", config=stored.config, credentials=stored.credentials, poll_target=stored.poll_target,
        streams=["price"],
    )  # fmt: skip
    hub.registry.connectors.clear()  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="scripted"):
        await getattr(hub, stage)()

    assert hub.claims() == []
    assert {row["claim_id"] for row in hub.rows()} == {None}
    assert {row["lost_claims"] for row in hub.rows()} == {0}
    expected = {"waiting": 2} if stage == "work" else {"success": 2}
    assert {state: number for state, number in hub.stats().states.items() if number} == expected
