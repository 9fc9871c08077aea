"""A request and an answer, as the handlers of the simulator see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from hub import codec
from hub.records import JSON

Headers = tuple[tuple[bytes, bytes], ...]
#: The groups of routes that have limits and permissions of their own.
Group = Literal["catalog", "sku-binding", "notificator", "suggestions", "simulation", "affiliates", "mapper"]

JSON_TYPE: Headers = ((b"content-type", b"application/json; charset=utf-8"),)
TEXT_TYPE: Headers = ((b"content-type", b"text/plain; charset=utf-8"),)
HTML_TYPE: Headers = ((b"content-type", b"text/html"),)


@dataclass(slots=True)
class Request:
    """What a handler is handed; ``names`` are the variable segments of its path, in order."""

    method: str
    path: str
    names: list[str]
    query_string: bytes
    headers: dict[bytes, bytes]
    body: bytes = b""

    def query(self) -> dict[str, str]:
        """The query's parameters, the last of those with one name; names in lower case."""
        given = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
        return {name.lower(): value for name, value in given}


@dataclass(slots=True, frozen=True)
class Answer:
    """A status, a body of bytes and its headers."""

    status: int
    body: bytes = b""
    headers: Headers = field(default=())


Handler = Callable[[Request], "Answer | Awaitable[Answer]"]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A handler and how its route is treated; ``sku`` is the place of the SKU id among the path's names."""

    method: str
    path: str
    group: Group
    handler: Handler
    public: bool = False
    sku: int | None = None

    @property
    def name(self) -> str:
        """As the counters call it."""
        return f"{self.method} {self.path}"


def as_json(value: JSON | list[JSON] | list[int] | str, status: int = 200) -> Answer:
    """A JSON body."""
    return Answer(status, codec.dumps(value), JSON_TYPE)
