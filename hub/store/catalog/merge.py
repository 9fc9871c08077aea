"""What a row holds after a draft was laid over it, and who it has that from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from hub import codec
from hub.catalog.shapes import MediaChange
from hub.records import JSON
from hub.store.catalog.drafts import Draft

#: What a merchandising system adds to another system's category.
_ENRICHMENT = frozenset({"facets", "related", "extra"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it stands, or would stand. ``exists`` is False for one that was never written.

    ``version`` is another one after every write, where a database tells (PostgreSQL).
    """

    content: JSON = {}
    sources: JSON = {}
    identity: Mapping[str, Any] = {}
    gone: bool = False
    exists: bool = False
    version: str = ""

    @property
    def there(self) -> bool:
        """Exists and is not gone."""
        return self.exists and not self.gone


def laid_over(row: Row, draft: Draft, *, source: str, now: int) -> Row:
    """The row with the draft's fields, media and state, and with ``source`` (a connection's id) noted."""
    if draft.gone:
        return row if not row.there else replace(row, gone=True)
    if not row.exists and not draft.media_changes:
        return _new(draft, source, now)
    fields = allowed(row, draft, source)
    content = _content({} if row.gone else row.content, fields, draft.media_changes)
    if row.there and content == row.content and source in row.sources:
        # Only who gives a field may have changed, and that nobody follows.
        return replace(row, identity=draft.identity or row.identity)
    return Row(
        content=content,
        sources=_sources({} if row.gone else row.sources, source, draft, fields, now),
        identity=draft.identity or row.identity,
        exists=True,
    )


def _new(draft: Draft, source: str, now: int) -> Row:
    """The short way of what is there for the first time."""
    fields = content = draft.fields
    if not fields.get("extra", True):
        content = {name: value for name, value in fields.items() if name != "extra"}
    note = {"id": draft.source_id, "hash": codec.fingerprint(fields), "at": now, "fields": _names(*fields)}
    return Row(content=content, sources={source: note}, identity=draft.identity, exists=True)


@lru_cache(maxsize=1000)
def _names(*fields: str) -> list[str]:
    return sorted(fields)


def same(old: Row, new: Row) -> bool:
    """Nothing that anybody follows has changed."""
    return (
        old.exists == new.exists
        and old.gone == new.gone
        and old.content == new.content
        and all(old.identity.get(name) == value for name, value in new.identity.items())
    )


def allowed(row: Row, draft: Draft, source: str) -> Mapping[str, Any]:
    """The draft's fields that are taken; of one that only enriches another system's category not all."""
    foreign = row.there and not row.content.get("managed") and _maker(row) != source
    if not (draft.enriches and foreign):
        return draft.fields
    return {name: value for name, value in draft.fields.items() if name in _ENRICHMENT}


def _maker(row: Row) -> str | None:
    """Who was there first."""
    return next(iter(row.sources), None)


def _content(old: JSON, fields: Mapping[str, Any], changes: Sequence[MediaChange]) -> JSON:
    """A field that was cleared stays as null, so that whoever follows can tell it from one that nobody gave."""
    content = {**old, **fields}
    if "extra" in fields:
        # Whatever the catalog has no name for is laid over what others gave.
        value = fields["extra"]
        content["extra"] = _overlaid(old.get("extra") or {}, value or {}) if value != {} else {}
        if not content["extra"]:
            del content["extra"]
    if changes:
        content["media"] = _media(content.get("media") or [], changes)
    return content


def _overlaid(old: JSON, new: JSON | None) -> JSON:
    if new is None:
        return {}
    merged = {**old, **new}
    return {name: value for name, value in merged.items() if value is not None or name not in old}


def _media(old: Sequence[JSON], changes: Sequence[MediaChange]) -> list[JSON]:
    media = {medium["key"]: medium for medium in old}
    for change in changes:
        if change.operation == "delete":
            media.pop(change.medium.key, None)
            continue
        given = msgspec.to_builtins(change.medium, builtin_types=(Decimal,))
        media[change.medium.key] = {**media.get(change.medium.key, {}), **given}
    return list(media.values())


def _sources(old: JSON, source: str, draft: Draft, fields: Mapping[str, Any], now: int) -> JSON:
    """By connection: what it calls this, the hash of what it sent last, when, and the fields that are from it."""
    given = {*fields, "media"} if draft.media_changes else set(fields)
    note = {"id": draft.source_id, "hash": codec.fingerprint(fields), "at": now}
    if not old:
        return {source: {**note, "fields": sorted(given)}}
    sources = {
        name: {**known, "fields": [one for one in known["fields"] if one not in given]}
        for name, known in old.items()
    }
    mine = set(old[source]["fields"]) if source in old else set()
    sources[source] = {**note, "fields": sorted(mine | given)}
    return sources
