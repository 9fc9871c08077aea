"""What a full pass would change, found out by making one whose records are compared and thrown away."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from connectors.shopify.bulk import BulkOperations
from connectors.shopify.client import ShopifyClient
from connectors.shopify.passes import Passes
from connectors.shopify.resources import ALL
from connectors.shopify.settings import ShopifySettings
from hub import codec
from hub.connector import PlanResult, Ports
from hub.errors import ConfigurationError, NotNowError
from hub.records import JSON, Record

#: Changes of each resource that are shown.
SAMPLE: Final = 5
#: Fingerprints are added up modulo this, so that the order of reading does not matter.
_MODULUS: Final = 2**128

VERBS: Final = ("created", "changed", "unchanged", "gone")


class Scratch:
    """Documents for the time of a plan: nothing is stored."""

    def __init__(self) -> None:
        self._documents: dict[str, JSON] = {}

    async def get(self, name: str) -> JSON | None:
        """See ``hub.connector.Documents``."""
        return self._documents.get(name)

    async def put(self, name: str, document: JSON) -> None:
        """See ``hub.connector.Documents``."""
        self._documents[name] = document

    async def change(self, name: str, change: Callable[[JSON | None], JSON | None]) -> None:
        """See ``hub.connector.Documents``."""
        if (changed := change(self._documents.get(name))) is not None:
            self._documents[name] = changed

    async def remove(self, name: str) -> None:
        """See ``hub.connector.Documents``."""
        self._documents.pop(name, None)


async def plan(
    client: ShopifyClient, bulk: BulkOperations, settings: ShopifySettings, ports: Ports
) -> PlanResult:
    """Counts by resource and verb (``products.created``), a sample, every warning and a hash of all that would change.

    Equal states of shop and hub give equal hashes. Raises what reading the shop does.
    """
    passes = Passes(client, bulk, settings, documents=Scratch(), catalog=ports.catalog, clock=ports.clock)
    comparison = Comparison(ports)
    cursor = await passes.begin({}, "full")
    while True:
        moved: JSON = codec.loads(codec.dumps(cursor))
        try:
            step = await passes.step(moved)
        except NotNowError as error:
            await asyncio.sleep(error.wait.total_seconds())
            continue
        cursor = moved
        if step.ended:
            return comparison.result(passes.end(cursor))
        await comparison.take_in(step.records)
        if step.wait is not None:
            await asyncio.sleep(step.wait.total_seconds())


class Comparison:
    """Records against what the ledger and the catalog know of them."""

    def __init__(self, ports: Ports) -> None:
        if ports.ledger is None:
            raise ConfigurationError("a plan needs the ledger, which this hub does not hand out")
        self._ledger, self._catalog = ports.ledger, ports.catalog
        self._counts: dict[str, int] = {f"{name}.{verb}": 0 for name in ALL for verb in VERBS}
        self._sum = 0
        self._sample: list[JSON] = []

    async def take_in(self, records: Sequence[Record]) -> None:
        """Compare some of them."""
        for name, resource in ALL.items():
            mine = [record for record in records if record.stream == name]
            if not mine:
                continue
            keys = [record.key for record in mine]
            hashes = await self._ledger.hashes(name, keys)
            there = await self._catalog.known(resource.kind, keys) if self._catalog is not None else ()
            for record in mine:
                fingerprint = codec.fingerprint(record.payload)
                self._count(record, _verb(record, hashes.get(record.key), fingerprint, there), fingerprint)

    def result(self, report: JSON) -> PlanResult:
        """The plan, with the warnings of the pass."""
        warnings = [
            f"{name}: {one['first']}"
            + (f" (and {one['count'] - 1} more like this)" if one["count"] > 1 else "")
            for name, counts in report["resources"].items()
            for one in counts["warnings"].values()
        ]
        counts = {
            name: self._counts[name] for name in self._counts if name.partition(".")[0] in report["resources"]
        }
        digest = hashlib.blake2b(codec.dumps([f"{self._sum:032x}", counts]), digest_size=16)
        return PlanResult(hash=digest.hexdigest(), counts=counts, sample=self._sample, warnings=warnings)

    def _count(self, record: Record, verb: str, fingerprint: str) -> None:
        name = f"{record.stream}.{verb}"
        self._counts[name] += 1
        if verb == "unchanged":
            return
        line = codec.dumps([record.stream, record.key, verb, fingerprint])
        self._sum = (self._sum + int.from_bytes(hashlib.blake2b(line, digest_size=16).digest())) % _MODULUS
        if self._counts[name] <= SAMPLE:
            self._sample.append(
                {"resource": record.stream, "change": verb, "key": record.key, **_shown(record)}
            )


def _verb(record: Record, known: str | None, fingerprint: str, there: Any) -> str:
    if record.payload.get("operation") == "delete":
        return "gone"
    if known == fingerprint:
        return "unchanged"
    return "changed" if record.key in there else "created"


def _shown(record: Record) -> JSON:
    """Of customers nothing: a plan is looked at, and kept."""
    payload = record.payload
    texts = payload.get("translations") or [{}]
    found = {
        "title": texts[0].get("name") or (payload.get("name") if payload["kind"] == "location" else None),
        "variants": len(payload["variants"]) if payload.get("variants") else None,
        "on_hand": payload.get("on_hand"),
    }
    return {name: value for name, value in found.items() if value is not None}
