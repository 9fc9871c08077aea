"""One time limit for many tasks at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from connectors.vtex.seller.deadlines import Deadlines

#: In seconds.
PATIENCE = 0.2


async def test_whoever_is_done_in_time_is_not_disturbed() -> None:
    """Neither in the call nor afterwards."""
    deadlines = Deadlines(PATIENCE)

    async def work(seconds: float) -> float:
        done = await deadlines.within(asyncio.sleep(seconds, seconds))
        await asyncio.sleep(PATIENCE)
        return done

    assert await asyncio.gather(*map(work, (0, PATIENCE / 2, 0))) == [0, PATIENCE / 2, 0]


async def test_everybody_has_the_same_time_from_their_own_beginning() -> None:
    """However many began before."""
    deadlines = Deadlines(PATIENCE)

    async def late(begin: float) -> float:
        await asyncio.sleep(begin)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await deadlines.within(asyncio.sleep(30))
        return time.monotonic() - began

    took = await asyncio.gather(late(0), late(PATIENCE / 2), late(PATIENCE / 2), late(PATIENCE * 2))

    assert all(PATIENCE * 0.9 <= one < PATIENCE * 10 for one in took)


async def test_a_task_goes_on_after_its_time_was_over() -> None:
    """It is not cancelled for good, and has its time again."""
    deadlines = Deadlines(PATIENCE)
    with pytest.raises(TimeoutError):
        await deadlines.within(asyncio.sleep(30))

    assert await deadlines.within(asyncio.sleep(0, "again")) == "again"


async def test_who_is_cancelled_by_others_is_cancelled() -> None:
    """That is no lack of time."""
    deadlines = Deadlines(30)
    task = asyncio.create_task(deadlines.within(asyncio.sleep(30)))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_fails_fails_as_it_is() -> None:
    """The error comes through."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(LookupError("gone"))

    with pytest.raises(LookupError, match="gone"):
        await Deadlines(PATIENCE).within(future)
