"""Requests and answers held against the descriptions in ``openapi/``."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

FOLDER = Path(__file__).parent / "openapi"
#: Which description a path stands in, by what it contains.
_DESCRIPTIONS = {
    "/suggestions": "suggestions",
    "/mkp-category-mapper/": "mapper",
    "/orderForms/simulation": "simulation",
    "/notificator/": "marketplace",
    "/affiliates": "marketplace",
    "/": "catalog",
}


@cache
def description(name: str) -> OpenAPI:
    """One of the files, read and checked."""
    return OpenAPI.from_dict(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def check(answer: httpx.Response, name: str | None = None, *, base: str = "") -> httpx.Response:
    """The answer, after it and its request were found valid; ``base`` is what the server's address has for a path.

    Raises ``OpenAPIError``.
    """
    name, request = check_request(answer.request, name, base=base)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    response = MockResponse(answer.content, answer.status_code, dict(answer.headers), kind)
    description(name).validate_response(request, response)
    return answer


def check_request(
    asked: httpx.Request, name: str | None = None, *, base: str = ""
) -> tuple[str, MockRequest]:
    """The description's name and the request, after it was found valid. Raises ``OpenAPIError``."""
    path = asked.url.path.removeprefix(base)
    name = name or next(name for part, name in _DESCRIPTIONS.items() if part in path)
    body = asked.content
    if asked.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    request = MockRequest(
        f"{asked.url.scheme}://{asked.url.netloc.decode()}",
        asked.method,
        path,
        args=dict(parse_qsl(asked.url.query.decode())),
        headers=dict(asked.headers),
        data=body or None,
        content_type=asked.headers.get("content-type", "").partition(";")[0],
    )
    description(name).validate_request(request)
    return name, request
