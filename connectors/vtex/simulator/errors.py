"""Errors in the shapes that the platform gives them (vtex facts, "Hosts, auth, limits")."""

from __future__ import annotations

from typing import Literal

from connectors.vtex.simulator.web import HTML_TYPE, JSON_TYPE, TEXT_TYPE, Answer, Group, as_json
from hub import codec

Shape = Literal["text", "json", "empty"]

_HTML = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%d</h1></body></html>"
#: Codes of Checkout: what it finds wrong with a request, and what it says for everything else.
INVALID = "CHK003"
_OTHER = "CHK0001"


def catalog_error(status: int, text: str, shape: Shape) -> Answer:
    """Catalog: plain text, a JSON string, or nothing at all."""
    if shape == "empty":
        return Answer(status)
    if shape == "json":
        return Answer(status, codec.dumps(text), JSON_TYPE)
    return Answer(status, text.encode(), TEXT_TYPE)


def checkout_error(status: int, code: str, message: str, operation: int) -> Answer:
    """Checkout and Fulfillment: an object with a code."""
    error = {"code": code, "message": message, "exception": None}
    return as_json({"error": error, "operationId": f"{operation:032x}"}, status)


def html_error(status: int) -> Answer:
    """What a gateway answers for a path that leads nowhere."""
    return Answer(status, _HTML % (status, status), HTML_TYPE)


def suggestion_error(status: int, errors: dict[str, list[str]]) -> Answer:
    """Suggestions: undocumented; all that is wrong, by field."""
    return as_json({"Message": "The request is invalid.", "Errors": errors}, status)


class Errors:
    """Makes the answers that do not depend on a handler, each in the shape of the group."""

    def __init__(self, shape: Shape) -> None:
        self._shape: Shape = shape
        self._operations = 0

    def refused(self, group: Group, status: int, text: str) -> Answer:
        """401, 403, 405 and 429, and whatever else is not a handler's own."""
        if group == "simulation":
            return self.checkout(status, _OTHER, text)
        if group in {"suggestions", "mapper"}:
            return as_json({"Message": text}, status)
        return self.catalog(status, text)

    def catalog(self, status: int, text: str) -> Answer:
        """In the shape of the options."""
        return catalog_error(status, text, self._shape)

    def checkout(self, status: int, code: str, text: str) -> Answer:
        """With a number of its own."""
        self._operations += 1
        return checkout_error(status, code, text, self._operations)
