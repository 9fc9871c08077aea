"""Bulk operations of a pass: started together, found again after a crash, watched, and their results fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.shopify.client import OPERATIONS, Answer, ShopifyClient
from connectors.shopify.documents import document
from connectors.shopify.joining import nodes
from connectors.shopify.resources import ALL, BULK
from connectors.shopify.spool import Spool
from hub.connector import Bucket, Http
from hub.errors import ConfigurationError, RetryableError
from hub.excerpt import excerpt
from hub.records import JSON

#: Where results are kept was seen live (facts, "Bulk operations").
RESULT_HOSTS: Final[Sequence[str]] = ("storage.googleapis.com",)
#: How long a poll waits for a result that is being fetched, in seconds; the fetching goes on between polls.
FETCH_PATIENCE: Final = 20.0
#: Bytes of lines that are taken in at once.
_BATCH: Final = 1024 * 1024
#: An address of a result that is not good any more.
_VOID: Final = (400, 401, 403, 404, 410)
#: No operation is looked at again sooner.
SHORTEST_WAIT: Final = timedelta(seconds=1)
#: Nor later, where it is known how far it is, and where it is not.
LONGEST_WAIT: Final = timedelta(minutes=5)
BLIND_WAIT_MAX: Final = timedelta(seconds=30)
#: Objects of the root that an operation writes in a second if it is quick, and how long it is waited for on that ground.
QUICK: Final = 2000
FIRST_WAIT_MAX: Final = timedelta(seconds=15)
#: A look that costs no request of its own comes sooner, the first one and those after it by so much: what it says of the
#: pace makes the next one the last.
ALONG: Final = 0.2
ALONG_AGAIN: Final = 0.75
#: What is estimated is exceeded by so much.
MARGIN: Final = 1.1
#: Codes that say that others run and ours may not yet.
_BUSY: Final = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})


@dataclass(frozen=True, kw_only=True)
class State:
    """Of an operation: ``status``, and where its result is. ``objects`` are its lines, ``roots`` those of the root."""

    status: str
    error_code: str | None = None
    url: str | None = None
    partial_url: str | None = None
    objects: int | None = None
    roots: int | None = None


class VoidResultError(RetryableError):
    """The address of a result is not good any more: the operation has to be run again."""


class BulkOperations:
    """Those of one app in one shop. What it remembers is a cache: all of it can be asked for again."""

    def __init__(self, client: ShopifyClient, http: Http, *, shop: str, hosts: Sequence[str]) -> None:
        self._client, self._http = client, http
        self._bucket = Bucket(key=f"shopify results {shop}")
        self._hosts = frozenset(hosts)
        self._done: dict[str, State] = {}
        self._spools: dict[str, Spool] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}

    async def run(
        self, tags: Mapping[str, str], *, perhaps_there: bool = True
    ) -> tuple[dict[str, str], str | None]:
        """Start an operation for each resource of ``tags``, unless there is one with its tag; their ids by resource.

        Those that cannot be started now are left out, with the reason. A tag stands as a comment in the query's text,
        which the platform echoes: so an operation is found again that was started just before a crash. It is not looked
        for where nobody has tried to start it (``perhaps_there`` False).
        """
        found = await self._adopted(tags) if perhaps_there else {}
        left = {name: tag for name, tag in tags.items() if name not in found}
        if not left:
            return found, None
        texts: dict[str, Any] = {f"with_{name}": name in left for name in BULK}
        texts |= {name: f"# {tag}\n{document(ALL[name].bulk or '').text}" for name, tag in left.items()}
        answer = await self._client.ask("bulk_run", **texts)
        busy: str | None = None
        for name in left:
            payload = answer.data.get(name) or {}
            operation, problems = payload.get("bulkOperation"), payload.get("userErrors") or []
            if isinstance(operation, dict) and operation.get("id"):
                found[name] = str(operation["id"])
            else:
                busy = _reason(name, problems)
        return found, busy

    async def states(self, ids: Mapping[str, str]) -> Mapping[str, State]:
        """How operations stand, by resource. Those that were seen completed are not asked for again."""
        asked = {name: gid for name, gid in ids.items() if gid not in self._done}
        seen = (await self.ask_along("bulk_states", asked))[1] if asked else {}
        return {name: seen.get(name) or self._done[gid] for name, gid in ids.items()}

    async def ask_along(
        self, document_name: str, ids: Mapping[str, str], **variables: Any
    ) -> tuple[Answer, Mapping[str, State]]:
        """What the document answers, and how operations stand: asked in one request. Raises what ``ask`` does."""
        answer = await self._client.ask(document_name, operations=[*ids.values()], looking=True, **variables)
        found = answer.data.pop(OPERATIONS, None) or []
        states = {name: _state(one) for name, one in zip_longest(ids, found[: len(ids)])}
        self._done |= {ids[name]: state for name, state in states.items() if state.status == "COMPLETED"}
        return answer, states

    async def cancel(self, ids: Mapping[str, str]) -> None:
        """Have operations end; one that has ended meanwhile is left as it is."""
        flags: dict[str, Any] = {f"with_{name}": name in ids for name in BULK}
        await self._client.ask("bulk_cancel", **flags, **ids)

    def completed(self, gid: str) -> bool:
        """Whether it was seen completed, so that its state is known without a request."""
        return gid in self._done

    async def spool(self, gid: str, url: str | None, *, by_child: bool = False) -> Spool | None:
        """The result of an operation on disk; None while it is still being fetched.

        Raises ``VoidResultError``, and what ``Http.stream`` does.
        """
        spool = self._spools.get(gid)
        if spool is not None and spool.whole:
            return spool
        task = self._begun(gid, url, by_child)
        done, _ = await asyncio.wait({task}, timeout=FETCH_PATIENCE)
        if not done:
            return None
        self._fetching.pop(gid, None)
        task.result()
        return self._spools[gid]

    def fetch_ahead(self, gid: str) -> None:
        """Begin to fetch the result of an operation, if it was seen completed; ``spool`` will be asked for it."""
        if (state := self._done.get(gid)) is not None and gid not in self._spools:
            self._begun(gid, state.url, by_child=False)

    def forget(self, gid: str) -> None:
        """What was remembered of an operation is of no use any more."""
        self._done.pop(gid, None)
        if (task := self._fetching.pop(gid, None)) is not None and _runs_here(task):
            task.cancel()
        if (spool := self._spools.pop(gid, None)) is not None:
            spool.close()

    async def close(self) -> None:
        """Stop fetching, and let the spools go."""
        tasks = [task for task in self._fetching.values() if _runs_here(task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fetching.clear()
        for gid in list(self._spools):
            self.forget(gid)

    async def _adopted(self, tags: Mapping[str, str]) -> dict[str, str]:
        answer = await self._client.ask("bulk_list", query="operation_type:QUERY")
        found: dict[str, str] = {}
        for operation in nodes(answer.data.get("bulkOperations")):
            first, _, _ = str(operation.get("query")).partition("\n")
            for name, tag in tags.items():
                if first.strip() == f"# {tag}" and operation.get("id"):
                    found[name] = str(operation["id"])
        return found

    def _begun(self, gid: str, url: str | None, by_child: bool) -> asyncio.Task[None]:
        task = self._fetching.get(gid)
        if task is None or not _runs_here(task):
            task = self._fetching[gid] = asyncio.create_task(self._fetch(gid, url, by_child))
            # Nobody may ask for what came ahead.
            task.add_done_callback(lambda one: one.cancelled() or one.exception())
        return task

    async def _fetch(self, gid: str, url: str | None, by_child: bool) -> None:
        spool = Spool()
        try:
            if url is not None:
                await self._stream(url, spool)
            await asyncio.to_thread(spool.finish, by_child=by_child)
        except BaseException:
            spool.close()
            raise
        if (old := self._spools.get(gid)) is not None:
            old.close()
        self._spools[gid] = spool

    async def _stream(self, url: str, spool: Spool) -> None:
        """The token is not for the host that keeps results, and is never sent there."""
        self._require_known(url)
        rest = bytearray()
        async with self._http.stream("GET", url, bucket=self._bucket, accept=_VOID) as answer:
            if answer.status in _VOID:
                raise VoidResultError(
                    f"the result of a bulk operation is not there any more (HTTP {answer.status})"
                )
            async for chunk in answer.chunks():
                rest += chunk
                if len(rest) >= _BATCH and b"\n" in chunk:
                    rest = await self._take_in(rest, spool)
        await self._take_in(rest + b"\n", spool)

    async def _take_in(self, text: bytearray, spool: Spool) -> bytearray:
        whole, _, rest = bytes(text).rpartition(b"\n")
        lines = [line for line in whole.split(b"\n") if line.strip()]
        await asyncio.to_thread(spool.add, lines)
        return bytearray(rest)

    def _require_known(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname in self._hosts:
            return
        raise ConfigurationError(
            f"the result of a bulk operation is on {excerpt(parts.hostname)}, a host that is not known; if it is "
            "Shopify's, name it here",
            field="settings.result_hosts",
        )


def _runs_here(task: asyncio.Task[None]) -> bool:
    return task.get_loop() is asyncio.get_running_loop()


def first_wait(roots: int, *, along: bool = False) -> timedelta:
    """How long until operations are looked at for the first time, the largest of which has so many objects of the root.

    ``along``: the look comes along with a request that is made anyway.
    """
    wait = min(timedelta(seconds=roots / QUICK), FIRST_WAIT_MAX)
    return max(SHORTEST_WAIT, wait * ALONG if along else wait)


def wait_for(
    elapsed: timedelta, roots: int | None = None, of: int | None = None, *, along: bool = False
) -> timedelta:
    """How long until an operation is looked at again that began ``elapsed`` ago and has written ``roots`` ``of`` so many.

    A little longer than the rest takes at the same pace, so that the next look is the last one; a fourth of the time that
    has gone by where nothing says how far it is. Never many times what has gone by: the pace may change. ``along``: the
    look comes along with a request that is made anyway.
    """
    if roots and of and roots < of:
        left = elapsed * ((of - roots) / roots) * (ALONG_AGAIN if along else MARGIN)
        return _between(SHORTEST_WAIT, min(left, 4 * elapsed), LONGEST_WAIT)
    return _between(SHORTEST_WAIT, elapsed / 4, BLIND_WAIT_MAX)


def _between(least: timedelta, wait: timedelta, most: timedelta) -> timedelta:
    return min(max(wait, least), most)


def _state(operation: Any) -> State:
    if not isinstance(operation, dict):
        return State(status="EXPIRED")
    return State(
        status=str(operation.get("status")),
        error_code=operation.get("errorCode"),
        url=operation.get("url"),
        partial_url=operation.get("partialDataUrl"),
        objects=_number(operation.get("objectCount")),
        roots=_number(operation.get("rootObjectCount")),
    )


def _number(text: Any) -> int | None:
    """The platform's numbers without a sign are texts."""
    text = str(text)
    return int(text) if text.isascii() and text.isdigit() else None


def _reason(name: str, problems: Sequence[JSON]) -> str:
    text = "; ".join(excerpt(one.get("message")) for one in problems[:3])
    if any(one.get("code") in _BUSY for one in problems):
        return f"{name}: {text}"
    raise RetryableError(f"the bulk operation for {name} was refused: {text}")
