"""Regular expressions of rules: what they match, and that none takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.pattern import LONGEST_MATCHED, LONGEST_PATTERN, MOST_PARTS, compiled


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    (
        ("[A-Z]{2}[0-9]+", "AB12", True),
        ("[A-Z]{2}[0-9]+", "AB12\n", False),
        ("[A-Z]{2}[0-9]+", "xAB12", False),
        ("a|b", "ab", False),
        ("[^<>]*", "", True),
        ("[^<>]*", "two\nlines", True),
        (".*", "two\nlines", False),
        (r"\p{L}+", "Fußgängerüberführung", True),
        ("a", "\ud800", False),
    ),
)
def test_a_pattern_is_held_against_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    """From its first character to its last, line ends included."""
    assert compiled(pattern)(text) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    (
        ("(", "unclosed group"),
        ("a)|(b", "unopened group"),
        ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        ("(?x)a # b", "unclosed group"),
        ("[a", "unclosed character class"),
        ("a{2,1}", "invalid repetition count range"),
        ("a" * (LONGEST_PATTERN + 1), f"write it with {LONGEST_PATTERN} at most"),
        ("a{1001}", "has 1001 parts with its counts written out"),
        ("a{50}{50}", "has 2500 parts with its counts written out"),
        ("(?:.{0,100}){100}", "limit the length with max_length"),
        (r"(?:[ab\]{3}]{0,100}){100}", "parts with its counts written out"),
        ("(?:a{99999999999999999999})", "parts with its counts written out"),
    ),
)
def test_what_cannot_be_used_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    """When the rules are written down, not when a product comes."""
    with pytest.raises(ValueError, match=r"^(is|has) ") as raised:
        compiled(pattern)

    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "pattern", ("(a+)+", "(a|a)*", "(a|aa)+", "(.*a){30}", "(?:[ab]{0,28}){30}", ".*.*.*=.*")
)
def test_patterns_that_take_other_engines_for_ever_take_a_moment(pattern: str) -> None:
    """On the longest text that is tried."""
    matches = compiled(pattern)
    text = "a" * (LONGEST_MATCHED - 1) + "!"
    begin = time.process_time()

    assert matches(text) is False
    assert time.process_time() - begin < 5


@given(st.text(max_size=LONGEST_PATTERN + 1))
def test_any_text_is_a_pattern_or_refused_with_words(pattern: str) -> None:
    """And nothing else is raised."""
    try:
        matches = compiled(pattern)
    except ValueError as error:
        reason = str(error)
    else:
        reason = f"is {matches('a')}"

    assert reason.startswith(("is ", "has "))


@given(st.integers(1, 60), st.integers(1, 60))
def test_counts_multiply(outer: int, inner: int) -> None:
    """However they are nested: each group counts as a part too."""
    pattern = f"(?:[ab]{{0,{inner}}}){{{outer}}}"

    try:
        compiled(pattern)
        is_taken = True
    except ValueError:
        is_taken = False

    assert is_taken or inner * outer + 4 * outer > MOST_PARTS
    assert not is_taken or inner * outer <= MOST_PARTS
