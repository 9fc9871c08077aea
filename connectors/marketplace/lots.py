"""Lots: calls that go together and are decided later. Each lot is asked about once for all of its records."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self

import httpx

from connectors.destinations.answers import Statuses, UnreadableAnswerError, decoded, found, id_text
from connectors.destinations.batch_results import ResultReader
from connectors.destinations.bisect import Bisection
from connectors.marketplace.client import Answered, Client, filled
from connectors.marketplace.deciding import Kind, Step
from connectors.marketplace.known import Known
from connectors.marketplace.routes import Lots, path_template
from connectors.marketplace.task import Task
from hub import codec
from hub.connector import result_of
from hub.errors import HubError, RejectedError, RetryableError
from hub.expression import Expression
from hub.marketplace import Listing
from hub.records import JSON, Awaiting, PushResult, Rejected, Retry, Skipped, Success

#: A SKU whose lots were lost, or said nothing of it, so many times is given up.
MOST_LOTS: Final = 10
#: Calls to find the bad entries of a lot that was refused as a whole.
BISECT_CALLS: Final = 64
#: The marketplace has lost the lot.
_LOST: Final = frozenset({404, 410})


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One task whose next step goes in a lot."""

    task: Task
    step: Step
    entry: Any

    @property
    def key(self) -> str:
        """Another one for each lot that it is part of: a lot that was lost must not be taken for a repetition."""
        return codec.fingerprint([self.task.call_key(self.step), self.step.kind, self.entry, self.task.sent])


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """What a record waits for, with all that is needed to go on: for a ``lot`` with its ``step``, or without one only for
    another attempt."""

    listing: Listing
    sent: int = 0
    lot: str | None = None
    step: Step | None = None

    @classmethod
    def at(cls, task: Task, *, lot: str | None = None, step: Step | None = None) -> Self:
        """Where a task stands now."""
        return cls(listing=task.listing, sent=task.sent, lot=lot, step=step)

    def handle(self) -> JSON:
        """For the record. The product stands there once."""
        kept: JSON = {"lot": self.lot, "sent": self.sent, "listing": self.listing.body()}
        if self.step is not None:
            says = {**self.step.says.body(), "product": None}
            kept["step"] = {
                "kind": self.step.kind,
                "sets": sorted(self.step.sets),
                "creates": self.step.creates,
                "says": says,
            }
        return kept

    @classmethod
    def of(cls, handle: JSON) -> Self:
        """From the record."""
        listing = Listing.of(handle["listing"])
        kept = handle.get("step")
        step = None if kept is None else _step(kept, listing)
        return cls(listing=listing, sent=handle["sent"], lot=handle["lot"], step=step)


def _step(kept: JSON, listing: Listing) -> Step:
    says = replace(Listing.of(kept["says"]), product=listing.product)
    return Step(kind=kept["kind"], sets=frozenset(kept["sets"]), says=says, creates=kept["creates"])


