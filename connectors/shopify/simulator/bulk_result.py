"""The download of a bulk result: streamed from disk, from any byte on."""

from __future__ import annotations

import re

from connectors.shopify.simulator.bulk import Bulk
from connectors.shopify.simulator.bulk_operation import Operation
from hub.testing.asgi import Send

_RANGE = re.compile(r"bytes=([0-9]+)-")


async def send_result(bulk: Bulk, operation: Operation, asked: str | None, send: Send) -> None:
    """200 with all of it, or 206 with what follows the byte that the header Range names."""
    found = _RANGE.fullmatch(asked or "")
    begin = min(int(found[1]), operation.file.size) if found else 0
    headers = [
        (b"content-type", b"application/jsonl"),
        (b"content-length", str(operation.file.size - begin).encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if found:
        last = max(operation.file.size - 1, 0)
        headers.append((b"content-range", f"bytes {begin}-{last}/{operation.file.size}".encode()))
    await send({"type": "http.response.start", "status": 206 if found else 200, "headers": headers})
    for piece in bulk.read(operation, begin):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
