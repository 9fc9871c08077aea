"""Bulk operations: their states, and their results on disk (shopify facts, "Bulk operations")."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from connectors.shopify.simulator import bulk_rules
from connectors.shopify.simulator.bulk_operation import Failure, Operation, SetBulk, Status
from connectors.shopify.simulator.bulk_plan import AccessDeniedError, Branch, Compiler, lines
from connectors.shopify.simulator.clock import Clock
from connectors.shopify.simulator.context import Context
from connectors.shopify.simulator.listing import Listing, listed
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.resolvers import searched
from connectors.shopify.simulator.schema import load
from hub.records import JSON

Node = dict[str, Any]

#: How long the result is written before others have their turn, in seconds.
_TURN = 0.02
#: Lines between two looks at the time.
_LINES = 64
_OPEN = {"CREATED", "RUNNING", "CANCELING"}
_SEARCHABLE = {"status", "operation_type", "created_at", "id"}


class Bulk:
    """The bulk operations of the app in the shop."""

    def __init__(self, options: Options, clock: Clock, finished: Callable[[Operation], None]) -> None:
        self._options, self._clock, self._finished = options, clock, finished
        self._operations: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._hold: Literal["created", "running", "none"] = "none"
        self._released = asyncio.Event()
        self._released.set()
        self._failures: list[Failure] = []

    def run(self, context: Context, arguments: Mapping[str, Any], base: str) -> Node:
        """``bulkOperationRunQuery``."""
        text = arguments["query"]
        self.settle()
        under_way = [one.gid for one in self._all() if one.status in _OPEN]
        if len(under_way) >= self._options.bulk_limit:
            problem = f"A bulk query operation for this app and shop is already in progress: {', '.join(under_way)}."
            return _refused("OPERATION_IN_PROGRESS", [problem])
        document, problems = bulk_rules.check(load(), text)
        if problems or document is None:
            return _refused("INVALID", problems)
        number = len(self._operations) + 1
        operation = Operation(number, text, self._clock.seconds(), bool(arguments["groupObjects"]), context)
        operation.failure = self._failures.pop(0) if self._failures else None
        try:
            plan = Compiler(load(), document, context).plan()
        except AccessDeniedError:
            operation.failure, plan = Failure(error_code="ACCESS_DENIED", after=0, partial=False), None
        if plan is None and operation.failure is None:
            return _refused(
                "INVALID", ["The simulator runs bulk queries whose top-level field is a connection."]
            )
        self._operations[operation.gid] = operation
        self._start(operation, plan)
        return {"bulkOperation": operation.shown(base, self._options.bulk_result_seconds), "userErrors": []}

    def cancel(self, arguments: Mapping[str, Any], base: str) -> Node:
        """``bulkOperationCancel``."""
        operation = self._operations.get(arguments["id"])
        if operation is None:
            return {"bulkOperation": None, "userErrors": [_user_error("id", "Bulk operation does not exist")]}
        self.settle()
        if operation.status not in _OPEN:
            problem = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
            return {
                "bulkOperation": operation.shown(base, self._options.bulk_result_seconds),
                "userErrors": [_user_error("id", problem)],
            }
        operation.status = "CANCELING"
        return {"bulkOperation": operation.shown(base, self._options.bulk_result_seconds), "userErrors": []}

    def one(self, arguments: Mapping[str, Any], base: str) -> Node | None:
        """``bulkOperation``."""
        operation = self._operations.get(arguments["id"])
        if operation is None:
            return None
        self.settle()
        shown = operation.shown(base, self._options.bulk_result_seconds)
        if operation.status == "CANCELING":
            self._end(operation, "CANCELED")
        return shown

    def listing(self, context: Context, arguments: Mapping[str, Any], base: str) -> Listing:
        """``bulkOperations``."""
        self.settle()
        search = searched(context, arguments, _SEARCHABLE, "bulkOperations")
        return listed(
            [
                node
                for one in self._all()
                if search.finds(node := one.shown(base, self._options.bulk_result_seconds))
            ]
        )

    def result(self, file_name: str, signature: str) -> Operation | None:
        """The operation whose result this address names, as long as it is good."""
        self.settle()
        operation = next((one for one in self._all() if one.file_name == file_name), None)
        if operation is None or operation.signature != signature:
            return None
        return operation if operation.status == "COMPLETED" or operation.partial else None

    def read(self, operation: Operation, at: int = 0) -> Iterator[bytes]:
        """Its result, piece by piece."""
        while piece := operation.file.read(at):
            yield piece
            at += len(piece)

    def told(self, arguments: JSON) -> JSON:
        """The command ``bulk``."""
        told = SetBulk.model_validate(arguments)
        if told.hold is not None:
            self._hold = told.hold
            (self._released.clear if told.hold == "created" else self._released.set)()
        if told.fail_next is not None:
            self._failures.append(told.fail_next)
        if told.id is not None:
            operation = self._operations.get(told.id)
            if operation is None:
                raise ValueError(f"id: there is no bulk operation {told.id}")
            if told.status is not None:
                operation.error_code = told.error_code
                self._end(operation, told.status)
        self.settle()
        return {"operations": [one.shown("", self._options.bulk_result_seconds) for one in self._all()]}

    def settle(self) -> None:
        """Whatever is over by now is over."""
        now = self._clock.seconds()
        for one in self._all():
            due = one.created_at + self._options.bulk_seconds <= now and self._hold != "running"
            if one.whole and one.status == "RUNNING" and due:
                failed = one.failure is not None
                one.error_code = one.failure.error_code if one.failure else None
                self._end(one, "FAILED" if failed else "COMPLETED")
            good_until = (one.completed_at or now) + self._options.bulk_result_seconds
            if one.status in {"COMPLETED", "FAILED"} and now >= good_until:
                one.status, one.partial = "EXPIRED" if one.status == "COMPLETED" else one.status, False

    def counts(self) -> JSON:
        """Operations by status, objects and bytes written."""
        self.settle()
        by_status: dict[str, int] = {}
        for one in self._all():
            by_status[one.status] = by_status.get(one.status, 0) + 1
        return {
            "bulk_operations": len(self._operations),
            "bulk_by_status": by_status,
            "bulk_objects": sum(one.objects for one in self._all()),
        }

    async def idle(self) -> None:
        """Until every result is on disk."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Stop what runs and let the results go."""
        for task in self._tasks:
            task.cancel()
        for timer in self._timers:
            timer.cancel()
        for operation in self._all():
            operation.file.close()

    def _start(self, operation: Operation, plan: Branch | None) -> None:
        task = asyncio.get_running_loop().create_task(self._generate(operation, plan))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _generate(self, operation: Operation, plan: Branch | None) -> None:
        await self._released.wait()
        if operation.status != "CREATED":
            return
        operation.status = "RUNNING"
        rows = lines(plan, chunk=self._options.bulk_chunk, grouped=operation.grouped) if plan else iter(())
        try:
            for _ in self._turns(operation, rows):
                await asyncio.sleep(0)
                if _stopped(operation):
                    return
        except Exception:  # noqa: BLE001 - a mistake in here must not leave an operation running for ever
            traceback.print_exc()
            operation.error_code = "INTERNAL_SERVER_ERROR"
            self._end(operation, "FAILED")
            return
        operation.file.flush()
        operation.whole = True
        operation.partial = (
            operation.failure is not None and operation.failure.partial and operation.objects > 0
        )
        self.settle()
        left = operation.created_at + self._options.bulk_seconds - self._clock.seconds()
        if left > 0:
            self._timers.append(asyncio.get_running_loop().call_later(left, self.settle))

    def _turns(self, operation: Operation, rows: Iterator[tuple[bool, bytes]]) -> Iterator[None]:
        """Write until the end, or until it is to fail; others have their turn at each step."""
        end = 0.0
        most = operation.failure.after if operation.failure else None
        while most is None or operation.objects < most:
            if operation.objects % _LINES == 0 and time.monotonic() > end:
                yield
                end = time.monotonic() + _TURN
            row = next(rows, None)
            if row is None:
                return
            is_root, line = row
            operation.objects += 1
            operation.roots += is_root
            operation.file.append(line)

    def _end(self, operation: Operation, status: Status) -> None:
        operation.status, operation.completed_at = status, self._clock.seconds()
        if status != "CANCELING":
            self._finished(operation)

    def _all(self) -> list[Operation]:
        return list(self._operations.values())


def _stopped(operation: Operation) -> bool:
    """Whether somebody ended it meanwhile."""
    return operation.status != "RUNNING"


def _refused(code: str, problems: list[str]) -> Node:
    errors = [{"field": ["query"], "message": one, "code": code} for one in problems]
    return {"bulkOperation": None, "userErrors": errors}


def _user_error(name: str, message: str) -> Node:
    return {"field": [name], "message": message}
