"""Destination ``catalog``: the hub's own catalog, which other connections export from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub import catalog
from hub.catalog import CatalogWriter, Written
from hub.connector import Destination, NoSettings
from hub.errors import RejectedError
from hub.records import Item, Parked, PushResult, Rejected, Skipped, Success

#: As in HTTP, so that answers look alike everywhere: created, and there already.
_CREATED, _UPDATED, _UNCHANGED = 201, 200, 304


class CatalogSettings(BaseModel):
    """``[destination.settings]`` of ``catalog``."""

    model_config = ConfigDict(extra="forbid")

    owns: list[str] | None = Field(
        None,
        description="Parts of the catalog that this connection is the system of record for: others leave them alone. "
        "By default those that its connector is made for.",
    )

    @field_validator("owns")
    @classmethod
    def _are_parts(cls, parts: list[str] | None) -> list[str] | None:
        for part in parts or ():
            if part not in catalog.PARTS:
                raise ValueError(f"{part!r} is no part of the catalog; there are: {', '.join(catalog.PARTS)}")
        return parts


class CatalogDestination(Destination[CatalogSettings, NoSettings]):
    """Upserts into the catalog of the connection's tenant, in the transaction in which the records settle.

    A record's body is an entity in the shapes of docs/catalog.md. Same content again: skipped as unchanged.
    """

    name = "catalog"
    title = "The hub's own catalog, which other connections export from"
    Settings: ClassVar[type[BaseModel]] = CatalogSettings
    # What a transaction costs is shared by all that it writes.
    slice_size = 500

    def owned_parts(self) -> Collection[str] | None:
        """What the user claims for this connection; None: what its connector is made for."""
        return self.settings.owns

    def entity(self, body: Any) -> catalog.Entity:
        """See ``hub.catalog.WritesCatalog``."""
        try:
            return catalog.parse(body)
        except catalog.ShapeError as error:
            raise RejectedError(*error.errors) from None

    def write(self, writer: CatalogWriter, items: Sequence[Item]) -> Sequence[PushResult]:
        """See ``hub.catalog.WritesCatalog``."""
        answers = writer.write([item.body for item in items])
        return [_result(item, written) for item, written in zip(items, answers, strict=True)]


def _result(item: Item, written: Written) -> PushResult:
    if written.errors:
        return Rejected(errors=written.errors)
    if written.unknown:
        unknown = written.unknown[0]
        return Parked(wake_key=catalog.wake_key(unknown), reason=f"waits for the category {unknown}")
    left = [f"{part} is left to {owner}, its system of record" for part, owner in written.left.items()]
    if written.effect == "unchanged":
        reason = "; ".join(left) or "unchanged"
        return Skipped(reason=reason, external_id=item.key, response_code=_UNCHANGED)
    return Success(
        external_id=item.key,
        response_code=_CREATED if written.effect == "created" else _UPDATED,
        warning="; ".join([*written.warnings, *left]) or None,
        created=written.effect == "created",
    )
