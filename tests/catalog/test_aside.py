"""Questions of yes or no that nobody waits for, and what becomes of their connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil

from hub import event_loop
from hub.store.aside import AT_ONCE
from hub.store.database import Database
from hub.testing.servers import Postgres

QUESTION = "SELECT :number > 1"
#: Answered after a while.
SLOW = "SELECT :number > (SELECT count(*) FROM pg_sleep(0.2))"
#: Connections to this store but the one that asks.
LEFT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
#: Cuts off who has been there longest.
CUT_OFF = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'own' ORDER BY backend_start LIMIT 1"


async def answer(db: Database, number: int, sql: str = QUESTION) -> bool | None:
    """The first that comes, however often it has to be asked."""
    told: list[bool | None] = []
    async with asyncio.timeout(20):
        while not any(one is not None for one in told):
            db.ask_aside(sql, told.append, number=number)
            await asyncio.sleep(0.01)
    return next(one for one in told if one is not None)


async def all_connected(db: Database) -> None:
    """As many connections as there are."""
    told: list[bool | None] = []
    async with asyncio.timeout(20):
        while told.count(True) < AT_ONCE:
            told.clear()
            for _ in range(AT_ONCE):
                db.ask_aside(SLOW, told.append, number=2)
            await asyncio.sleep(0.5)


async def test_a_question_is_answered(db: Database) -> None:
    """Yes or no."""
    assert await answer(db, 2) is True
    assert await answer(db, 1) is False


async def test_after_the_end_nothing_is_asked_and_nothing_is_left_open(postgres_url: str) -> None:
    """Neither the question that was under way, nor one that comes later."""
    db, other = Database(postgres_url), Database(postgres_url)
    await answer(db, 2)
    told: list[bool | None] = []
    db.ask_aside(SLOW, told.append, number=2)
    db.close()
    at_once = list(told)
    for _ in range(20):
        db.ask_aside(QUESTION, told.append, number=2)
        await asyncio.sleep(0.02)
    with other.transaction() as tx:
        left = other.execute(tx, LEFT).scalar_one()
    other.close()

    assert at_once == [None]
    assert set(told) == {None}
    assert left == 0


async def test_a_connection_that_is_lost_and_cannot_be_opened_does_not_stand_in_the_way(
    make_postgres: Callable[[], Postgres],
) -> None:
    """The others are asked, though the server takes no new ones."""
    server = make_postgres()
    server.execute("CREATE DATABASE {}", "own")
    db = Database(server.url("own"))
    await all_connected(db)
    server.execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", "own")
    other = Database(server.url())
    with other.transaction() as tx:
        other.execute(tx, CUT_OFF)
    answers = [await answer(db, number) for number in (2, 1, 2)]
    other.close()
    db.close()

    assert answers == [True, False, True]


async def test_a_connection_that_is_lost_again_and_again_leaves_nothing_behind(
    postgres_url: str,
) -> None:
    """Neither a file nor a question without an answer."""
    db = Database(postgres_url)
    await answer(db, 2)
    before, asked = psutil.Process().num_fds(), 0
    told: list[bool | None] = []
    for number in range(200):
        db.ask_aside(QUESTION if number % 3 else "SELECT :number > nothing", told.append, number=2)
        asked += 1
        await asyncio.sleep(0.002)
    again = await answer(db, 2)
    after = psutil.Process().num_fds()
    db.close()

    assert again is True
    assert len(told) == asked
    assert after <= before + AT_ONCE


def test_one_event_loop_after_the_other_is_answered(postgres_url: str) -> None:
    """Also where the first one ended with a question under way."""
    db = Database(postgres_url)
    told: list[bool | None] = []

    async def leave() -> None:
        await answer(db, 2)
        db.ask_aside(SLOW, told.append, number=2)

    event_loop.run(leave())
    second = event_loop.run(answer(db, 2))
    third = asyncio.run(answer(db, 1))
    db.close()

    assert (second, third) == (True, False)
    assert told == [None]
