"""A pass over the shop's resources, step by step (docs/decisions/0011).

Where it stands is a plain document, the connection's cursor: ``done`` and ``full`` say from when the latest pass of
each resource is, ``shop`` what is known of the shop, and ``pass`` is the one that is under way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.shopify import tally
from connectors.shopify.bulk import BulkOperations, State, VoidResultError, wait_for
from connectors.shopify.client import AccessDeniedError, ShopifyClient, TooExpensiveError
from connectors.shopify.joining import joined, nodes, onward
from connectors.shopify.mapping import UNKNOWN_LANGUAGE, Shop, UnfitError, gone, key_of
from connectors.shopify.resources import ALL, Resource
from connectors.shopify.settings import SCOPES, ShopifySettings
from connectors.shopify.spool import Spool
from hub import codec
from hub.catalog import Catalog
from hub.connector import Clock, Documents
from hub.errors import ConnectionFailedError
from hub.records import JSON, BadRecord, Record

#: Records that a page of a poll is about to hold.
PAGE: Final = 500
#: Objects of a bulk result are taken until they have so many bytes.
PAGE_BYTES: Final = 4 * 1024 * 1024
#: Requests that a bulk operation takes: more pages than that, and it is used.
BULK_REQUESTS: Final = 4
#: A count that the platform does not go beyond (facts, "Rate limits and errors").
MOST_COUNTED: Final = 25_000
#: Times that a bulk operation is started anew that failed, was cancelled or expired.
MOST_TRIES: Final = 3
#: A full pass that was not complete is made again after this.
INCOMPLETE_AGAIN: Final = timedelta(hours=1)
#: A pause before that, and while others of the app are under way.
TRY_AGAIN: Final = timedelta(seconds=5)
#: Fields of a customer that are protected, by what an app asks to be approved for.
PROTECTED: Final = {
    "firstName": "name",
    "lastName": "name",
    "displayName": "name",
    "emailAddress": "email",
    "defaultEmailAddress": "email",
    "phoneNumber": "phone",
    "defaultPhoneNumber": "phone",
    "address1": "address",
    "address2": "address",
    "zip": "address",
    "addressesV2": "address",
}
#: What mapping an object of another shape than the schema's raises: it goes to quarantine.
_MALFORMED: Final = (UnfitError, AttributeError, TypeError, KeyError, IndexError, ValueError, ArithmeticError)
_OPEN: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})


@dataclass(kw_only=True)
class Step:
    """What one step brought. ``wait``: nothing can be done until then. ``ended``: the pass is over."""

    records: list[Record] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    wait: timedelta | None = None
    ended: bool = False


class Passes:
    """Makes the steps of a pass. ``documents`` may be a stand-in, where nothing is to be written."""

    def __init__(
        self,
        client: ShopifyClient,
        bulk: BulkOperations,
        settings: ShopifySettings,
        *,
        documents: Documents,
        catalog: Catalog | None,
        clock: Clock,
    ) -> None:
        self._client, self._bulk, self._settings = client, bulk, settings
        self._documents, self._catalog, self._clock = documents, catalog, clock
        self._seen: tuple[str, set[str]] | None = None

    def due(self, cursor: JSON) -> str:
        """Whether the next pass is ``full`` or ``incremental``."""
        full, now = cursor.get("full") or {}, self._clock.now()
        least = timedelta(hours=self._settings.full_every_hours)
        for name in self._settings.wanted:
            at = full.get(name)
            if at is None or datetime.fromisoformat(at) + least <= now:
                return "full"
        return "incremental"

    async def begin(self, cursor: JSON, kind: str) -> JSON:
        """The cursor with a new pass. Raises ``ConnectionFailedError`` where the token is another shop's."""
        cursor = deepcopy(cursor)
        now = self._clock.now()
        under_way: JSON = {
            "name": f"{kind}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
            "kind": kind,
            "begun": now.isoformat(),
            "left": self._wanted(cursor, kind),
            "modes": {},
            "ops": {},
        }
        under_way["tallies"] = {name: tally.new() for name in under_way["left"]}
        cursor["pass"] = under_way
        if kind == "full" or "shop" not in cursor:
            await self._look(cursor)
        _next_resource(under_way, first=True)
        return cursor

    async def step(self, cursor: JSON, *, stored: bool = True) -> Step:
        """Make one step; the cursor moves on. Raises what asking does.

        ``stored``: the pass's name is in the store, so that an operation that bears it is found again after a crash.
        """
        under_way = cursor["pass"]
        if not under_way["left"]:
            return Step(ended=True)
        resource = ALL[under_way["left"][0]]
        if under_way["stage"] == "gone":
            return await self._gone(under_way, resource)
        try:
            if under_way["modes"].get(resource.name) == "bulk":
                if not stored:
                    return Step(wait=timedelta(0))
                return await self._bulk_step(cursor, resource)
            return await self._page(cursor, resource)
        except AccessDeniedError as error:
            _refuse(under_way, resource.name, f"needs {error.required or SCOPES[resource.name]}: {error}")
            return Step()

    def end(self, cursor: JSON) -> JSON:
        """The report of the pass that has ended; the cursor says that none is under way."""
        under_way = cursor.pop("pass")
        begun = datetime.fromisoformat(under_way["begun"])
        soon = begun - timedelta(hours=self._settings.full_every_hours) + INCOMPLETE_AGAIN
        for name, counts in under_way["tallies"].items():
            if counts["complete"]:
                cursor.setdefault("done", {})[name] = under_way["begun"]
            if under_way["kind"] == "full":
                at = begun if counts["complete"] or counts.get("refused") else min(soon, begun)
                cursor.setdefault("full", {})[name] = at.isoformat()
        if under_way["kind"] == "full":
            cursor["refused"] = [name for name, one in under_way["tallies"].items() if one.get("refused")]
        for operation in under_way["ops"].values():
            if operation.get("id"):
                self._bulk.forget(operation["id"])
        self._seen = None
        return tally.report(
            under_way["name"],
            under_way["kind"],
            under_way["begun"],
            self._clock.now(),
            under_way["tallies"],
            cancelled=under_way.get("cancelled", False),
        )

    def _wanted(self, cursor: JSON, kind: str) -> list[str]:
        """What was refused is tried again with the next full pass."""
        refused = () if kind == "full" else cursor.get("refused") or ()
        return [name for name in self._settings.wanted if name not in refused]

    # Looking at the shop

    async def _look(self, cursor: JSON) -> None:
        """What has to be known before anything is read: currency and limits, scopes, how much there is."""
        under_way, wanted = cursor["pass"], list(self._settings.wanted)
        found = (await self._client.ask("shop")).data
        shop = found.get("shop") or {}
        if shop.get("myshopifyDomain") != self._settings.shop:
            raise ConnectionFailedError(
                f"the token is not one of {self._settings.shop} but of {shop.get('myshopifyDomain')}; "
                "correct settings.shop or the token"
            )
        granted = {
            one.get("handle") for one in (found.get("currentAppInstallation") or {}).get("accessScopes") or []
        }
        missing = {name for name in wanted if not allows(granted, SCOPES[name])}
        for name in missing:
            _refuse(
                under_way,
                name,
                f"needs the scope {SCOPES[name]}, which is not granted: connect the shop again",
            )
        left = [name for name in wanted if name not in missing]
        counts, protected = await self._counts(left)
        cursor["shop"] = {
            "currency": shop.get("currencyCode"),
            "max_variants": (shop.get("resourceLimits") or {}).get("maxProductVariants") or 2048,
            "protected": sorted(protected),
        }
        if "customers" in left:
            for part in sorted(protected):
                text = f"the app is not approved to see the {part} of customers; it is left as it is"
                tally.warn(under_way["tallies"]["customers"], f"protected {part}", text)
        for name in left:
            under_way["tallies"][name]["count"] = counts.get(name, {}).get("count")
        under_way["modes"] = self._modes(left, counts)

    async def _counts(self, wanted: Sequence[str]) -> tuple[dict[str, JSON], set[str]]:
        answer = await self._client.ask(
            "counts",
            locations="locations" in wanted,
            products=bool({"products", "collections"} & set(wanted)),
            stock="stock" in wanted,
            customers="customers" in wanted,
        )
        counts = {
            name: value for name, value in answer.data.items() if isinstance(value, dict) and "count" in value
        }
        return counts, {PROTECTED[path[-1]] for path in answer.denied if path and path[-1] in PROTECTED}

    def _modes(self, wanted: Sequence[str], counts: dict[str, JSON]) -> dict[str, str]:
        """How each resource is read in full: in whichever way it takes fewer requests."""
        modes = {name: "bulk" if self._is_large(ALL[name], counts.get(name)) else "pages" for name in wanted}
        # A bulk query may have five connections, and a product's own ones are five: its collections are read with them.
        if modes.get("products") == "bulk" and "collections" in modes:
            modes["collections"] = "bulk"
        return modes

    def _is_large(self, resource: Resource, count: JSON | None) -> bool:
        if resource.bulk is None or count is None:
            return False
        number = count.get("count") or 0
        if count.get("precision") != "EXACT" or number > MOST_COUNTED:
            return True
        if self._settings.pages_up_to is not None:
            return bool(number > self._settings.pages_up_to)
        return bool(number > BULK_REQUESTS * resource.size)

    # By pages

    async def _page(self, cursor: JSON, resource: Resource) -> Step:
        under_way = cursor["pass"]
        full = under_way["kind"] == "full" or resource.changed is None
        size = under_way["size"] or (resource.size if full else resource.changed_size or resource.size)
        variables: JSON = {"first": size, "after": under_way["after"]}
        if not full:
            variables |= {"query": self._since(cursor, resource.name), "sort": "UPDATED_AT"}
        elif resource.sorted_by_id:
            variables |= {"sort": "ID"}
        name = resource.page if full else resource.changed or resource.page
        try:
            answer = await self._client.ask(name, **variables)
        except TooExpensiveError:
            if size <= 1:
                raise
            under_way["size"] = size // 2
            return Step()
        [connection] = answer.data.values()
        shop = self._shop(cursor, answer.denied)
        objects = [
            one for node in nodes(connection) for one in await joined(self._client, resource.name, node)
        ]
        if resource.name == "products" and "collections" not in self._settings.wanted:
            objects = [
                {name: value for name, value in one.items() if name != "collections"} for one in objects
            ]
        step = self._made(under_way, resource, objects, shop)
        if under_way["kind"] == "full":
            await self._saw(under_way, resource, [record.key for record in step.records])
        under_way["after"], under_way["page"] = onward(connection), under_way["page"] + 1
        if under_way["after"] is None:
            self._read(under_way)
        return step

    def _since(self, cursor: JSON, name: str) -> str:
        at = datetime.fromisoformat(cursor["done"][name]) if name in cursor.get("done", {}) else None
        if at is None:
            return ""
        return f"updated_at:>='{at - timedelta(seconds=self._settings.overlap_seconds):%Y-%m-%dT%H:%M:%SZ}'"

    # By bulk operations

    async def _bulk_step(self, cursor: JSON, resource: Resource) -> Step:
        under_way = cursor["pass"]
        wait = await self._started(under_way)
        operation = under_way["ops"][resource.name]
        if wait is not None or operation.get("id") is None:
            return Step(wait=wait or TRY_AGAIN)
        ids = {name: one["id"] for name, one in under_way["ops"].items() if one.get("id")}
        state = (await self._bulk.states(ids))[resource.name]
        if state.status in _OPEN:
            return Step(wait=wait_for(self._clock.now() - datetime.fromisoformat(operation["since"])))
        if state.status != "COMPLETED":
            return await self._ended_badly(cursor, resource, state)
        return await self._result(cursor, resource, state, state.url)

    async def _ended_badly(self, cursor: JSON, resource: Resource, state: State) -> Step:
        """It is started anew, a few times; then what there is of its result is taken, and nothing is marked as gone."""
        under_way = cursor["pass"]
        if not self._given_up(under_way, resource, state):
            return Step(wait=TRY_AGAIN)
        if state.partial_url is not None:
            return await self._result(cursor, resource, state, state.partial_url)
        _next_resource(under_way)
        return Step()

    async def _result(self, cursor: JSON, resource: Resource, state: State, url: str | None) -> Step:
        under_way = cursor["pass"]
        try:
            return await self._objects(cursor, resource, state, url)
        except VoidResultError:
            self._bulk.forget(under_way["ops"][resource.name]["id"])
            if self._given_up(under_way, resource, replace(state, status="EXPIRED", error_code=None)):
                _next_resource(under_way)
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
        ids, busy = await self._bulk.run(missing)
        for name, gid in ids.items():
            under_way["ops"][name] |= {"id": gid, "since": now}
        return TRY_AGAIN if busy else timedelta(seconds=1)

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
        after = under_way["after"] or 0
        objects, last, more = await asyncio.to_thread(
            spool.objects, after, most=self._most(resource), most_bytes=PAGE_BYTES
        )
        if members is not None:
            for node in objects:
                node["collections"] = [{"id": gid} for gid in members.parents_of(str(node.get("id")))]
        step = self._made(under_way, resource, objects, self._shop(cursor))
        if spool.seen_up_to == after:
            await asyncio.to_thread(spool.saw, [record.key for record in step.records], last)
        under_way["after"] = last
        if not more:
            self._check_whole(under_way["tallies"][resource.name], spool, state)
            self._read(under_way)
        return step

    def _most(self, resource: Resource) -> int:
        return 100 if resource.name == "stock" else PAGE

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
        lost = len(spool.bad) or (state.objects is not None and spool.lines < state.objects)
        if lost and counts["complete"]:
            counts["complete"] = False
            tally.warn(counts, "damaged result", "lines of the bulk result are missing or cannot be read")

    # What is gone

    async def _gone(self, under_way: JSON, resource: Resource) -> Step:
        """Keys of the catalog that this connection gave and that the pass, which was complete, did not name."""
        step = Step()
        if self._catalog is None:
            _next_resource(under_way)
            return step
        counts = under_way["tallies"][resource.name]
        operation = under_way["ops"].get(resource.name)
        spool = None
        if operation is not None:
            state = (await self._bulk.states({resource.name: operation["id"]}))[resource.name]
            try:
                spool = await self._bulk.spool(
                    operation["id"], state.url, by_child=resource.name == "collections"
                )
            except VoidResultError as error:
                tally.warn(counts, "incomplete", f"what is gone is not marked: {error}")
                _next_resource(under_way)
                return step
            if spool is None:
                return Step(wait=timedelta(0))
            await self._see_all(under_way, resource, spool)
        keys = await self._catalog.given(resource.kind, after=under_way["after"] or "", limit=PAGE)
        unseen = (
            await asyncio.to_thread(spool.unseen, keys)
            if spool is not None
            else [key for key in keys if key not in await self._seen_keys(under_way, resource)]
        )
        step.records = [
            Record(
                stream=resource.name,
                key=key,
                payload=gone(resource.kind, key),
                group=under_way["name"] + tally.GONE,
            )
            for key in unseen
        ]
        counts["gone"] += len(unseen)
        if keys:
            under_way["after"] = keys[-1]
        if len(keys) < PAGE:
            _next_resource(under_way)
        return step

    async def _see_all(self, under_way: JSON, resource: Resource, spool: Spool) -> None:
        """In a process that has not made all the pages itself."""
        more = spool.seen_up_to < spool.lines
        while more:
            objects, last, more = await asyncio.to_thread(
                spool.objects, spool.seen_up_to, most=PAGE, most_bytes=PAGE_BYTES
            )
            keys = [key for node in objects for key in _keys(resource, node)]
            await asyncio.to_thread(spool.saw, keys, last if more else spool.lines)

    async def _saw(self, under_way: JSON, resource: Resource, keys: Sequence[str]) -> None:
        """Pages are seen once: what they named is kept, a document for each page, until it has been compared."""
        await self._documents.put(_seen_document(resource.name, under_way["page"]), {"keys": list(keys)})

    async def _seen_keys(self, under_way: JSON, resource: Resource) -> set[str]:
        held = f"{under_way['name']} {resource.name}"
        if self._seen is None or self._seen[0] != held:
            keys: set[str] = set()
            for page in range(under_way["pages"]):
                document = await self._documents.get(_seen_document(resource.name, page))
                keys.update((document or {}).get("keys", ()))
            self._seen = (held, keys)
        return self._seen[1]

    # Both ways

    def _made(self, under_way: JSON, resource: Resource, objects: Sequence[JSON], shop: Shop) -> Step:
        step, counts = Step(), under_way["tallies"][resource.name]
        for node in objects:
            try:
                bodies = list(resource.bodies(node, shop, lambda kind, text: tally.warn(counts, kind, text)))
            except _MALFORMED as error:
                counts["bad"] += 1
                counts["complete"] = False
                raw = codec.dumps(node).decode()
                step.bad.append(BadRecord(reason=f"{resource.name}: {error}", raw=raw, stream=resource.name))
                continue
            for body in bodies:
                step.records.append(
                    Record(stream=resource.name, key=key_of(body), payload=body, group=under_way["name"])
                )
        counts["read"] += len(step.records)
        return step

    def _shop(self, cursor: JSON, denied: Sequence[Sequence[str]] = ()) -> Shop:
        shop = cursor["shop"]
        seen = {PROTECTED[path[-1]] for path in denied if path and path[-1] in PROTECTED}
        return Shop(
            currency=shop["currency"],
            language=self._settings.language or UNKNOWN_LANGUAGE,
            max_variants=shop["max_variants"],
            quantity=self._settings.quantity,
            protected=frozenset(shop["protected"]) | seen,
        )

    def _read(self, under_way: JSON) -> None:
        """A resource was read to its end: what is gone is looked for, if it was complete."""
        name = under_way["left"][0]
        if under_way["kind"] != "full" or not under_way["tallies"][name]["complete"]:
            _next_resource(under_way)
            return
        under_way |= {"stage": "gone", "after": None, "pages": under_way["page"]}


def allows(granted: Any, scope: str) -> bool:
    """A scope to write implies the one to read (facts, "OAuth")."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted


def _keys(resource: Resource, node: JSON) -> list[str]:
    """What an object is called, without a word about it."""
    try:
        return [key_of(body) for body in resource.bodies(node, Shop(), lambda _kind, _text: None)]
    except _MALFORMED:
        return []


def _seen_document(resource: str, page: int) -> str:
    return f"seen:{resource}:{page}"


def _refuse(under_way: JSON, name: str, why: str) -> None:
    counts = under_way["tallies"][name]
    counts |= {"complete": False, "refused": True}
    tally.warn(counts, "refused", f"{name}: {why}")
    was_first = under_way["left"][:1] == [name]
    if was_first and "stage" in under_way:
        _next_resource(under_way)
    else:
        under_way["left"] = [one for one in under_way["left"] if one != name]


def _next_resource(under_way: JSON, *, first: bool = False) -> None:
    if not first:
        under_way["left"] = under_way["left"][1:]
    under_way |= {"stage": "read", "after": None, "page": 0, "size": None}
