"""One suggestion with its versions, as the account keeps it and as it answers it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.vtex.simulator.bindings import Key
from connectors.vtex.simulator.options import Options
from hub.records import JSON

State = Literal["pending", "approved", "denied"]
STATES: tuple[State, ...] = ("pending", "approved", "denied")

#: Scores from which the matcher approves and up to which it denies (vtex facts, "Suggestion").
APPROVES, DENIES = 80, 30


@dataclass
class Version:
    """What one PUT sent; its name is that of the answer's ``LatestVersionId``."""

    name: str
    content: JSON
    at: str


@dataclass
class Suggestion:
    """A seller's SKU on its way into the catalog."""

    key: Key
    inserted: str
    versions: list[Version] = field(default_factory=list)
    state: State = "pending"
    word: str | None = None
    reason: str | None = None
    updated: str = ""

    @property
    def content(self) -> JSON:
        """Of the latest version."""
        return self.versions[-1].content

    def is_new(self) -> bool:
        """Whether there was never a second version."""
        return len(self.versions) == 1

    def score(self, options: Options) -> int:
        """The matcher's, of the options or one that depends on the SKU alone."""
        return options.score if options.score is not None else zlib.crc32("/".join(self.key).encode()) % 101

    def status(self, options: Options) -> str:
        """The word of the options for its state, unless a command gave it one of its own."""
        words = [one.strip() for one in options.statuses.split(",")]
        return self.word or dict(zip(STATES, words, strict=False)).get(self.state, self.state)

    def shown(self, options: Options, version: Version | None = None) -> JSON:
        """The answer to a GET: undocumented, so this is what its prose and other clients speak of."""
        seller, sku = self.key
        match = {"MatcherId": "vtex-matcher", "MatchId": f"{seller}-{sku}", "Score": str(self.score(options))}
        node = {
            "ItemId": f"{seller}-{sku}",
            "SellerId": seller,
            "ItemCode": sku,
            "Status": self.status(options),
            "Reason": self.reason,
            "LatestVersionId": self.versions[-1].name,
            "VersionId": (version or self.versions[-1]).name,
            "InsertedAt": self.inserted,
            "UpdatedAt": self.updated,
            "Content": (version or self.versions[-1]).content,
            "Matches": [match],
        }
        return node if options.suggestion_keys == "pascal" else _camel(node)


def _camel(node: JSON) -> JSON:
    """With small initials, but for what the seller sent."""
    return {
        name[0].lower() + name[1:]: [_camel(one) for one in value] if name == "Matches" else value
        for name, value in node.items()
    }


def names_of(content: JSON) -> str:
    """All names in it, for rules and searches."""
    return " ".join(_said(content, name) for name in ("ProductName", "SkuName", "NameComplete")).casefold()


def accepted_product(content: JSON, *, ean_text_lost: bool) -> JSON:
    """What the catalog has of an approved suggestion: http images are not shown, EANs as text may get lost."""
    ean = content["EAN"]
    eans = ean if isinstance(ean, list) else [] if ean_text_lost else [ean]
    images = [one for one in content["Images"] if one["imageUrl"].startswith("https://")]
    return content | {"EAN": eans, "Images": images}


def _said(content: JSON, name: str) -> str:
    value: Any = content.get(name)
    return value if isinstance(value, str) else ""