class LotDesk:
    """Hands in lots, and asks what became of them."""

    def __init__(self, settings: Lots, client: Client) -> None:
        self._settings, self._client = settings, client
        self._path = path_template(settings.path, ("call",))
        self._status_path = path_template(settings.status_path, ("lot",))
        self._id, self._state = Expression(settings.id), Expression(settings.state)
        self._done = frozenset(state.casefold() for state in settings.done)
        self._results = ResultReader(settings.results, Statuses())

    @property
    def pause(self) -> timedelta:
        """Between two questions."""
        return timedelta(seconds=self._settings.poll_seconds)

    def member(self, task: Task, wait: Wait) -> Member:
        """Of the lot that a task waits for."""
        step = wait.step or task.todo.steps[0]
        try:
            entry = self._client.entry(step, task.external_id)
        except RejectedError:  # the mapping is another one since; the lot then says nothing of this entry
            entry = None
        return Member(task=task, step=step, entry=entry)

    async def hand_in(self, tasks: Sequence[Task]) -> list[PushResult]:
        """One result for each, in order: ``Awaiting``, with all that is needed to go on, or why not."""
        results: dict[int, PushResult] = {}
        members: dict[Kind, list[tuple[int, Member]]] = defaultdict(list)
        for place, task in enumerate(tasks):
            step = task.todo.steps[0]
            try:
                entry = self._client.entry(step, task.external_id)
            except RejectedError as error:
                results[place] = task.failed(step, error)
            else:
                members[step.kind].append((place, Member(task=task, step=step, entry=entry)))
        lots = [lot for same in members.values() for lot in _parts(same, self._settings.limit)]
        answers = await asyncio.gather(*(self._hand_in([one for _, one in lot]) for lot in lots))
        for lot, answered in zip(lots, answers, strict=True):
            results |= {place: result for (place, _), result in zip(lot, answered, strict=True)}
        return [results[place] for place in range(len(tasks))]

    async def follow(self, lot: str, members: Sequence[Member]) -> list[PushResult | None]:
        """What became of each; None where the step is done and the task goes on, or where it is to be sent again."""
        path = filled(self._status_path.fill({"lot": lot}))
        try:
            answer = await self._client.ask("GET", path, accept=_LOST)
        except HubError as error:
            return [result_of(error)] * len(members)
        if answer.status_code in _LOST:
            return [_once_more(one, f"the marketplace has lost the lot {lot}") for one in members]
        try:
            state = id_text(found(self._state, decoded(answer))) or ""
        except UnreadableAnswerError as error:
            return [Retry(error=f"the lot {lot} cannot be read: {error}")] * len(members)
        if state.casefold() not in self._done:
            return [
                self._awaiting(lot, one, note=f"the lot {lot} is {state or 'undecided'}") for one in members
            ]
        results = self._results.read(answer, [one.entry for one in members])
        return [_decided(one, result, answer) for one, result in zip(members, results, strict=True)]

    async def _hand_in(self, lot: Sequence[Member]) -> Sequence[PushResult]:
        return await Bisection(self._post, calls=BISECT_CALLS).push(lot)

    async def _post(self, lot: Sequence[Member]) -> Sequence[PushResult]:
        entries: Any = [one.entry for one in lot]
        body = entries if self._settings.key is None else {self._settings.key: entries}
        key = codec.fingerprint([one.key for one in lot])
        path = filled(self._path.fill({"call": lot[0].step.kind}))
        try:
            answer = await self._client.ask("POST", path, body=body, key=key)
        except HubError as error:
            if isinstance(error, RejectedError) and len(lot) > 1:
                raise
            return [one.task.failed(one.step, error) for one in lot]
        try:
            name = id_text(found(self._id, decoded(answer)))
        except UnreadableAnswerError:
            name = None
        if name is None:
            unnamed = RetryableError("the marketplace took the lot without saying what it is called")
            return [one.task.failed(one.step, unnamed) for one in lot]
        return [self._awaiting(name, one) for one in lot]

    def _awaiting(self, lot: str, member: Member, note: str | None = None) -> Awaiting:
        task = member.task
        # Until it is decided nobody knows what holds.
        task.known = (task.known or Known.nothing_certain(task.listing)).doubting(member.step.sets)
        wait = Wait.at(task, lot=lot, step=member.step)
        return Awaiting(handle=wait.handle(), check_after=self.pause, note=note)


def _decided(member: Member, result: PushResult, answer: httpx.Response) -> PushResult | None:
    task, step = member.task, member.step
    match result:
        case Success() | Skipped():
            code = result.response_code or answer.status_code
            task.done(step, Answered(external_id=result.external_id, response_code=code, milliseconds=0))
            task.milliseconds = None
            _go_on(task)
            return None
        case Rejected():
            if step.creates:
                task.known = None
            return result
        case _:
            said = result.error if isinstance(result, Retry) else "the lot says nothing about this SKU"
            return _once_more(member, said)


def _once_more(member: Member, why: str) -> PushResult | None:
    task = member.task
    if task.sent + 1 >= MOST_LOTS:
        return Rejected(errors=[f"{why}, {MOST_LOTS} times; look at what the marketplace says of its lots"])
    _go_on(task)
    return None


def _go_on(task: Task) -> None:
    """This lot is done with; asking about one that is undecided is not another one."""
    task.sent += 1
    task.plan_anew()


def _parts(members: Sequence[tuple[int, Member]], limit: int) -> Sequence[Sequence[tuple[int, Member]]]:
    return [members[start : start + limit] for start in range(0, len(members), limit)]
