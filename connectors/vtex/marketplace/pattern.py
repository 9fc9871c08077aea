"""Regular expressions that a rule may hold: matched in time that grows with the text and not with its powers.

The engine is the one of pydantic (Rust's regex), which is linear in the text and knows no look-around and no references back. What
it takes for each character grows with the expression written out, so that counts (``{0,100}``) and texts are limited as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

#: Characters of an expression.
LONGEST_PATTERN: Final = 300
#: Characters, classes and groups of an expression with its counts written out: ``(?:ab{3}){2}`` has 8.
MOST_PARTS: Final = 1000
#: Characters of a text that an expression is tried on. With the limit above that is half a second at worst.
LONGEST_MATCHED: Final = 5000

#: What stands for one character or makes a part of an expression: an escape, a class, a count, a group's ends, anything else.
_PARTS = re.compile(
    r"\\(?:[pPxuU]\{[^}]*\}|.)|\[\^?\]?(?:\\.|\[[^\]]*\]|[^\]\\])*\]|\{(?P<least>\d+)(?:,(?P<most>\d*))?\}|.",
    re.DOTALL,
)


@lru_cache(maxsize=1000)
def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text is of this form. Raises ``ValueError`` for an expression that is none, or is too much."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"has {len(pattern)} characters; write it with {LONGEST_PATTERN} at most")
    if (parts := _parts(pattern)) > MOST_PARTS:
        raise ValueError(
            f"has {parts} parts with its counts written out; write + or * in place of large counts, and limit the "
            f"length with max_length: {MOST_PARTS} is the most"
        )
    _built(pattern)
    matches = _built(rf"\A(?:{pattern})\z").isinstance_python
    return lambda text: len(text) <= LONGEST_MATCHED and matches(text)


def _built(pattern: str) -> SchemaValidator:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        reason = (
            str(error).strip().splitlines()[-1].strip().removeprefix("SchemaError: ").removeprefix("error: ")
        )
        raise ValueError(
            f"is no regular expression that can be used ({reason}); look-around and references back are not taken"
        ) from None


def _parts(pattern: str) -> int:
    """How long it is with its counts written out."""
    groups, last = [0], 0
    for part in _PARTS.finditer(pattern):
        if part["least"] is not None:
            count = max(int(part["least"][:9]), int((part["most"] or "0")[:9]), 1)
            groups[-1] += last * (count - 1)
            last *= count
        elif part[0] == "(":
            groups.append(0)
        elif part[0] == ")" and len(groups) > 1:
            last = groups.pop() + 1
            groups[-1] += last
        else:
            last = 1
            groups[-1] += 1
    return sum(groups)
