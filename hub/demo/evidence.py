"""What all three sides know in the end, and whether it fits together. Pure, once it is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.demo import scene
from hub.records import JSON
from hub.store.stats import StreamStats

#: So many offenders are named.
NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """``source`` and ``destination`` are the simulators' states; ``batches`` what the hub was told of each batch."""

    expected: int
    source: JSON
    destination: JSON
    streams: Sequence[StreamStats]
    batches: Mapping[str, str]

    @property
    def outcomes(self) -> Mapping[str, JSON | None]:
        """What was reported of each record, by its key."""
        targets = self.source["targets"]
        return {key: record["outcome"] for target in targets for key, record in target["records"].items()}

    @property
    def arrived(self) -> Mapping[str, Sequence[JSON]]:
        """What the destination has of each record: one entry for each idempotency key."""
        found: dict[str, list[JSON]] = {}
        for written in self.destination["keys"].values():
            found.setdefault(written["identity"], []).append(written)
        return found


@dataclass(frozen=True, kw_only=True)
class Check:
    """One invariant; ``detail`` says how much it covers, or who breaks it."""

    name: str
    ok: bool
    detail: str


def judge(evidence: Evidence) -> Sequence[Check]:
    """Every invariant."""
    return [judged(name, rule(evidence)) for name, rule in _RULES.items()]


def judged(name: str, found: Iterator[str]) -> Check:
    """What holds where no fault was ``found``."""
    faults = list(found)
    more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return Check(name=name, ok=not faults, detail="; ".join(faults[:NAMED]) + more)


def _all_reported(evidence: Evidence) -> Iterator[str]:
    outcomes = evidence.outcomes
    if len(outcomes) != evidence.expected:
        yield f"{len(outcomes)} records instead of {evidence.expected}"
    yield from (f"{key} has no outcome" for key, outcome in outcomes.items() if outcome is None)


def _right_status(evidence: Evidence) -> Iterator[str]:
    arrived = evidence.arrived
    for key, outcome in evidence.outcomes.items():
        if outcome is None:
            continue
        written = arrived.get(key, [])
        wanted = "success" if written else "failed"
        if outcome["status"] != wanted:
            yield f"{key} is reported {outcome['status']}, it should be {wanted}"
        elif written and outcome.get("external_id") != written[0]["id"]:
            yield f"{key} is reported as {outcome.get('external_id')}, the destination calls it {written[0]['id']}"


def _failed_with_reason(evidence: Evidence) -> Iterator[str]:
    failed = {
        key: outcome
        for key, outcome in evidence.outcomes.items()
        if outcome and outcome["status"] == "failed"
    }
    refused = len(evidence.destination["refused_keys"])
    if len(failed) != refused or not refused:
        yield f"{len(failed)} are reported failed, {refused} were refused"
    for key, outcome in failed.items():
        if outcome.get("response_code") != 422 or f"{key} is refused" not in (outcome.get("error") or ""):
            yield f"{key} is reported failed without its reason"


def _balanced(evidence: Evidence) -> Iterator[str]:
    admitted = sum(stream.admitted for stream in evidence.streams)
    if admitted != evidence.expected:
        yield f"{admitted} were admitted instead of {evidence.expected}"
    for stream in evidence.streams:
        if stream.imbalance or stream.backlog:
            yield f"{stream.stream}: {stream.imbalance} too many admitted, {stream.backlog} not settled"


def _reported_is_settled(evidence: Evidence) -> Iterator[str]:
    for stream in evidence.streams:
        if stream.unreported or stream.report_dead:
            yield f"{stream.stream}: {stream.unreported} unreported, {stream.report_dead} dead reports"


def _none_twice(evidence: Evidence) -> Iterator[str]:
    for breach in ("doubled", "changed"):
        yield from (f"{breach}: {one}" for one in evidence.destination[breach])
    if evidence.destination["without_key"]:
        yield f"{evidence.destination['without_key']} came without an idempotency key"
    yield from (
        f"{key} came under {len(all_)} keys" for key, all_ in evidence.arrived.items() if len(all_) > 1
    )


def _guide_arrived(evidence: Evidence) -> Iterator[str]:
    contents = [
        content for written in evidence.arrived.get(scene.GUIDE_KEY, []) for content in written["contents"]
    ]
    if contents != [scene.GUIDE_AT_DESTINATION]:
        yield f"{scene.GUIDE_KEY} arrived as {contents or 'nothing'}"


def _batches_finished(evidence: Evidence) -> Iterator[str]:
    for target in evidence.source["targets"]:
        records = target["records"].values()
        failed = {
            record["batch_key"]
            for record in records
            if record["outcome"] and record["outcome"]["status"] == "failed"
        }
        for name, batch in target["batches"].items():
            wanted = "partial" if name in failed else "published"
            if batch["final_status"] != wanted:
                yield f"{name} is {batch['final_status']}, it should be {wanted}"
            if evidence.batches.get(name) != batch["final_status"]:
                yield f"the hub takes {name} for {evidence.batches.get(name)}"


_RULES: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "every record has its outcome at MerchantOps": _all_reported,
    "success is what the destination has, under its id": _right_status,
    "what the destination refused failed, with its reason": _failed_with_reason,
    "the ledger balances: admitted = the sum of all states": _balanced,
    "reported = settled": _reported_is_settled,
    "no record came twice under two idempotency keys": _none_twice,
    "the record of MerchantOps' guide arrived to the cent": _guide_arrived,
    "every batch is finished, and the hub knows how": _batches_finished,
}


def summary(evidence: Evidence) -> dict[str, Any]:
    """The numbers of the table at the end."""
    attempts = [outcome["attempts"] for outcome in evidence.outcomes.values() if outcome]
    states: dict[str, int] = {}
    for stream in evidence.streams:
        for state, count in stream.states.items():
            states[state] = states.get(state, 0) + count
    return {
        "records": {state: count for state, count in states.items() if count},
        "admitted": sum(stream.admitted for stream in evidence.streams),
        "reported": sum(stream.reported for stream in evidence.streams),
        "attempts": {"total": sum(attempts), "most": max(attempts, default=0)},
        "destination": {
            "records": evidence.destination["records"],
            "refused": len(evidence.destination["refused_keys"]),
            "repeated_with_the_same_key": evidence.destination["repeated"],
            "doubled": len(evidence.destination["doubled"]),
        },
        "batches": dict(evidence.source["finished_batches"]),
    }
