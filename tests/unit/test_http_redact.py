"""No secret stays in a text, however it is spelled."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hub.http import Redactor
from hub.http.redact import MASK

#: A secret that held the mask's own character could come about by masking.
SECRETS = st.text(st.characters(exclude_characters="*", exclude_categories=("Cs",)), min_size=4, max_size=40)


@given(st.lists(SECRETS, max_size=4), st.lists(st.text() | st.integers(0, 3), max_size=12))
@example(["abcdef", "xabc"], ["x", 0])
@example(["abcd", "bcde"], ["abcde"])
@example(["aaaa"], ["aaaaaaa"])
@example(["abcdef", "bcde"], ["abcdef"])
def test_no_secret_is_left(secrets: list[str], parts: list[str | int]) -> None:
    """Whatever stands around it, and where one overlaps another."""
    text = "".join(
        part if isinstance(part, str) else secrets[part % len(secrets)] for part in parts if secrets
    )

    redacted = Redactor(secrets)(text)

    assert text not in secrets or redacted == MASK
    assert not any(secret in redacted for secret in secrets)
    assert Redactor(secrets).finds(text) == (redacted != text)


@given(SECRETS, st.text(max_size=100))
def test_what_is_no_secret_stays(secret: str, text: str) -> None:
    """Masking changes nothing else, and what is too short to be a secret is none."""
    if not Redactor([secret]).finds(text):
        assert Redactor([secret])(text) == text
    assert Redactor([secret])(f"GET /a/{secret}/b") == f"GET /a/{MASK}/b" or {secret[0], secret[-1]} & set(
        "/a b"
    )
    assert Redactor([])(text) == Redactor(["x", ""])(text) == text


@pytest.mark.parametrize(
    "spell",
    (
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower(),
        quote,
        quote_plus,
        html.escape,
        lambda secret: json.dumps({"key": secret}),
        lambda secret: json.dumps({"key": secret}, ensure_ascii=False),
        repr,
    ),
)
@given(secret=SECRETS)
def test_every_spelling_is_found(spell: object, secret: str) -> None:
    """Quoted for a URL, escaped for HTML and JSON, as Python writes it."""
    assert callable(spell)
    assert MASK in Redactor([secret])(spell(secret))


@given(st.text(max_size=20), SECRETS)
def test_a_basic_header_is_found_whoever_the_user_is(user: str, password: str) -> None:
    """The password alone is known as a secret; no more than a few bits of its first and last character stay."""
    assume(user.isprintable())
    header = base64.b64encode(f"{user}:{password}".encode()).decode()

    for spelled in (header, quote(header, safe=""), header.translate({43: "-", 47: "_"})):
        left = unquote(Redactor([password])(spelled).replace(MASK, ""))
        assert len(left) <= len(header) - (len(password.encode()) * 8 // 6 - 2)


def test_a_redactor_shows_nothing() -> None:
    """It may stand in a trace."""
    assert "hunter2" not in repr(Redactor(["hunter2"]))
