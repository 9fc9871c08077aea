"""What a record settles to does not depend on what else is in its slice, although what is alike there is told only once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub.store.database import Database
from hub.store.rows import Slice
from tests.ledger.driver import Ledger, after, price

KEYS = "abcd"
#: Of a ledger's own, or in the store's time, which is compared as what it is from the settle on.
OWN = ("id", "connection_id", "tenant_id", "claim_id", "superseded_by", "admitted_at", "changed_at")
TIMES = ("due_at", "report_due_at", "settled_at", "finished_at")

Answer = Mapping[str, Any]

odd_texts = st.sampled_from(
    ("", "null", "7", "true", "{}", "a\x00b", "%s %(a)s", ":state", "v.id", "'\"\\", "é😀\u2028", "x" * 9000)
)
numbers = st.none() | st.sampled_from((0, 1, -1, 200, 2**15, 2**31 - 1))
answers = st.fixed_dictionaries(
    {
        "state": st.sampled_from(
            ("success", "skipped", "rejected", "dead", "waiting", "awaiting", "parked", "superseded")
        )
    },
    optional={
        "spent": st.booleans(),
        "status": st.none() | st.sampled_from(("success", "failed", "skipped")),
        "due_after": st.sampled_from((0, 1, 2**15, 2**40)),
        "response_code": numbers,
        "duration_ms": numbers,
        "error": st.none() | odd_texts,
        "external_id": st.none() | odd_texts,
        "handle": st.none() | st.dictionaries(st.just("lot"), st.none() | odd_texts | numbers),
        "wake_key": st.none() | st.sampled_from(("", "category:1", "'; --")),
        "created": st.booleans(),
    },
)
FIRST: Answer = {"state": "waiting", "spent": True, "external_id": "first", "handle": {"lot": "first"}}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    answers=st.lists(answers, min_size=1, max_size=len(KEYS)) | answers.map(lambda one: [one] * len(KEYS)),
    first=st.just(FIRST) | answers.map(lambda one: {**one, "state": "waiting", "due_after": 0}),
    behind=st.sets(st.sampled_from(KEYS)),
    reports=st.booleans(),
)
@example(answers=[{"state": "success"}] * 4, first=FIRST, behind=set(), reports=True)
@example(
    answers=[{"state": "success", "external_id": one, "handle": None} for one in ("x", None, "", "x")],
    first=FIRST,
    behind={"a"},
    reports=False,
)
def test_a_record_settles_as_it_would_alone(
    db: Database, answers: Sequence[Answer], first: Answer, behind: Collection[str], reports: bool
) -> None:
    """Whatever becomes of the others; each has had its ``first`` answer, and newer ones wait ``behind`` some."""
    at_once, alone = (_tried(db, first, number=len(answers), reports=reports) for _ in range(2))
    for ledger, held, each in ((*at_once, [slice(None)]), (*alone, [slice(n, n + 1) for n in range(4)])):
        ledger.admit(*(price(record.key, "2") for record in held.records if record.key in behind))
        told = {record.id: answer for record, answer in zip(held.records, answers, strict=True)}
        for part in each:
            ledger.settle_each(held, dict([*told.items()][part]))

    assert _seen(at_once[0]) == _seen(alone[0])
    for row, answer in zip(_seen(at_once[0]), answers, strict=False):
        assert (row["response_code"], row["created"]) == (
            answer.get("response_code"),
            answer.get("created", False),
        )
        assert row["total_attempts"] == first.get("spent", False) + answer.get("spent", False)


@pytest.mark.parametrize("said", (1, 0, None))
@pytest.mark.parametrize("alike", (True, False))
def test_what_a_plugin_says_of_created_is_taken_as_yes_or_no(
    make_ledger: Callable[..., Ledger], said: Any, alike: bool
) -> None:
    """A slip of its type is no reason not to settle, whatever the others of the slice say."""
    ledger = make_ledger()
    ledger.admit(price("a"), price("b"))
    held = ledger.claim()

    answers = [after("success", 0, created=created) for created in (said, said if alike else True)]
    ledger.settle_each(
        held, {record.id: answer for record, answer in zip(held.records, answers, strict=True)}
    )

    assert [row["created"] for row in ledger.rows()] == [bool(said), bool(said) or not alike]


def _tried(db: Database, first: Answer, *, number: int, reports: bool) -> tuple[Ledger, Slice]:
    """A ledger whose records are claimed for the second time."""
    ledger = Ledger(db=db, name=uuid.uuid4().hex, reports=reports)
    ledger.admit(*(price(key, "1") for key in KEYS[:number]))
    held = ledger.claim()
    ledger.settle_each(held, {record.id: first for record in held.records})
    return ledger, ledger.claim()


def _seen(ledger: Ledger) -> list[dict[str, Any]]:
    """What waits behind is due from when it was admitted or from the settle on: its moments are left out."""
    rows = ledger.rows()
    keys = {row["id"]: (row["key"], row["version"]) for row in rows}
    return [
        {
            **{name: value for name, value in row.items() if name not in (*OWN, *TIMES)},
            **{
                name: None if row[name] is None else row[name] - (row["changed_at"] or row["admitted_at"])
                for name in TIMES
                if row["version"] == "1"
            },
            "held": row["claim_id"] is not None,
            "successor": keys.get(row["superseded_by"]),
        }
        for row in rows
    ]
