"""What VTEX tells an affiliate: which SKU changed, and in what respect, in every spelling that was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hub import codec
from hub.errors import RejectedError
from hub.excerpt import excerpt
from hub.records import JSON

#: In what respect something changed, by the flag that says so.
FLAGS: Final[Mapping[str, str]] = {
    "pricemodified": "price",
    "stockmodified": "stock",
    "hasstockkeepingunitmodified": "content",
}
REMOVED: Final = "hasstockkeepingunitremovedfromaffiliate"

#: Notifications in one request. One is what was seen; a list costs nothing to read.
MOST: Final = 1000

_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0", ""})
_SKU = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One SKU of an account that changed, ``at`` in ISO 8601, None where VTEX does not say.

    ``changed`` holds ``content``, ``price`` and ``stock``, all of them where a payload has no flags (the oldest form), and is
    empty for an SKU whose product changed elsewhere, since all SKUs of a product are told of (VTEX facts, "Notification").
    ``active`` is None where it does not say.
    """

    sku: str
    product: str | None
    account: str
    affiliate: str | None
    at: str | None
    active: bool | None
    changed: Sequence[str]
    removed: bool


def parse(body: bytes) -> Sequence[Notification]:
    """The notifications in the body of a request. Raises ``RejectedError`` that names the field for what is none."""
    try:
        found = codec.loads(body)
    except (codec.DecodeError, RecursionError) as error:
        raise RejectedError(f"the body is no JSON: {error}") from None
    if isinstance(found, dict):
        return [_of(found)]
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise RejectedError(f"the body has to be a notification, or a list of 1 to {MOST} of them")
    return [_of(one) for one in found]


def account_of(text: str) -> str:
    """The account that is meant by ``An``, which was also seen as ``name.myvtex`` and as a whole host."""
    return text.strip().lower().partition(".")[0]


def _of(payload: Any) -> Notification:
    if not isinstance(payload, dict):
        raise RejectedError(f"a notification has to be an object, not {excerpt(payload)}")
    fields: JSON = {name.lower(): value for name, value in payload.items()}
    flags = {name: flag for name in (*FLAGS, REMOVED) if (flag := _flag(fields, name)) is not None}
    return Notification(
        sku=_sku(fields),
        product=_number(fields.get("productid")),
        account=account_of(_text(fields, "an")),
        affiliate=str(fields["idaffiliate"]).strip() if fields.get("idaffiliate") else None,
        at=_moment(fields.get("datemodified")),
        active=_flag(fields, "isactive"),
        changed=tuple(_changed(flags)),
        removed=flags.get(REMOVED, False),
    )


def _changed(flags: Mapping[str, bool]) -> Iterator[str]:
    """Without any flag nobody knows what changed."""
    for name, what in FLAGS.items():
        if not flags or flags.get(name):
            yield what


def _sku(fields: JSON) -> str:
    sku = _number(fields.get("idsku"))
    if sku is None:
        raise RejectedError(f"IdSku has to be the number of an SKU, not {excerpt(fields.get('idsku'))}")
    return sku


def _number(value: Any) -> str | None:
    """An id as text, however it is written."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if _SKU.fullmatch(text) else None


def _text(fields: JSON, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RejectedError("An has to be the name of the account")
    return value


def _flag(fields: JSON, name: str) -> bool | None:
    """Absent is not false. Raises ``RejectedError`` for what is neither."""
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise RejectedError(f"{name} has to be true or false, not {excerpt(value)}")


def _moment(value: Any) -> str | None:
    """With microseconds at most: VTEX writes seven digits after the second."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", value.strip())).isoformat()
    except ValueError:
        return None
