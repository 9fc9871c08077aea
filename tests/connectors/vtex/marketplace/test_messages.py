"""VTEX's table of messages, and the codes that texts carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.marketplace.messages import MESSAGES, Context, Status, coded, parts, render

#: Code, status and response of the table in VTEX's guide ("Log messages").
TABLE = {
    "S1": ("Success", 201),
    "A1": ("Warning", 400),
    "A2": ("Warning", 400),
    "A3": ("Warning", 200),
    "E1": ("Error", 400),
    "E2": ("Error", 500),
    "E3": ("Error", 400),
    "E4": ("Error", 400),
    "E5": ("Error", 500),
}
ADVICE = (
    "check if it is associated with the trade policy",
    "check if the carrier attending the SKU exists",
    "check if there's a price associated with the trade policy",
)
CONTEXT = Context(
    sku="15",
    name="Lamp",
    marketplace="the Bazaar",
    external_id="M1",
    link="https://x/M1",
    category="Home",
    mapper="https://mapper",
    items=["one", "two"],
    attempts=3,
)


def test_codes_have_the_statuses_of_the_table() -> None:
    """Its nine come first; ours are called otherwise."""
    own = {code: (str(one.status), one.response) for code, one in MESSAGES.items() if code[0] != "H"}

    assert own == TABLE
    assert list(MESSAGES)[: len(TABLE)] == list(TABLE)
    assert {one.status for one in MESSAGES.values()} == set(Status)


@pytest.mark.parametrize("code", MESSAGES)
def test_every_message_names_the_sku_and_all_that_it_lists(code: str) -> None:
    """No field of a template is left, with and without a context."""
    whole, bare = render(code, CONTEXT), render(code, Context(sku="15"))

    assert "15 (Lamp)" in whole
    assert "15" in bare
    assert not set("{}") & set(whole + bare)
    assert "None" not in bare
    if code not in ("S1", "E4", "H1", "H2", "H3", "H4", "H5", "H6", "H10"):
        assert "\n- one\n- two" in whole


def test_messages_say_what_the_table_has() -> None:
    """With its advice in full."""
    assert all(advice in render("A1", CONTEXT) for advice in ADVICE)
    assert all(advice in render("A2", CONTEXT) for advice in ADVICE[1:])
    assert 'check if the field "Activate SKU" is checked' in render("A2", CONTEXT)
    assert "check if the image is uploaded" in render("A2", CONTEXT)
    assert render("S1", CONTEXT).endswith("code M1. Link for the SKU within the marketplace: https://x/M1")
    assert "the category Home mapping of the 15 (Lamp) SKU" in render("E4", CONTEXT)
    assert render("E4", CONTEXT).endswith("\nhttps://mapper")
    assert "Don't worry - we'll try again in a few minutes" in render("E2", CONTEXT)
    assert "tried 3 times" in render("E5", CONTEXT)


def test_a_text_without_a_code_has_none() -> None:
    """Nor does one that only looks like it."""
    assert parts(None) == parts("") == []
    assert parts("HTTP 400: E1 is wrong; E99: x") == [(None, "HTTP 400: E1 is wrong; E99: x")]
    assert parts("no; E1: name: a; b; E1: c") == [(None, "no"), ("E1", "name: a; b"), ("E1", "c")]
    assert parts("H1: a; H13: b") == [("H1", "a"), ("H13", "b")]


@given(st.lists(st.tuples(st.sampled_from(sorted(MESSAGES)), st.text("ab ;:E1", max_size=12)), max_size=5))
def test_what_was_coded_is_read_back(told: list[tuple[str, str]]) -> None:
    """Unless a text holds a code itself."""
    told = [(code, text) for code, text in told if "E1:" not in text and ";" not in text[-2:]]
    written = "; ".join(one for code, text in told for one in coded(code, text))

    assert parts(written) == told


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing of it is lost but codes."""
    assert all(said in text for _, said in parts(text))
