"""Texts that stand for one person, found in what is known of them, and taken out of other texts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: A shorter text may stand for something else just as well, in characters.
SHORTEST = 5
#: Digits of a telephone number at the least.
DIGITS = 7

_EMAIL = re.compile(r"[^\s@\"'<>,;]+@[^\s@\"'<>,;]+\.[^\s@\"'<>,;]+")
_PHONE = re.compile(r"\+?[\d\s()./-]{7,25}")
_GIVEN = ("first_name", "firstName", "given_name")
_FAMILY = ("last_name", "lastName", "family_name")
_WHOLE = ("displayName", "display_name", "full_name", "formattedArea", "address1", "address2", "street")


class Words:
    """What to take out. ``everywhere`` are strong enough for any text; ``beside_goods`` not for a product's."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.everywhere: set[str] = set()
        self.beside_goods: set[str] = set()
        for text in texts:
            self._sort(text)

    def learn(self, content: Any) -> None:
        """Collect from JSON that is about the person and nobody else."""
        for inner in _objects(content):
            self._names(inner)
        for text in _texts(content):
            for found in _EMAIL.findall(text):
                self.everywhere.add(found)
            if _PHONE.fullmatch(text) and _digits(text) >= DIGITS:
                self.beside_goods.add(text)

    def of(self, *, goods: bool) -> list[str]:
        """The longest first, so that none is left half."""
        words = self.everywhere if goods else self.everywhere | self.beside_goods
        return sorted(words, key=lambda word: (-len(word), word))

    def _sort(self, text: str) -> None:
        text = text.strip()
        if _EMAIL.fullmatch(text):
            self.everywhere.add(text)
        elif len(text) >= SHORTEST:
            self.beside_goods.add(text)

    def _names(self, content: Mapping[str, Any]) -> None:
        given = next((content[name] for name in _GIVEN if isinstance(content.get(name), str)), "")
        family = next((content[name] for name in _FAMILY if isinstance(content.get(name), str)), "")
        whole = [content[name] for name in _WHOLE if isinstance(content.get(name), str)]
        for text in (f"{given} {family}" if given and family else "", *whole):
            if len(text.strip()) >= SHORTEST:
                self.beside_goods.add(text.strip())


class Eraser:
    """Puts a mark in the place of words, a different one for each, so that what was unique stays so."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._mark = secrets.token_hex(4)
        spelled = "|".join(re.escape(word) for word in words) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{spelled})(?!\w)", re.IGNORECASE)
        self._order = {word.lower(): position for position, word in enumerate(words)}

    def __call__(self, text: str) -> str:
        """The text without the words."""
        return self._pattern.sub(self._marked, text)

    def _marked(self, found: re.Match[str]) -> str:
        return f"[erased {self._mark}.{self._order.get(found.group().lower(), 0)}]"


def named(keys: Iterable[str]) -> re.Pattern[str]:
    """Finds one of the keys in a text, and not another one that begins or ends like it (``…/12`` in ``…/123``)."""
    spelled = "|".join(re.escape(key) for key in keys if key) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{spelled})(?!\w)")


def _objects(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, Mapping):
        yield content
    for inner in _inner(content):
        yield from _objects(inner)


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for inner in _inner(content):
        yield from _texts(inner)


def _inner(content: Any) -> Iterable[Any]:
    if isinstance(content, Mapping):
        return content.values()
    return content if isinstance(content, list) else ()


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)
