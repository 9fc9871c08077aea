"""What this seller knows of a SKU at the marketplace, as it is kept in the id map. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from hub import codec

#: ``pending``: suggested, nothing heard yet. ``accepted``: the marketplace has it. ``gone``: the suggestion is not there
#: any more, and the SKU is not either (yet). ``unknown``: in a state that nobody has documented.
Known = Literal["pending", "accepted", "denied", "gone", "unknown"]

#: What the id map calls it.
KIND = "suggestion"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """``content`` is the fingerprint of what was suggested last, ``said`` how the marketplace itself calls the state.

    ``since`` is when it came into this state, ``sent`` when it was suggested, in ISO 8601. ``unfollowed``: no record waits
    for the decision, since what came after it was rejected.
    """

    state: Known
    since: str
    content: str | None = None
    sent: str | None = None
    said: str | None = None
    reason: str | None = None
    unfollowed: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """What ``str`` gave; None for nothing."""
        return None if text is None else cls(**codec.loads(text.encode()))

    def __str__(self) -> str:
        told = {name: value for name, value in asdict(self).items() if value not in (None, False)}
        return codec.dumps(told).decode()

    @property
    def is_open(self) -> bool:
        """The marketplace has not decided, or cannot be heard to: it asks for price and stock itself once it has."""
        return self.state in {"pending", "gone", "unknown"}


def parsed(found: Mapping[str, Any]) -> dict[str, Standing]:
    """All that the id map gave."""
    return {key: standing for key, text in found.items() if (standing := Standing.parse(text)) is not None}
