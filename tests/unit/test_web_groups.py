"""Group commit: whatever comes together, each gets what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.connector import WebhookAnswer
from hub.errors import ServiceUnavailableError
from hub.loop.receive import Received
from hub.store.rows import Admission
from hub.web.groups import MOST_RECORDS, Groups

POISON = "poison"


class Store:
    """Takes groups all or nothing, like a transaction, and cannot take poison."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.groups = 0

    async def admit(self, _: Any, answers: Sequence[WebhookAnswer]) -> Received:
        """One transaction."""
        self.groups += 1
        await asyncio.sleep(0)
        ids = [answer.dedupe_id or "" for answer in answers]
        if any(POISON in one for one in ids):
            raise ValueError("poison")
        self.taken += ids
        return Received(admission=Admission(), repeated=[False] * len(ids))


def pipeline(connection_id: int) -> Any:
    """All that is asked of a connection."""
    return SimpleNamespace(connection=SimpleNamespace(id=connection_id))


def webhook(name: str, records: int = 1) -> WebhookAnswer:
    """A webhook known by its id."""
    return WebhookAnswer(records=[None] * records, dedupe_id=name)


@given(arrivals=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=60), at_once=st.integers(1, 4))
def test_the_good_are_stored_once_and_the_bad_fail_alone(
    arrivals: list[tuple[int, bool]], at_once: int
) -> None:
    """In whatever order and for however many connections they come."""

    async def run() -> tuple[Store, list[Any]]:
        store = Store()
        groups = Groups(store.admit, queue_limit=100, at_once=at_once)
        connections = {number: pipeline(number) for number in (1, 2, 3)}
        calls = [
            groups.admit(connections[number], webhook(f"{index}-{POISON}" if bad else str(index)))
            for index, (number, bad) in enumerate(arrivals)
        ]
        return store, await asyncio.gather(*calls, return_exceptions=True)

    store, results = asyncio.run(run())

    assert [isinstance(result, ValueError) for result in results] == [bad for _, bad in arrivals]
    assert sorted(store.taken) == sorted(str(index) for index, (_, bad) in enumerate(arrivals) if not bad)


async def test_what_comes_together_goes_into_one_transaction() -> None:
    """Up to a number of records."""
    store = Store()
    groups = Groups(store.admit, queue_limit=100, at_once=1)
    shop = pipeline(1)

    await asyncio.gather(*(groups.admit(shop, webhook(str(one))) for one in range(50)))
    assert store.groups == 1

    half = MOST_RECORDS // 2 + 1
    await asyncio.gather(*(groups.admit(shop, webhook(name, half)) for name in ("a", "b")))
    assert store.groups == 3


async def test_a_store_that_is_down_fails_the_group_without_asking_again() -> None:
    """Halving is for webhooks that are to blame."""
    asked = 0

    async def admit(*_: Any) -> Received:
        nonlocal asked
        asked += 1
        raise ServiceUnavailableError("down")

    groups = Groups(admit, queue_limit=100, at_once=1)
    shop = pipeline(1)
    results = await asyncio.gather(
        *(groups.admit(shop, webhook(str(one))) for one in range(8)), return_exceptions=True
    )

    assert {type(result) for result in results} == {ServiceUnavailableError}
    assert asked == 1


async def test_who_gave_up_while_waiting_is_left_out() -> None:
    """Nobody would hear the answer, and the sender comes again."""
    store = Store()
    release = asyncio.Event()

    async def slow(one: Any, answers: Sequence[WebhookAnswer]) -> Received:
        await release.wait()
        return await store.admit(one, answers)

    groups = Groups(slow, queue_limit=100, at_once=1)
    shop = pipeline(1)
    first = asyncio.create_task(groups.admit(shop, webhook("first")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hasty = asyncio.create_task(groups.admit(shop, webhook("hasty")))
    patient = asyncio.create_task(groups.admit(shop, webhook("patient")))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.wait([hasty])
    release.set()
    await asyncio.gather(first, patient)

    assert store.taken == ["first", "patient"]
