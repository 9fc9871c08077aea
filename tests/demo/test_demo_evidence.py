"""The demo's verdict: each breach of an invariant is seen, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.demo import scene
from hub.demo.evidence import Evidence, judge, summary
from hub.store.rows import STATES
from hub.store.stats import StreamStats

REFUSED = "pr-refused"


def outcome(status: str, **fields: Any) -> dict[str, Any]:
    return {"status": status, "attempts": 1, **fields}


def stream(**changed: Any) -> StreamStats:
    states = dict.fromkeys(STATES, 0) | {"success": 1, "rejected": 1}
    values: dict[str, Any] = {
        "tenant": "demo",
        "connection": "prices",
        "connector": "merchantops",
        "stream": "price",
        "admitted": 2,
        "states": states,
        "reported": 2,
        "report_dead": 0,
        "oldest_due_seconds": 0.0,
    }
    return StreamStats(**(values | changed))


@pytest.fixture
def sound() -> Evidence:
    """Two records: one arrived, one was refused."""
    return Evidence(
        expected=2,
        source={
            "targets": [
                {
                    "records": {
                        scene.GUIDE_KEY: {
                            "batch_key": "pb-1",
                            "outcome": outcome("success", external_id="erp-1", response_code=200),
                        },
                        REFUSED: {
                            "batch_key": "pb-2",
                            "outcome": outcome(
                                "failed", response_code=422, error=f"HTTP 422: {REFUSED} is refused"
                            ),
                        },
                    },
                    "batches": {"pb-1": {"final_status": "published"}, "pb-2": {"final_status": "partial"}},
                }
            ],
            "finished_batches": {"published": 1, "partial": 1},
        },
        destination={
            "records": 1,
            "repeated": 0,
            "doubled": {},
            "changed": [],
            "without_key": 0,
            "refused_keys": {"key-2": 1},
            "keys": {
                "key-1": {
                    "id": "erp-1",
                    "identity": scene.GUIDE_KEY,
                    "seen": 1,
                    "contents": [dict(scene.GUIDE_AT_DESTINATION)],
                }
            },
        },
        streams=[stream()],
        batches={"pb-1": "published", "pb-2": "partial"},
    )


def records(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = evidence.source["targets"][0]["records"]
    return found


def never_reported(evidence: Evidence) -> Evidence:
    records(evidence)[REFUSED]["outcome"] = None
    return evidence


def lost(evidence: Evidence) -> Evidence:
    evidence.destination["keys"].clear()
    return evidence


def called_otherwise(evidence: Evidence) -> Evidence:
    records(evidence)[scene.GUIDE_KEY]["outcome"]["external_id"] = "erp-2"
    return evidence


def without_reason(evidence: Evidence) -> Evidence:
    records(evidence)[REFUSED]["outcome"]["error"] = "failed"
    return evidence


def doubled(evidence: Evidence) -> Evidence:
    again = evidence.destination["keys"]["key-1"]
    evidence.destination["keys"]["key-3"] = again
    evidence.destination["doubled"] = {scene.GUIDE_KEY: ["key-1", "key-3"]}
    return evidence


def changed(evidence: Evidence) -> Evidence:
    evidence.destination["changed"] = ["key-1"]
    return evidence


def off_by_a_cent(evidence: Evidence) -> Evidence:
    evidence.destination["keys"]["key-1"]["contents"][0]["price"] = 32.86
    return evidence


def unfinished(evidence: Evidence) -> Evidence:
    evidence.source["targets"][0]["batches"]["pb-1"]["final_status"] = None
    return evidence


BREACHES: dict[str, Callable[[Evidence], Evidence]] = {
    "every record has its outcome at MerchantOps": never_reported,
    "success is what the destination has, under its id": called_otherwise,
    "what the destination refused failed, with its reason": without_reason,
    "the ledger balances: admitted = the sum of all states": lambda evidence: replace(
        evidence, streams=[stream(admitted=3)]
    ),
    "reported = settled": lambda evidence: replace(evidence, streams=[stream(reported=1)]),
    "no record came twice under two idempotency keys": doubled,
    "the record of MerchantOps' guide arrived to the cent": off_by_a_cent,
    "every batch is finished, and the hub knows how": unfinished,
}


def broken(evidence: Evidence) -> set[str]:
    return {check.name for check in judge(evidence) if not check.ok}


def test_sound_evidence_passes(sound: Evidence) -> None:
    """Every invariant is judged."""
    assert broken(sound) == set()
    assert {check.name for check in judge(sound)} == set(BREACHES)


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_seen_and_named(sound: Evidence, name: str) -> None:
    """Each invariant by itself."""
    evidence = BREACHES[name](sound)
    [check] = [check for check in judge(evidence) if check.name == name]

    assert not check.ok
    assert check.detail


@pytest.mark.parametrize("breach", (lost, changed, never_reported))
def test_what_breaks_several_is_seen_by_one_at_least(
    sound: Evidence, breach: Callable[[Evidence], Evidence]
) -> None:
    """Nothing slips through between them."""
    assert broken(breach(sound))


def test_a_batch_that_the_hub_takes_for_another_is_a_breach(sound: Evidence) -> None:
    """What it was told has to stand on its runs."""
    assert broken(replace(sound, batches={"pb-1": "published"}))


def test_the_numbers_are_those_of_the_three_sides(sound: Evidence) -> None:
    """As the table at the end shows them."""
    assert summary(sound) == {
        "records": {"success": 1, "rejected": 1},
        "admitted": 2,
        "reported": 2,
        "attempts": {"total": 2, "most": 1},
        "destination": {"records": 1, "refused": 1, "repeated_with_the_same_key": 0, "doubled": 0},
        "batches": {"published": 1, "partial": 1},
    }
