"""What a seller's SKU is called at the marketplace: it stands in paths there, so not every text will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from hub.errors import RejectedError
from hub.excerpt import excerpt

#: Bytes of a percent-encoded id. VTEX names no limit; common servers refuse a segment of more than 260 characters.
LONGEST_ID: Final = 200

#: These mean something in a path, or servers refuse them there even when they are percent-encoded. Their refusal is a
#: 404 that would look like a wrong account.
UNSAFE: Final = '/\\?#%&+<>*:;"|'


def id_faults(text: str) -> Sequence[str]:
    """What keeps a text from being one segment of a path at every server; empty where nothing does."""
    faults = []
    if not text.strip():
        return ["is empty"]
    if text != text.strip():
        faults.append("begins or ends with a blank")
    if found := sorted({letter for letter in text if letter in UNSAFE}):
        faults.append(f"holds {' '.join(found)}, which no path takes")
    if not text.isprintable():
        faults.append("holds a control character")
    if text.endswith("."):
        faults.append("ends with a dot, which servers cut off")
    if len(quote(text, safe="", errors="replace")) > LONGEST_ID:
        faults.append(f"takes more than {LONGEST_ID} bytes in a path")
    return faults


def seller_sku(variant: Mapping[str, Any], field: Literal["key", "sku"]) -> str:
    """What the marketplace calls a variant. Raises ``RejectedError`` with all that is wrong with it."""
    value = variant.get(field)
    if not isinstance(value, str) or not value:
        raise RejectedError(
            f"sellerSkuId (variants.{field}): is missing; give variant {excerpt(variant.get('key'))} a {field} "
            'in the catalog, or name variants by settings.sku = "key"'
        )
    if faults := id_faults(value):
        other = 'a sku that fits and set settings.sku = "sku"' if field == "key" else "another sku"
        raise RejectedError(
            *(
                f"sellerSkuId (variants.{field}): {excerpt(value)} {fault}; give the variant {other}"
                for fault in faults
            )
        )
    return value
