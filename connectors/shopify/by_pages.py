"""Steps of a pass that reads by pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.shopify import tally
from connectors.shopify.client import Answer, ShopifyClient, TooExpensiveError
from connectors.shopify.joining import IncompleteError, joined, onward, readable
from connectors.shopify.resources import Resource
from connectors.shopify.settings import ShopifySettings
from connectors.shopify.steps import Step, made, read_to_the_end, shop_of
from hub.connector import Documents
from hub.excerpt import excerpt
from hub.records import JSON

Ask = Callable[..., Awaitable[Answer]]


class ByPages:
    """Reads a page a step, and keeps what was seen until it has been compared with what is there."""

    def __init__(self, client: ShopifyClient, settings: ShopifySettings, documents: Documents) -> None:
        self._client, self._settings, self._documents = client, settings, documents
        self._seen: tuple[str, set[str]] | None = None

    def forget(self) -> None:
        """The pass is over."""
        self._seen = None

    async def step(self, cursor: JSON, resource: Resource, ask: Ask | None = None) -> Step:
        """One page; a smaller one the next time, where it was too expensive. ``ask``: by other means than the client's."""
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
            answer = await (ask or self._client.ask)(name, **variables)
        except TooExpensiveError:
            if size <= 1:
                raise
            under_way["size"] = size // 2
            return Step()
        [connection] = answer.data.values()
        shop = shop_of(cursor, self._settings, answer.denied)
        objects = await self._objects(under_way, resource, connection, answer.denied)
        if resource.name == "products" and "collections" not in self._settings.wanted:
            objects = [
                {name: value for name, value in one.items() if name != "collections"} for one in objects
            ]
        step = made(under_way, resource, objects, shop)
        if under_way["kind"] == "full":
            await self._saw(under_way, resource, [record.key for record in step.records])
        under_way["after"] = onward(connection, under_way["after"])
        under_way["page"] += 1
        if under_way["after"] is None:
            read_to_the_end(under_way)
        return step

    async def _objects(
        self, under_way: JSON, resource: Resource, connection: Any, denied: Sequence[Sequence[str]]
    ) -> list[JSON]:
        """Those of a page that came whole; where others did not, the resource is incomplete, and nothing of it is gone."""
        counts, objects = under_way["tallies"][resource.name], list[JSON]()
        there, missing = readable(connection)
        for node in there:
            try:
                objects += await joined(self._client, resource.name, node, denied)
            except IncompleteError as error:
                self._incomplete(counts, f"{excerpt(node.get('id'))} did not come whole: {error}")
        if missing:
            self._incomplete(counts, f"{missing} objects of a page are null")
        return objects

    def _incomplete(self, counts: JSON, text: str) -> None:
        counts["complete"] = False
        tally.warn(counts, "incomplete", f"{text}; what is gone is not marked")

    def _since(self, cursor: JSON, name: str) -> str:
        at = datetime.fromisoformat(cursor["done"][name]) if name in cursor.get("done", {}) else None
        if at is None:
            return ""
        return f"updated_at:>='{at - timedelta(seconds=self._settings.overlap_seconds):%Y-%m-%dT%H:%M:%SZ}'"

    async def _saw(self, under_way: JSON, resource: Resource, keys: Sequence[str]) -> None:
        """Pages are seen once: what they named is kept, a document for each page, until it has been compared."""
        await self._documents.put(_seen_document(resource.name, under_way["page"]), {"keys": list(keys)})

    async def seen(self, under_way: JSON, resource: Resource) -> set[str] | None:
        """The keys that all pages of a resource named; None where that is not known any more."""
        held = f"{under_way['name']} {resource.name}"
        if self._seen is None or self._seen[0] != held:
            keys: set[str] = set()
            for page in range(under_way["pages"]):
                document = await self._documents.get(_seen_document(resource.name, page))
                if document is None:
                    return None
                keys.update(document["keys"])
            self._seen = (held, keys)
        return self._seen[1]


def _seen_document(resource: str, page: int) -> str:
    return f"seen:{resource}:{page}"
