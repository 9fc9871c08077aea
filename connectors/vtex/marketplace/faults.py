"""What may be wrong with one value, and what is to be done to it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.vtex import values
from connectors.vtex.marketplace.pattern import LONGEST_MATCHED, compiled
from hub.exact import Number, plain
from hub.excerpt import excerpt

#: Allowed values that an error names.
_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """``what`` is wrong, after the name of its field; ``verb`` is what a merchant does to it (``shorten``)."""

    what: str
    verb: str


def text_faults(
    value: Any,
    *,
    shortest: int | None = None,
    longest: int | None = None,
    pattern: str | None = None,
    hint: str | None = None,
    allowed: Sequence[str] | None = None,
) -> Iterator[Fault]:
    """Of a text; ``hint`` says in words what ``pattern`` wants."""
    if not isinstance(value, str):
        yield Fault(f"{excerpt(value)} is no text", "correct")
        return
    if shortest is not None and len(value) < shortest:
        yield Fault(
            f"{excerpt(value)} has {len(value)} characters and the marketplace wants {shortest}", "lengthen"
        )
    if longest is not None and len(value) > longest:
        yield Fault(
            f"{excerpt(value)} has {len(value)} characters and the marketplace takes {longest}", "shorten"
        )
    if pattern is not None:
        yield from _pattern_faults(value, pattern, hint)
    if allowed is not None and value not in allowed:
        yield Fault(_not_allowed(value, allowed), "choose another value for")


def number_faults(value: Any, least: Number | None, greatest: Number | None) -> Iterator[Fault]:
    """Of a number, or of a text that holds one."""
    found = values.number(value)
    if found is None:
        yield Fault(f"{excerpt(value)} is no number", "correct")
    elif least is not None and found < least:
        yield Fault(f"is {plain(found)} and the marketplace wants {plain(least)} at least", "correct")
    elif greatest is not None and found > greatest:
        yield Fault(f"is {plain(found)} and the marketplace takes {plain(greatest)} at most", "correct")


def gtin_faults(value: Any, lengths: Collection[int]) -> Iterator[str]:
    """What is wrong with a bar code: its digits, or the check digit (python-stdnum)."""
    if not isinstance(value, str):
        yield f"{excerpt(value)} is no text"
    elif (code := values.gtin(value)) is None:
        yield f"{excerpt(value)} is no code of {_numbers(lengths)} digits whose last one is the right check digit"
    elif len(code) not in lengths:
        yield f"{excerpt(value)} has {len(code)} digits and the marketplace takes {_numbers(lengths)}"


def image_faults(image: Any, *, https: bool, endings: Collection[str] | None) -> Iterator[Fault]:
    """Of one image: its address, and what its file's name ends with."""
    url = image.get("url") if isinstance(image, dict) else None
    verb = "replace it among"
    if (fault := values.image_fault(url if https else _with_https(url))) is not None:
        yield Fault(fault, verb)
    elif endings is not None and (ending := _ending(url)) not in endings:
        what = f"ends with {excerpt(ending)}" if ending else "has no ending"
        yield Fault(f"{what} ({excerpt(url)}), and the marketplace takes {', '.join(endings)}", verb)


def _with_https(url: Any) -> Any:
    is_plain = isinstance(url, str) and url[:5].lower() == "http:"
    return f"https:{url[5:]}" if is_plain else url


def _pattern_faults(value: str, pattern: str, hint: str | None) -> Iterator[Fault]:
    if len(value) > LONGEST_MATCHED:
        what = f"has {len(value)} characters, of which no more than {LONGEST_MATCHED} can be checked"
        yield Fault(f"{excerpt(value)} {what}", "shorten")
    elif not compiled(pattern)(value):
        wanted = hint or f"of the form {pattern}"
        yield Fault(f"{excerpt(value)} is not what the marketplace wants ({wanted})", "correct")


def _not_allowed(value: str, allowed: Sequence[str]) -> str:
    for each in allowed:
        if each.strip().casefold() == value.strip().casefold():
            return f"{excerpt(value)} is written {excerpt(each)} at the marketplace"
    shown = ", ".join(excerpt(each) for each in allowed[:_MOST_NAMED])
    more = f" and {len(allowed) - _MOST_NAMED} more" if len(allowed) > _MOST_NAMED else ""
    return f"{excerpt(value)} is none of the values that the marketplace takes ({shown}{more})"


def _ending(url: Any) -> str:
    """Of an address that is one: in small letters, without its dot."""
    name = urlsplit(url).path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _numbers(found: Collection[int]) -> str:
    *first, last = (str(each) for each in sorted(found))
    return f"{', '.join(first)} or {last}" if first else last
