"""What docs/connectors/vtex-marketplace.md says of logs and categories is so."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.vtex.marketplace.category_payload import read
from connectors.vtex.marketplace.log_query import ALL, MOST_LIMIT, SPELLINGS
from connectors.vtex.marketplace.messages import MESSAGES
from hub import codec

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/connectors/vtex-marketplace.md").read_text(encoding="utf-8")


def test_the_table_of_known_errors_is_that_of_the_messages() -> None:
    """Every code with its status, response, event and action, word for word."""
    rows = re.findall(r"^\| ([A-Z]\d+) \| (.+?) \| (\d+) \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)

    assert rows == [
        (code, str(one.status), str(one.response), one.event, one.action) for code, one in MESSAGES.items()
    ]


def test_every_spelling_of_a_status_is_named() -> None:
    """And the bounds of a page."""
    (row,) = re.findall(r"^\| `status` \|.*$", PAGE, re.MULTILINE)

    assert set(re.findall(r"`([a-z]+)`", row)) - {"status"} == {*SPELLINGS, ALL}
    assert f"(1 to {MOST_LIMIT})" in PAGE


def test_the_example_of_a_mapping_is_understood() -> None:
    """As the page says."""
    (example,) = re.findall(r"```json\n(\{\"mappings\".*?)\n```", PAGE, re.DOTALL)

    assert read(example.encode()).pairs == {"12": "A-7", "13": None}


def test_the_example_of_a_log_is_an_answer() -> None:
    """With all its fields."""
    (example,) = re.findall(r"```json\n(\{\"Messages\".*?)\n```", PAGE, re.DOTALL)
    (message,) = codec.loads(example)["Messages"]

    assert set(message) == {
        "id",
        "Operation",
        "Direction",
        "ContentSource",
        "ContentTransalted",
        "ContentTranslated",
        "ContentDestination",
        "BusinessMessage",
        "Status",
    }
