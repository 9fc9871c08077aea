"""What people are shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from hub.cli import output
from hub.cli.fields import fields


class Inner(BaseModel):
    where: str


class Settings(BaseModel):
    url: str = Field(description="Where.")
    method: Literal["POST", "PUT"] = "POST"
    batch: int = Field(1, ge=1, le=1000)
    rate: float | None = Field(None, gt=0)
    keys: list[str] = []
    inner: Inner | None = None
    secret: SecretStr | None = SecretStr("default")


@given(st.text())
def test_no_text_steers_the_terminal(text: str) -> None:
    """Whatever a source puts into a name, it stays one line of printable characters."""
    assert output.cell(text, limit=None).isprintable()


@given(st.text(min_size=1))
def test_a_cell_is_never_longer_than_its_limit(text: str) -> None:
    """A table stays a table."""
    assert len(output.cell(text, limit=10)) <= 10


def test_values_are_shown_as_people_write_them() -> None:
    """Numbers with their digits, nothing for nothing."""
    shown = [output.cell(value) for value in (None, True, False, 3, {"price": Decimal("32.80")}, ["a"])]

    assert shown == ["", "yes", "no", "3", '{"price":32.80}', '["a"]']


def test_times_are_iso_8601_in_utc() -> None:
    """Of every field that holds one."""
    row = {"id": 1, "at": 1_777_248_000_123_456, "due_at": 1_777_248_000_000_000, "hold_until": None}

    assert output.presentable(row) == {
        "id": 1,
        "at": "2026-04-27T00:00:00.123Z",
        "due_at": "2026-04-27T00:00:00.000Z",
        "hold_until": None,
    }


def test_fields_are_described_from_the_model() -> None:
    """Types with their limits; a secret's default is nobody's business."""
    found = {field["name"]: field for field in fields(Settings)}

    assert {name: field["type"] for name, field in found.items()} == {
        "url": "string",
        "method": "POST | PUT",
        "batch": "integer >= 1 <= 1000",
        "rate": "number > 0",
        "keys": "list of string",
        "inner": "object",
        "secret": "secret",
    }
    assert found["url"] == {
        "name": "url",
        "type": "string",
        "required": True,
        "default": None,
        "description": "Where.",
    }
    assert found["method"]["default"] == "POST"
    assert found["secret"]["default"] is None
