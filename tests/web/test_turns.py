"""Who is answered next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hub.web.turns import A_TURN, Turns


@dataclass
class One:
    """Does something when its answer is made, and when that is sent."""

    prepare: Callable[[], object]
    send: Callable[[], object] = lambda: None


async def many_turns() -> None:
    """More than any of these lines takes."""
    for _ in range(20):
        await asyncio.sleep(0)


async def settled(count: int) -> tuple[list[int], list[int]]:
    """Who was settled, in order, and how many of them when the event loop came to something else, turn by turn."""
    loop = asyncio.get_running_loop()
    turns, order, seen = Turns(loop), list[int](), list[int]()
    for number in range(count):
        turns.join(One(lambda number=number: order.append(number)))  # type: ignore[misc]
    for _ in range(count):
        await asyncio.sleep(0)
        seen.append(len(order))
        if len(order) == count:
            break
    return order, seen


async def test_what_came_first_is_answered_first() -> None:
    """All of it."""
    order, _ = await settled(5 * A_TURN + 1)

    assert order == list(range(5 * A_TURN + 1))


async def test_a_long_line_keeps_nothing_else_waiting() -> None:
    """A few are answered in each turn of the event loop."""
    _, seen = await settled(5 * A_TURN)

    assert all(later - earlier <= A_TURN for earlier, later in zip([0, *seen], seen, strict=False))
    assert len(seen) >= 5


async def test_what_a_turn_has_made_is_sent_together() -> None:
    """Who sleeps until an answer comes is woken once; one that fails keeps back none of those before it."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    turns, done = Turns(loop), list[str]()

    def fails() -> None:
        raise RuntimeError("broken")

    for number in range(A_TURN + 2):
        makes = fails if number == A_TURN + 1 else lambda: done.append("made")
        turns.join(One(makes, lambda: done.append("sent")))
    await many_turns()

    assert done[: 2 * A_TURN] == ["made"] * A_TURN + ["sent"] * A_TURN
    assert done[2 * A_TURN : 2 * A_TURN + 2] == ["made", "sent"]


async def test_who_comes_back_at_once_is_the_last_of_the_line() -> None:
    """So that nobody is answered twice while another one waits."""
    turns, order = Turns(asyncio.get_running_loop()), list[str]()

    def greedy() -> None:
        order.append("greedy")
        if len(order) < 3 * A_TURN:
            turns.join(One(greedy))

    turns.join(One(greedy))
    for _ in range(A_TURN):
        turns.join(One(lambda: order.append("patient")))
    await many_turns()

    assert order[1 : A_TURN + 1] == ["patient"] * A_TURN


async def test_one_that_fails_keeps_nobody_from_an_answer() -> None:
    """The event loop is told."""
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    turns, order = Turns(loop), list[int]()

    def fails() -> None:
        raise RuntimeError("broken")

    turns.join(One(fails))
    for number in range(2 * A_TURN):
        turns.join(One(lambda number=number: order.append(number)))  # type: ignore[misc]
    await many_turns()

    assert order == list(range(2 * A_TURN))
    assert [str(error) for error in told] == ["broken"]
