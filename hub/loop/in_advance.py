"""What a drain does in advance: it asks for the next page while one is taken in, and claims what is new for its helpers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from hub import codec
from hub.pipeline import Pipeline
from hub.records import JSON, Page, PollRequest
from hub.store.ledger.ahead import Ahead

#: Asks the source of a connection for a page.
Ask = Callable[[Pipeline, PollRequest], Awaitable[Page]]


@dataclass(kw_only=True)
class InAdvance:
    """``claims`` says how much may lie claimed by nobody; None where nobody is there to take it."""

    claims: Ahead | None = None
    _asked: _Asked | None = None

    async def page(self, ask: Ask, pipeline: Pipeline, request: PollRequest) -> Page:
        """The page that was asked for in advance, if it is the one that is wanted now; else it is asked for.

        Then what follows it is asked for, if it may be. Raises what ``ask`` does.
        """
        asked, self._asked = self._asked, None
        if asked is not None and asked.answers(pipeline, request):
            page = await asked.task
        else:
            await _let_go(asked)
            page = await ask(pipeline, request)
        if page.read_on and page.cursor is not None:
            following = replace(request, cursor=_as_stored(page.cursor), full_pass=False)
            self._asked = _Asked(pipeline, following, asyncio.ensure_future(ask(pipeline, following)))
        return page

    async def close(self) -> None:
        """What was asked for is not wanted any more."""
        asked, self._asked = self._asked, None
        await _let_go(asked)


@dataclass(frozen=True)
class _Asked:
    pipeline: Pipeline
    request: PollRequest
    task: asyncio.Future[Page]

    def answers(self, pipeline: Pipeline, request: PollRequest) -> bool:
        """Whether nothing was changed meanwhile: not the connection, nor where it stands."""
        mine = self.request
        same = mine.cursor == request.cursor and mine.full_pass == request.full_pass
        return self.pipeline is pipeline and same


def _as_stored(cursor: JSON) -> JSON:
    stored: JSON = codec.loads(codec.dumps(cursor))
    return stored


async def _let_go(asked: _Asked | None) -> None:
    if asked is not None:
        asked.task.cancel()
        await asyncio.gather(asked.task, return_exceptions=True)
