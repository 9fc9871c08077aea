"""A process of its own that appends slices to a file, and says after each one what became of it.

Its only argument is JSON: ``path``; ``name``, with which its keys begin; ``slices`` of ``records`` with ``size`` bytes of
text each; ``max_bytes`` of the destination; ``limit``, beyond which the system lets no file of this process grow.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from datetime import UTC, datetime
from typing import Any

from connectors.destinations.jsonl import JsonlDestination, JsonlSettings
from hub.connector import NoSettings, Ports
from hub.errors import RetryableError
from hub.records import Item


class Here:
    """The ports that the destination uses."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def warning(self, event: str, **facts: object) -> None:
        pass


async def main(options: dict[str, Any]) -> None:
    destination = JsonlDestination(
        JsonlSettings(path=options["path"], max_bytes=options.get("max_bytes")),
        NoSettings(),
        Ports(http=None, ids=None, documents=None, clock=Here(), log=Here()),  # type: ignore[arg-type]
    )
    if limit := options.get("limit"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    for number in range(options["slices"]):
        try:
            await destination.push([item(options, number, record) for record in range(options["records"])])
        except RetryableError as error:
            print("refused", number, error, flush=True)  # noqa: T201 - the test reads it
        else:
            print("written", number, flush=True)  # noqa: T201 - the test reads it


def item(options: dict[str, Any], number: int, record: int) -> Item:
    key = f"{options['name']}-{number}-{record}"
    body = "x" * options["size"]
    return Item(id=record, stream="s", key=key, payload={}, body=body, idempotency_key=key)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
