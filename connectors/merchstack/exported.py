"""What is remembered of a thing that was exported: the hash of its record, and which of its variants never went out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hub import codec
from hub.records import JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """``unheard`` are keys of variants that were gone before the product went out: Merchstack never heard of them."""

    content: str
    unheard: Collection[str] = ()

    @classmethod
    def parse(cls, text: str | None) -> Exported | None:
        """What ``str`` gave; None for what was never exported."""
        if text is None:
            return None
        content, _, unheard = text.partition(" ")
        return cls(content=content, unheard=codec.loads(unheard) if unheard else ())

    def __str__(self) -> str:
        """As the id map keeps it: mostly the hash alone."""
        return " ".join(
            (self.content, *([codec.dumps(sorted(self.unheard)).decode()] if self.unheard else ()))
        )


def unheard(document: JSON, before: Exported | None) -> Collection[str]:
    """Gone variants that Merchstack need not be told of: all of a new product, later those of them still gone."""
    gone = {each["key"] for each in document.get("gone_variants") or ()}
    return gone if before is None else gone & {*before.unheard}
