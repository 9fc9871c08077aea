"""Which pictures of a product stand for one of its variants, as VTEX wants them: with https alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.records import JSON


def pictures(product: Mapping[str, Any], variant: Mapping[str, Any]) -> Sequence[tuple[str, JSON]]:
    """Media that show the variant, each with our name of its field: its own, or where it has none the product's.

    The featured one comes first: the variant's own choice, then the product's. Videos and documents are left out.
    """
    own = list(_pictures(variant, "variants.media"))
    found = own or list(_pictures(product, "media"))
    first = [
        each for each in (variant.get("featured_medium"), product.get("featured_medium")) if each is not None
    ]
    ranks = {key: place for place, key in reversed(list(enumerate(first)))}
    return sorted(found, key=lambda each: ranks.get(each[1].get("key"), len(first)))


def image(medium: Mapping[str, Any], place: int) -> JSON:
    """As the suggestion has it. Its name is the file's, else its text, else a number."""
    name = next(
        (text for field in ("name", "alt") if isinstance(text := medium.get(field), str) and text.strip()),
        None,
    )
    return {"imageName": name or f"Image {place + 1}", "imageUrl": medium["source"]}


def _pictures(owner: Mapping[str, Any], field: str) -> Iterator[tuple[str, JSON]]:
    for place, medium in enumerate(owner.get("media") or ()):
        if _is_picture(medium):
            yield f"{field}.{place}.source", medium


def _is_picture(medium: Mapping[str, Any]) -> bool:
    """What says nothing of what it is counts as one."""
    mime_type, kind = medium.get("mime_type"), medium.get("type")
    if isinstance(mime_type, str) and mime_type:
        return mime_type.lower().startswith("image/")
    return not isinstance(kind, str) or not kind or "image" in kind.lower()
