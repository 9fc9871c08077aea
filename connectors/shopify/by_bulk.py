"""Steps of a pass that reads by bulk operations."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.shopify import tally
from connectors.shopify.bulk import BulkOperations, State, VoidResultError, first_wait, wait_for
from connectors.shopify.client import AccessDeniedError, Answer
from connectors.shopify.resources import Resource
from connectors.shopify.settings import SCOPES, ShopifySettings
from connectors.shopify.spool import Spool
from connectors.shopify.steps import (
    PAGE,
    Step,
    by_pages_next,
    keys_of,
    made,
    next_resource,
    read_to_the_end,
    shop_of,
)
from hub.connector import Clock, Documents
from hub.errors import HubError
from hub.records import JSON, BadRecord

#: Objects of a bulk result are taken until they have so many bytes.
PAGE_BYTES: Final = 4 * 1024 * 1024
#: Times that a bulk operation is started anew that failed, was cancelled or expired.
MOST_TRIES: Final = 3
#: A pause before that, and while others of the app are under way.
TRY_AGAIN: Final = timedelta(seconds=5)
#: The document that names the operations that were about to be started last.
_STARTED: Final = "bulk:started"
#: Tags that it keeps: more than those of a pass.
_MOST_TAGS: Final = 50
_OPEN: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})


class ByBulk:
    """Starts, follows and takes in bulk operations, as ``pass.ops`` says where they stand."""

    def __init__(
        self, bulk: BulkOperations, settings: ShopifySettings, clock: Clock, documents: Documents
    ) -> None:
        self._bulk, self._settings, self._clock, self._documents = bulk, settings, clock, documents

    def forget(self, under_way: JSON) -> None:
        """The pass is over."""
        for operation in under_way["ops"].values():
            if operation.get("id"):
                self._bulk.forget(operation["id"])

    async def cancel(self, under_way: JSON) -> None:
        """What nobody will read is not to keep the shop busy, nor the next import waiting; it does no other harm."""
        ids = _ids(under_way)
        with contextlib.suppress(HubError):
            states = await self._bulk.states(ids)
            if open_ones := {name: gid for name, gid in ids.items() if states[name].status in _OPEN}:
                await self._bulk.cancel(open_ones)

    async def step(self, cursor: JSON, resource: Resource) -> Step:
        """Starts the operations of the pass, looks whether one has ended, or takes a part of its result."""
        under_way = cursor["pass"]
        if (wait := await self.wait(under_way, resource)) is not None:
            return Step(wait=wait)
        state = await self._looked_at(under_way, resource)
        if state.status in _OPEN:
            under_way["waits"] = resource.name
            return Step(wait=self._wait_of(under_way))
        if state.status != "COMPLETED":
            return await self._ended_badly(cursor, resource, state)
        return await self._result(cursor, resource, state, state.url)

    async def wait(self, under_way: JSON, resource: Resource) -> timedelta | None:
        """Starts what is to be started. How long until the operation of a resource is looked at; None: it may be now."""
        wait = await self._started(under_way)
        if wait is not None or under_way["ops"][resource.name].get("id") is None:
            return wait or TRY_AGAIN
        return self._seen_open(under_way, resource)

    def _seen_open(self, under_way: JSON, resource: Resource) -> timedelta | None:
        """How long to wait where the last look, which came along or was for another resource, has seen it under way."""
        if self._bulk.completed(under_way["ops"][resource.name]["id"]):
            return None
        wait = self._wait_of(under_way)
        if wait <= timedelta(0) or under_way.get("waits") == resource.name:
            return None
        under_way["waits"] = resource.name
        return wait

    async def _looked_at(self, under_way: JSON, resource: Resource) -> State:
        """One request asks for all that are under way; what is known to be completed is not asked for, nor the others
        for its sake."""
        operations = _ids(under_way)
        if self._bulk.completed(operations[resource.name]):
            operations = {resource.name: operations[resource.name]}
        states = await self._bulk.states(operations)
        self._note(under_way, states)
        return states[resource.name]

    def completed(self, under_way: JSON, *names: str) -> bool:
        """Whether the operations of these resources were seen completed, by this process."""
        return all(self._bulk.completed(under_way["ops"][name]["id"]) for name in names)

    async def ask_along(self, under_way: JSON, name: str, **variables: Any) -> Answer:
        """What a document answers; how the operations stand is asked along with it."""
        left = {name: gid for name, gid in _ids(under_way).items() if not self._bulk.completed(gid)}
        answer, states = await self._bulk.ask_along(name, left, **variables)
        self._note(under_way, states)
        return answer

    def _note(self, under_way: JSON, states: Mapping[str, State]) -> None:
        """When those that are under way are looked at again."""
        now, operations = self._clock.now(), under_way["ops"]
        along = by_pages_next(under_way | {"left": under_way["left"][1:]}) is not None
        waits = [
            wait_for(
                now - datetime.fromisoformat(operations[name]["since"]),
                state.roots,
                _count(under_way, name),
                along=along,
            )
            for name, state in states.items()
            if state.status in _OPEN
        ]
        if waits:
            under_way["look_at"] = (now + max(waits)).isoformat()
            under_way.pop("waits", None)

    def _wait_of(self, under_way: JSON) -> timedelta:
        return datetime.fromisoformat(str(under_way.get("look_at") or under_way["begun"])) - self._clock.now()

    async def _ended_badly(self, cursor: JSON, resource: Resource, state: State) -> Step:
        """It is started anew, a few times; then what there is of its result is taken, and nothing is marked as gone."""
        under_way = cursor["pass"]
        if not self._given_up(under_way, resource, state):
            return Step(wait=TRY_AGAIN)
        if state.partial_url is not None:
            return await self._result(cursor, resource, state, state.partial_url)
        next_resource(under_way)
        return Step()

    async def _result(self, cursor: JSON, resource: Resource, state: State, url: str | None) -> Step:
        under_way = cursor["pass"]
        try:
            return await self._objects(cursor, resource, state, url)
        except VoidResultError:
            self._bulk.forget(under_way["ops"][resource.name]["id"])
            if self._given_up(under_way, resource, replace(state, status="EXPIRED", error_code=None)):
                next_resource(under_way)
            return Step(wait=TRY_AGAIN)

    async def _started(self, under_way: JSON) -> timedelta | None:
        """Every operation that the pass needs is there; else how long to wait."""
        now = self._clock.now().isoformat()
        for name in under_way["left"]:
            if under_way["modes"].get(name) == "bulk":
                under_way["ops"].setdefault(name, {"id": None, "tries": 0, "since": now})
        missing = {
            name: f"hub import {under_way['name']} {name} {one['tries']}"
            for name, one in under_way["ops"].items()
            if one.get("id") is None and name in under_way["left"]
        }
        if not missing:
            return None
        ids, busy = await self._bulk.run(missing, perhaps_there=await self._was_tried(missing.values()))
        for name, gid in ids.items():
            under_way["ops"][name] |= {"id": gid, "since": now}
        if busy:
            return TRY_AGAIN
        roots = max(_count(under_way, name) or 0 for name in missing)
        return first_wait(roots, along=by_pages_next(under_way) is not None)

    async def _was_tried(self, tags: Collection[str]) -> bool:
        """Whether somebody was about to start one of these before, and perhaps did; it is noted for all of them."""
        noted: list[str] = (await self._documents.get(_STARTED) or {}).get("tags", [])
        if all(tag in noted for tag in tags):
            return True
        await self._documents.put(_STARTED, {"tags": [*noted, *tags][-_MOST_TAGS:]})
        return any(tag in noted for tag in tags)

    def _given_up(self, under_way: JSON, resource: Resource, state: State) -> bool:
        """Whether an operation that did not complete is not started again; its resource is incomplete then."""
        operation, counts = under_way["ops"][resource.name], under_way["tallies"][resource.name]
        if state.error_code == "ACCESS_DENIED":
            raise AccessDeniedError(
                f"the bulk operation for {resource.name} was denied", required=SCOPES[resource.name], path=()
            )
        why = f"{state.status.lower()}{f' ({state.error_code})' if state.error_code else ''}"
        if operation["tries"] + 1 < MOST_TRIES:
            self._bulk.forget(operation["id"])
            operation |= {"id": None, "tries": operation["tries"] + 1}
            # What of it was taken in already is known by its content; its lines may stand elsewhere in the next result.
            under_way["after"] = None
            counts |= {"read": 0, "bad": 0}
            return False
        operation["tries"] = MOST_TRIES
        if counts["complete"]:
            text = f"the bulk operation for {resource.name} was {why} {MOST_TRIES} times; what is gone is not marked"
            tally.warn(counts, "incomplete", text)
        counts["complete"] = False
        return True

    async def _objects(self, cursor: JSON, resource: Resource, state: State, url: str | None) -> Step:
        under_way = cursor["pass"]
        operation = under_way["ops"][resource.name]
        spool = await self._bulk.spool(operation["id"], url, by_child=resource.name == "collections")
        if spool is None:
            return Step(wait=timedelta(0))
        members = await self._members(under_way) if resource.name == "products" else None
        if isinstance(members, timedelta):
            return Step(wait=members)
        self._fetch_ahead(under_way)
        after = under_way["after"] or 0
        objects, last, more = await asyncio.to_thread(
            spool.objects, after, most=self._most(resource), most_bytes=PAGE_BYTES
        )
        if members is not None:
            for node in objects:
                node["collections"] = [{"id": gid} for gid in members.parents_of(str(node.get("id")))]
        step = made(under_way, resource, objects, shop_of(cursor, self._settings))
        if spool.seen_up_to == after:
            await asyncio.to_thread(spool.saw, [record.key for record in step.records], last)
        under_way["after"] = last
        if not more:
            self._check_whole(under_way["tallies"][resource.name], spool, state)
            step.bad += _bad_lines(resource, spool)
            read_to_the_end(under_way)
        return step

    def _fetch_ahead(self, under_way: JSON) -> None:
        """The next result comes while this one is taken in."""
        ids = _ids(under_way)
        for name in under_way["left"][1:]:
            if name in ids:
                self._bulk.fetch_ahead(ids[name])
                return

    def _most(self, resource: Resource) -> int:
        """Of an item there is a level for each location."""
        return PAGE // 2 if resource.name == "stock" else PAGE

    async def _members(self, under_way: JSON) -> Spool | timedelta | None:
        """Which collections each product is in: read by the operation for collections, if it was good."""
        operation = under_way["ops"].get("collections")
        if operation is None or not under_way["tallies"]["collections"]["complete"]:
            return None
        state = (await self._bulk.states({"collections": operation["id"]}))["collections"]
        try:
            spool = await self._bulk.spool(operation["id"], state.url, by_child=True)
        except VoidResultError:
            under_way["tallies"]["collections"]["complete"] = False
            return None
        return spool if spool is not None else timedelta(0)

    def _check_whole(self, counts: JSON, spool: Spool, state: State) -> None:
        """A result that lost lines on its way tells nothing about what is gone."""
        counts["bad"] += len(spool.bad)
        lost = len(spool.bad) or (state.objects is not None and spool.lines < state.objects)
        if lost and counts["complete"]:
            counts["complete"] = False
            tally.warn(counts, "damaged result", "lines of the bulk result are missing or cannot be read")

    async def seen(self, under_way: JSON, resource: Resource) -> Spool | None:
        """A whole result, with all its keys seen; None while it is being fetched. Raises ``VoidResultError``."""
        operation = under_way["ops"][resource.name]
        state = (await self._bulk.states({resource.name: operation["id"]}))[resource.name]
        spool = await self._bulk.spool(operation["id"], state.url, by_child=resource.name == "collections")
        if spool is not None:
            await self._see_all(resource, spool)
        return spool

    async def _see_all(self, resource: Resource, spool: Spool) -> None:
        """In a process that has not made all the pages itself."""
        more = spool.seen_up_to < spool.lines
        while more:
            objects, last, more = await asyncio.to_thread(
                spool.objects, spool.seen_up_to, most=PAGE, most_bytes=PAGE_BYTES
            )
            keys = [key for node in objects for key in keys_of(resource, node)]
            await asyncio.to_thread(spool.saw, keys, last if more else spool.lines)


def _bad_lines(resource: Resource, spool: Spool) -> list[BadRecord]:
    reason = f"{resource.name}: a line of the bulk result cannot be read"
    return [
        BadRecord(reason=reason, raw=line.decode(errors="replace"), stream=resource.name)
        for line in spool.bad
    ]


def _ids(under_way: JSON) -> dict[str, str]:
    """Of the operations that were started, by resource."""
    return {name: one["id"] for name, one in under_way["ops"].items() if one.get("id")}


def _count(under_way: JSON, name: str) -> int | None:
    """How many objects a resource has, as the preflight found."""
    count: int | None = under_way["tallies"][name].get("count")
    return count
