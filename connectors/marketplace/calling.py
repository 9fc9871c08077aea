"""Tasks whose calls are made one by one, each decided at once."""

from __future__ import annotations

from collections.abc import Collection

from connectors.marketplace.client import Client
from connectors.marketplace.deciding import Kind, Step
from connectors.marketplace.task import Task
from hub.errors import HubError, RejectedError
from hub.records import PushResult

#: The marketplace knows nothing of this SKU.
_GONE = frozenset({404, 410})
#: A marketplace may be otherwise than it was thought to be so often; after that its refusal is one.
MOST_SURPRISES = 2
#: It does no such thing.
_IMPOSSIBLE = frozenset({405, 501})


async def work_off(client: Client, task: Task, in_lots: Collection[Kind] = ()) -> PushResult | None:
    """All that is left of a task. What it could not do is said in its result, and in what is ``known`` after it.

    None where the next thing to do goes ``in_lots``.
    """
    surprises = 0
    while task.todo.steps:
        for step in task.todo.steps:
            if step.kind in in_lots:
                task.plan_anew()
                return None
            try:
                task.done(step, await client.make(step, task.external_id, task.call_key(step)))
            except RejectedError as error:
                if surprises >= MOST_SURPRISES or not _surprised(task, step, error):
                    return task.failed(step, error)
                surprises += 1
                break
            except HubError as error:
                return task.failed(step, error)
        else:
            break
    return task.ended()


def _surprised(task: Task, step: Step, error: RejectedError) -> bool:
    """Whether the refusal says that the marketplace is not as it was thought to be, so that something else is to be done."""
    code = error.response_code
    if code in _IMPOSSIBLE and step.kind == "block":
        if not (task.abilities.has("delete") or task.abilities.has("stock")):
            return False
        task.cannot(step)
        return True
    if code not in _GONE or step.creates:
        return False
    task.code = code
    task.lost()
    return True
