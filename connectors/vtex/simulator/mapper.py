"""The category mapper: connectors that register, their trees, and mappings sent back (vtex facts, "Mapper")."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict

from connectors.vtex.simulator.category_tree import count, read_tree
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.outbox import JSON_HEADERS, Outbox, post
from connectors.vtex.simulator.web import TEXT_TYPE, Answer, Request, Route, as_json
from hub import codec
from hub.records import JSON

_BASE = "/api/mkp-category-mapper"
#: Seconds that a connector may take to answer.
_TIMEOUT = 10.0
_REQUIRED = ("displayName", "categoryTreeEndPoint", "mappingEndPoint", "properties")


class Mapper:
    """Registered connectors by id."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._connectors: dict[str, JSON] = {}
        self._outbox = Outbox(1)
        self._timers: list[asyncio.TimerHandle] = []
        self.counters: Counter[str] = Counter()

    def all(self) -> list[Route]:
        """Every route."""
        tree = f"{_BASE}/categories/marketplace/{{id}}"
        return [
            Route(method="POST", path=f"{_BASE}/connector/register", group="mapper", handler=self.register),
            Route(method="POST", path=tree, group="mapper", handler=self.tree),
        ]

    def register(self, request: Request) -> Answer:
        """A connector; one with a known name keeps its id."""
        if refused := self._wrong_account(request):
            return refused
        body = _object(request.body)
        missing = [name for name in _REQUIRED if name not in body]
        properties = body.get("properties")
        if missing or not isinstance(properties, dict) or not isinstance(properties.get("allowsRemap"), bool):
            named = ", ".join(missing or ["properties.allowsRemap"])
            return as_json({"Message": f"Required: {named}"}, 400)
        name = str(body["displayName"])
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._options.account}/{name}"))
        known = self._connectors.get(key, {"trees": 0, "categories": 0, "told": []})
        self._connectors[key] = known | {"registration": body}
        if self._options.register_reply == "text":
            return Answer(200, key.encode(), TEXT_TYPE)
        return as_json({"id": key})

    def tree(self, request: Request) -> Answer:
        """A category tree, compressed; it is processed later."""
        if request.query().get("an") and (refused := self._wrong_account(request)):
            return refused  # the description of this route has no such parameter
        connector = self._connectors.get(request.names[0])
        if connector is None:
            return as_json({"Message": "Connector not found"}, 404)
        try:
            tree = read_tree(request.body)
        except ValueError as error:
            return as_json({"Message": str(error)}, 400)
        connector["trees"] += 1
        connector["tree"] = tree
        connector["categories"] = count(tree["categories"])
        self.counters["trees"] += 1
        self._process(request.names[0], connector)
        return Answer(int(self._options.tree_status))

    def map(self, told: Map) -> JSON:
        """The command ``map``: the payload is undocumented, so it is sent as told, or as pairs of category ids."""
        key = told.connector or next(iter(self._connectors), "")
        connector = self._connectors.get(key)
        if connector is None:
            raise ValueError("connector: none is registered with the mapper under this id")
        pairs = [
            {"categoryId": own, "marketplaceCategoryId": theirs} for own, theirs in told.categories.items()
        ]
        payload = told.payload or {"an": self._options.account, "connectorId": key, "mappings": pairs}
        self._tell(connector, connector["registration"]["mappingEndPoint"], payload)
        return {"connector": key, "payload": payload}

    async def idle(self) -> None:
        """Until nothing is on its way."""
        await self._outbox.idle()

    def close(self) -> None:
        """Stop what is on its way."""
        self._outbox.close()
        for timer in self._timers:
            timer.cancel()

    def summary(self) -> JSON:
        """Counters."""
        return {
            "mapper_connectors": len(self._connectors),
            "mapper_trees": self.counters["trees"],
            "mapper_pending": self._outbox.pending,
        }

    def shown(self) -> JSON:
        """The connectors with their latest trees and what they were told."""
        return dict(self._connectors)

    def _wrong_account(self, request: Request) -> Answer | None:
        given = request.query().get("an")
        if given == self._options.account:
            return None
        return as_json({"Message": "The query has to name the account under an"}, 404 if given else 400)

    def _process(self, key: str, connector: JSON) -> None:
        url = connector["registration"].get("CategoryTreeProcessingNotificationEndpoint")
        if not url:
            return
        told = {
            "id": key,
            "an": self._options.account,
            "status": "processed",
            "categories": connector["categories"],
        }
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(self._options.tree_seconds, self._tell, connector, url, told))

    def _tell(self, connector: JSON, url: str, payload: JSON) -> None:
        async def send(session: aiohttp.ClientSession) -> None:
            reply = await post(session, url, codec.dumps(payload), JSON_HEADERS, _TIMEOUT)
            connector["told"].append({"url": url, "payload": payload, "answer": reply.error or reply.status})

        self._outbox.put(send)


class Map(BaseModel):
    """Own category ids to the marketplace's, or a whole ``payload``, for a connector or the first there is."""

    model_config = ConfigDict(extra="forbid")

    connector: str | None = None
    categories: dict[str, str] = {}
    payload: JSON | None = None


def _object(body: bytes) -> JSON:
    try:
        found: Any = codec.loads(body)
    except (codec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
