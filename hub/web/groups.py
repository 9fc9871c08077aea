"""Group commit: what arrives for a connection while its transaction runs goes into the next one, together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from hub.connector import WebhookAnswer
from hub.errors import HubError
from hub.loop.receive import Received
from hub.pipeline import Pipeline

#: Webhooks, and records, that one transaction takes at most (one webhook is never split).
MOST_WEBHOOKS = 500
MOST_RECORDS = 2000

Admit = Callable[[Pipeline, Sequence[WebhookAnswer]], Awaitable[Received]]


class OverloadError(HubError):
    """More webhooks of the connection wait than may; the sender has to come again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """One webhook that waits for its transaction. ``done`` gets True where it was taken before."""

    pipeline: Pipeline
    answer: WebhookAnswer
    done: asyncio.Future[bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Queue:
    waiting: deque[_Waiting] = field(default_factory=deque)


class Groups:
    """Admits webhooks in groups: one transaction at a time for a connection, ``at_once`` of them in the process."""

    def __init__(self, admit: Admit, *, queue_limit: int, at_once: int) -> None:
        self._admit = admit
        self._limit = queue_limit
        self._slots = asyncio.Semaphore(at_once)
        #: Webhooks that are not durable yet.
        self.waiting = 0
        self._queues: dict[int, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit(self, pipeline: Pipeline, answer: WebhookAnswer) -> bool:
        """Return once it is durable; True where it was taken before.

        Raises ``OverloadError``, and what the transaction raised: then nothing of this webhook is stored.
        """
        connection_id = pipeline.connection.id
        queue = self._queues.get(connection_id)
        if queue is None:
            queue = self._queues[connection_id] = _Queue()
            task = asyncio.create_task(self._work_off(connection_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(queue.waiting) >= self._limit:
            raise OverloadError(f"{len(queue.waiting)} webhooks of this connection wait already")
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Waiting(pipeline=pipeline, answer=answer, done=done))
        self.waiting += 1
        try:
            return await done
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        """Commit what still waits."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work_off(self, connection_id: int, queue: _Queue) -> None:
        try:
            while queue.waiting:
                async with self._slots:
                    await self._commit(_next_group(queue.waiting))
        finally:
            del self._queues[connection_id]

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        """Commit a group; where one of its webhooks cannot be stored, halve it until that one stands alone."""
        if not group:
            return
        try:
            received = await self._admit(group[0].pipeline, [one.answer for one in group])
        except HubError as error:
            _fail(group, error)
        except Exception as error:  # noqa: BLE001 - whatever a connector put into a record must not hit the others
            if len(group) == 1:
                _fail(group, error)
                return
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
        else:
            for one, repeated in zip(group, received.repeated, strict=True):
                if not one.done.done():
                    one.done.set_result(repeated)


def _next_group(waiting: deque[_Waiting]) -> Sequence[_Waiting]:
    """As many as fit into one transaction, all read with the same revision; who gave up is left out."""
    group: list[_Waiting] = []
    records = 0
    while waiting and len(group) < MOST_WEBHOOKS:
        one = waiting[0]
        size = len(one.answer.records)
        if group and (one.pipeline is not group[0].pipeline or records + size > MOST_RECORDS):
            break
        waiting.popleft()
        if not one.done.done():
            group.append(one)
            records += size
    return group


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        if not one.done.done():
            one.done.set_exception(error)
