"""What became of a suggestion, from an answer whose shape VTEX does not document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from hub.excerpt import excerpt

State = Literal["pending", "accepted", "denied", "unknown"]

#: Every spelling that was seen (VTEX facts, 3), in lower case and without what is no letter. ``reviewed`` does not say
#: how it was decided, and so is unknown: hands off.
SPELLINGS: Final[Mapping[str, State]] = {
    "pending": "pending",
    "waitingreview": "pending",
    "accepted": "accepted",
    "approved": "accepted",
    "denied": "denied",
    "rejected": "denied",
    "blocked": "denied",
}

#: Characters of a reason that are kept.
LONGEST_REASON: Final = 500

_STATUS: Final = ("status", "suggestionstatus", "state")
_VERSION: Final = ("latestversionid", "versionid", "version")
#: Where a reason may stand, the plainest name first.
_REASON: Final = (
    "denialreason",
    "deniedreason",
    "rejectionreason",
    "rejectreason",
    "denyreason",
    "reason",
    "reasons",
    "comment",
    "message",
    "errors",
)
#: What the seller itself has sent stands in here; its words are not the marketplace's.
_SENT: Final = "content"
#: Objects that are looked into, so that no answer takes long.
_MOST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """``status`` is what the marketplace calls it, ``reason`` why it was denied, ``version`` the latest one's id."""

    state: State
    status: str | None = None
    reason: str | None = None
    version: str | None = None

    @property
    def may_be_updated(self) -> bool:
        """Only while nothing is decided, and only where that is certain (seed 004)."""
        return self.state == "pending"


def state_of(status: Any) -> State:
    """Whatever its case and separators; ``unknown`` for a word that nobody has documented, and for no word."""
    return SPELLINGS.get(_plain(status), "unknown") if isinstance(status, str) else "unknown"


def read(body: Any) -> Suggestion:
    """The outermost status counts; of versions only the latest one's. Two that disagree on one level are unknown."""
    if not isinstance(body, Mapping):
        return Suggestion(state="unknown")
    version = _text(_first(body, _VERSION))
    levels = list(_levels(body, version))
    statuses = next((found for level in levels if (found := _statuses(level))), [])
    # What was sent is the last place: some answers hold nothing but it.
    statuses = statuses or _statuses([_sent(body)])
    states = {state_of(each) for each in statuses}
    state: State = states.pop() if len(states) == 1 else "unknown"
    return Suggestion(
        state=state,
        status=excerpt(statuses[0]).strip('"') if statuses else None,
        reason=_reason(levels) if state == "denied" else None,
        version=version,
    )


def _levels(body: Mapping[str, Any], version: str | None) -> Iterator[list[Mapping[str, Any]]]:
    """The objects of the answer, level by level, without what was sent and without older versions."""
    level, seen = [body], 0
    while level and seen < _MOST:
        seen += len(level)
        yield level
        inner: list[Mapping[str, Any]] = []
        for each in level:
            for name, value in each.items():
                if _plain(name) == _SENT:
                    continue
                found = [
                    one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)
                ]
                inner += _latest(found, version) if _plain(name) == "versions" else found
        level = inner[:_MOST]


def _latest(versions: Sequence[Mapping[str, Any]], version: str | None) -> Sequence[Mapping[str, Any]]:
    named = [
        one for one in versions if version is not None and _text(_first(one, ("id", *_VERSION))) == version
    ]
    return named or versions


def _statuses(level: Sequence[Mapping[str, Any]]) -> list[str]:
    """All that stand there under the plainest name, in whatever spelling of it."""
    for wanted in _STATUS:
        fields = (field for each in level for field in each.items())
        found = [value for name, value in fields if _plain(name) == wanted and isinstance(value, str)]
        if said := [value for value in found if value.strip()]:
            return said
    return []


def _sent(body: Mapping[str, Any]) -> Mapping[str, Any]:
    sent = _first(body, (_SENT,))
    return sent if isinstance(sent, Mapping) else {}


def _reason(levels: list[list[Mapping[str, Any]]]) -> str | None:
    for name in _REASON:
        for level in levels:
            for each in level:
                if text := _said(_first(each, (name,))):
                    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
    return None


def _said(value: Any) -> str:
    """A text, or the texts of a list."""
    match value:
        case str():
            return " ".join(value.split())
        case list():
            return "; ".join(text for one in value[:20] if isinstance(one, str) and (text := _said(one)))
        case _:
            return ""


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    plain = {_plain(name): value for name, value in fields.items()}
    return next((plain[name] for name in names if plain.get(name) is not None), None)


def _text(value: Any) -> str | None:
    return (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
    )


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
