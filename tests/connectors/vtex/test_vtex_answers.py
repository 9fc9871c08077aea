"""What VTEX says went wrong, in whatever shape it comes."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.answers import LONGEST, is_page, said


@pytest.mark.parametrize(
    ("body", "text"),
    (
        (b"", ""),
        (b" \n", ""),
        (b"null", ""),
        (b'""', ""),
        (b"SKU not found", "SKU not found"),
        (b'"SKU  not\\nfound"', "SKU not found"),
        (b'\xef\xbb\xbf"SKU not found"', "SKU not found"),
        (
            b'{"error": {"code": "CHK003", "message": "Bad", "exception": null}, "operationId": "a1"}',
            "CHK003: Bad (operation a1)",
        ),
        (b'{"error": {"code": "1", "message": ""}}', "1"),
        (b'{"Error": {"Code": "1", "Message": "x"}}', "1: x"),
        (b'{"Message": "No HTTP resource was found"}', "No HTTP resource was found"),
        (b'{"error": "denied", "operationId": 1}', "denied"),
        (b'["first", "second"]', "first"),
        (b'[{"message": "first"}]', "first"),
        (b"[]", "[]"),
        (b"{}", "{}"),
        (b'{"error": {}}', '{"error":{}}'),
        (b"12", "12"),
        (b"<!doctype html><html><title>\n Not  found</title>", "a web page (Not found)"),
        (b"  <HTML><body>x", "a web page"),
        (b"{broken", "{broken"),
    ),
)
def test_every_shape_becomes_one_line(body: bytes, text: str) -> None:
    """Nothing where nothing is said."""
    assert said(body) == text


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_become_one_short_line(body: bytes) -> None:
    """However broken."""
    text = said(body)

    assert len(text) <= LONGEST
    assert text == " ".join(text.split())


@pytest.mark.parametrize("body", (b"[" * 100_000, b"a" * 10**6, b'{"a":' * 5000))
def test_a_huge_answer_is_cut(body: bytes) -> None:
    """And not read to its end."""
    assert 0 < len(said(body)) <= LONGEST


@pytest.mark.parametrize(
    ("content_type", "body", "page"),
    (
        ("text/html", b"<p>x</p>", True),
        ("text/html; charset=utf-8", b"\n<div>", True),
        ("text/plain", b"<!DOCTYPE html>", True),
        ("application/json", b"<html>", True),
        ("text/html", b"\xef\xbb\xbf\r\n<p>x</p>", True),
        ("text/html", b"", False),
        ("text/html", b"not found", False),
        ("application/json", b"{}", False),
    ),
)
def test_a_page_is_known_by_what_it_is(content_type: str, body: bytes, *, page: bool) -> None:
    """Not by its header alone: Catalog's texts come with whatever."""
    answer = httpx.Response(404, content=body, headers={"content-type": content_type})

    assert is_page(answer) is page
