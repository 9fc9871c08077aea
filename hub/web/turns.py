"""Who is answered next, so that no client waits two rounds of the others."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

#: So many are answered in a turn of the event loop; each takes about 0.1 ms. What else there is, is not kept waiting longer.
A_TURN = 8


class Waiting(Protocol):
    """One whose answer lies ready."""

    def prepare(self) -> None:
        """Make the answer, unless that was done or nobody is there any more."""
        ...

    def send(self) -> None:
        """Hand out what was made, if anything was."""
        ...


class Turns:
    """Answers what came first first, a few in each turn of the event loop.

    The loop hands out all that has come at once, in the order of the round before. Were each answered as it is handed
    out, whoever asks again a moment too late for a round would be the last of the next one, again and again.

    What a turn has made is sent together: a client that sleeps is woken once for it, and not by each answer anew.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: deque[Waiting] = deque()
        self._is_due = False

    def join(self, one: Waiting) -> None:
        """Stand in line."""
        self._line.append(one)
        self._go_on()

    def _go_on(self) -> None:
        if self._line and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        prepared = []
        try:
            for _ in range(min(A_TURN, len(self._line))):
                prepared.append(one := self._line.popleft())
                one.prepare()
        finally:
            for one in prepared:
                one.send()
            self._go_on()
