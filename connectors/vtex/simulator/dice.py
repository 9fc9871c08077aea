"""Numbers that look random and are the same each time, so that any SKU can be made without its neighbours."""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1


def roll(seed: int, *numbers: int) -> int:
    """64 bits that depend on all numbers."""
    value = seed & _MASK
    for number in numbers:
        value = (value ^ (number + 0x9E3779B97F4A7C15)) * 0xBF58476D1CE4E5B9 & _MASK
        value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def hits(share: float, seed: int, *numbers: int) -> bool:
    """Whether this one is among the ``share`` (0 to 1)."""
    return share > 0 and roll(seed, *numbers) < share * (_MASK + 1)
