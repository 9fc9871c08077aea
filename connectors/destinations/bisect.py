"""Finds the records for which a whole batch was refused, so that they alone are rejected."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from connectors.destinations.answers import timed
from hub.connector import result_of
from hub.errors import HubError, RejectedError
from hub.records import PushResult, Retry

MemberT = TypeVar("MemberT")

Call = Callable[[Sequence[MemberT]], Awaitable[Sequence[PushResult]]]


class Bisection(Generic[MemberT]):
    """One batch. A refused one is halved, and its halves are sent by themselves, down to single records.

    One bad record among n takes 2·log2(n) calls. ``calls`` bounds them for a batch of which most are bad; what is
    undecided then is tried again later, in a smaller batch, since every round settles some.
    """

    def __init__(self, call: Call[MemberT], *, calls: int) -> None:
        self._call = call
        self._calls = calls
        self._left = calls

    async def push(self, batch: Sequence[MemberT]) -> Sequence[PushResult]:
        """One result for each member, in order."""
        started = time.perf_counter()
        try:
            results = await self._call(batch)
        except RejectedError as error:
            if len(batch) > 1 and _blames_content(error):
                return await self._halves(batch, error)
            results = [result_of(error)] * len(batch)
        except HubError as error:
            results = [result_of(error)] * len(batch)
        return [timed(result, started) for result in results]

    async def _halves(self, batch: Sequence[MemberT], error: RejectedError) -> Sequence[PushResult]:
        middle = len(batch) // 2
        results: list[PushResult] = []
        for half in (batch[:middle], batch[middle:]):
            results += await self._half(half, error)
        return results

    async def _half(self, half: Sequence[MemberT], error: RejectedError) -> Sequence[PushResult]:
        if self._left == 0:
            text = f"its batch was refused, and {self._calls} calls did not show for which records: {error}"
            return [Retry(error=text, response_code=error.response_code)] * len(half)
        self._left -= 1
        return await self.push(half)


def _blames_content(error: RejectedError) -> bool:
    """A permanent 4xx may be about one record; an address that must not be called is about none."""
    return error.response_code is not None and error.response_code // 100 == 4
