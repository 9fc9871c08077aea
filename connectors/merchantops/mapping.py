"""What MerchantOps sends as records, and our outcomes as what it takes. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.merchantops.page import split_items
from hub import codec, exact
from hub.excerpt import excerpt
from hub.records import JSON, BadRecord, Outcome, Record

STREAM = "price"

#: Longest ``error`` that is reported, in characters: MerchantOps asks for "a short failure summary".
MAX_ERROR_LENGTH = 500

#: What makes two records the same price: one of them is pushed at a time, in the order of ``effective_from``.
PRICE_FIELDS = ("product_key", "variant_key", "price_type", "currency")

#: Characters of a value that an error shows.
_SHOWN = 40

#: What reading JSON raises: bad syntax or no UTF-8, an exponent beyond Decimal, deep nesting.
_UNREADABLE = (ValueError, ArithmeticError, RecursionError)

#: A NUL character as JSON spells it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, kw_only=True)
class ParsedPage:
    """A page of pending publishes. ``count`` is the number of its items, bad and repeated ones included."""

    records: Sequence[Record]
    bad: Sequence[BadRecord]
    count: int


class UnfitError(ValueError):
    """A value cannot be taken; the text names the field and what would do."""


def parse_page(page: bytes) -> ParsedPage:
    """Read a page. A key that comes twice counts once; an item that is no record ends up in ``bad``, alone.

    Raises ``BadPageError`` when the page is not JSON or lacks ``items``.
    """
    records: dict[str, Record] = {}
    bad: list[BadRecord] = []
    texts = split_items(page)
    for text in texts:
        read = read_item(text)
        if isinstance(read, Record):
            records.setdefault(read.key, read)
        else:
            bad.append(read)
    return ParsedPage(records=list(records.values()), bad=bad, count=len(texts))


def read_item(text: bytes) -> Record | BadRecord:  # noqa: PLR0911  # one return a fault
    """One item of a page. Where it is no record, all that is wrong with it is named at once."""
    try:
        item = codec.loads(text)
    except _UNREADABLE as error:
        return _not_json(text, error)
    if not isinstance(item, dict):
        return _bad(text, f"{excerpt(item, _SHOWN)} is no record: an item is a JSON object")
    key = item.get("record_key")
    if not isinstance(key, str) or not key:
        return _bad(text, f"record_key: {_shown(key)}; a record needs a text that names it")
    if key in {".", ".."}:
        return _bad(
            text, f"record_key: {key!r} would name another path when its outcome is reported", key=key
        )
    if _NUL.search(text):
        return _bad(text, "the record holds a NUL character (\\u0000), which databases do not keep", key=key)
    try:
        return _record(key, item)
    except UnfitError as error:
        return _bad(text, str(error), key=key)


def read_amount(value: object) -> int | Decimal:
    """The price, every digit kept and 1e3 written out: from a number, or a text that holds one.

    Raises ``UnfitError`` for anything else, for what is negative, and for over a hundred digits.
    """
    number = exact.parse(value) if isinstance(value, str) else exact.exact(value)
    if number is None:
        raise UnfitError(f"amount: {_shown(value)}; a price is a number such as 32.85")
    if number < 0:
        raise UnfitError(f"amount: {_shown(value)}; a price is not negative")
    return number if isinstance(number, int) else Decimal(exact.plain(number.copy_abs()))


def read_version(value: object) -> str | None:
    """``effective_from`` as an ISO date, which compares as text; None where there is none. Raises ``UnfitError``."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        pass
    raise UnfitError(f"effective_from: {_shown(value)}; a date is written 2026-04-27")


def outcome_body(outcome: Outcome, target_key: str) -> JSON:
    """What is posted for an outcome: every documented field that is known."""
    error = outcome.error
    if error is not None and len(error) > MAX_ERROR_LENGTH:
        error = error[: MAX_ERROR_LENGTH - 1] + "…"
    body = {
        "target_key": target_key,
        "status": outcome.status,
        "response_code": outcome.response_code,
        "duration_ms": outcome.duration_ms,
        "attempts": outcome.attempts,
        "error": error,
        "external_id": outcome.external_id,
    }
    return {name: value for name, value in body.items() if value is not None}


def final_status(answer: bytes) -> str | None:
    """``batch_final_status`` of an answered outcome: "published", "partial", or None while the batch is in flight.

    Raises ``UnfitError`` when the answer is no JSON object.
    """
    try:
        fields = codec.loads(answer)
    except _UNREADABLE as error:
        raise UnfitError(f"the answer is not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise UnfitError(f"the answer is {excerpt(fields, _SHOWN)}, not an object")
    status = fields.get("batch_final_status")
    return None if status is None else str(status)


def _record(key: str, item: Mapping[str, Any]) -> Record:
    read: dict[str, Any] = {}
    problems = []
    for field, reader in (("amount", read_amount), ("effective_from", read_version)):
        try:
            read[field] = reader(item.get(field))
        except UnfitError as error:
            problems.append(str(error))
    if problems:
        raise UnfitError("; ".join(problems))
    return Record(
        stream=STREAM,
        key=key,
        order_key=_order_key(item),
        version=read["effective_from"],
        payload={**item, "amount": read["amount"]},
    )


def _order_key(item: Mapping[str, Any]) -> str | None:
    """Which price it is. A record that names neither product nor variant stands alone: nothing may replace it."""
    if item.get("product_key") is None and item.get("variant_key") is None:
        return None
    return codec.dumps([item.get(name) for name in PRICE_FIELDS]).decode()


def _not_json(text: bytes, error: Exception) -> BadRecord:
    """Names the field of a bare NaN or Infinity, which Python's own parser reads, and the key if there is one."""
    why = "a number in it is out of range" if isinstance(error, ArithmeticError) else str(error)
    try:
        item = json.loads(text, parse_constant=_Constant)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict):
        return _bad(text, f"the record is not JSON: {why}")
    named = [
        f"{field}: {value}, which is no number"
        for field, value in item.items()
        if isinstance(value, _Constant)
    ]
    key = item.get("record_key")
    known = key if isinstance(key, str) and key.isprintable() else None
    return _bad(text, "; ".join(named) or f"the record is not JSON: {why}", key=known)


class _Constant(str):
    """NaN, Infinity or -Infinity, where JSON wants a value."""

    __slots__ = ()


def _bad(text: bytes, reason: str, *, key: str | None = None) -> BadRecord:
    return BadRecord(reason=reason, raw=text.decode(errors="replace"), stream=STREAM, key=key)


def _shown(value: object) -> str:
    return "absent or null" if value is None else excerpt(value, _SHOWN)
