"""What a simulated MerchantOps remembers: keys, records waiting for each target, their outcomes and batches."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, Literal

from hub import codec
from hub.records import JSON

#: The record of the "Custom connectors" guide; every generated set begins with it.
GUIDE_RECORD: JSON = {
    "record_key": "pr-a0861877922e",
    "product_key": "1000035585",
    "product_name": "24/7 Compression Socks",
    "variant_key": "1000035585-001-L2",
    "upc_code": "841052014203",
    "amount": 32.85,
    "currency": "USD",
    "price_type": "map",
    "effective_from": "2026-04-27",
    "batch_key": "pb-16cbebb322bd",
}

BatchStatus = Literal["published", "partial"]

#: Shape of a generated record. Its product keys begin above the guide's.
_ITEM = (
    '{"record_key":"%s","product_key":"%d","product_name":"Product %d","variant_key":"%d-001-L2",'
    '"upc_code":"%012d","amount":%d.%02d,"currency":"USD","price_type":"map",'
    '"effective_from":"2026-04-27","batch_key":"%s"}'
)
_FIRST_PRODUCT = 1000040000
_FIRST_UPC = 841052100000


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """Whom a key belongs to and what it may do."""

    organization: str
    scopes: frozenset[str]


@dataclass(kw_only=True, slots=True)
class Offer:
    """A record routed to a target: its text as it stands in a page, and what was reported of it."""

    text: bytes
    batch: str
    outcome: JSON | None = None
    reports: int = 0


@dataclass(kw_only=True, slots=True)
class Batch:
    """How much of a batch is still in flight on a target, and how its finished records ended."""

    in_flight: int = 0
    failed: int = 0
    final_status: BatchStatus | None = None


@dataclass(kw_only=True)
class Target:
    """All that one organisation routed to one target. ``pending`` is in the order of arrival."""

    offers: dict[str, Offer] = field(default_factory=dict)
    pending: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)


class PricingState:
    """The organisations' targets and the API keys, with counters of what was asked."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.targets: dict[tuple[str, str], Target] = {}
        self.counters: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()
        self._clock = clock
        self._anonymous = count(1)
        self._generated: Counter[tuple[str, str]] = Counter()
        self._recent_polls: dict[tuple[str, str], deque[float]] = {}

    def target(self, organization: str, target_key: str) -> Target:
        """What is routed to a target; unknown ones are empty."""
        return self.targets.setdefault((organization, target_key), Target())

    def add_generated(
        self, organization: str, target_key: str, number: int, *, batch_size: int, seed: int
    ) -> Sequence[str]:
        """Route ``number`` more made-up records, the guide's first; equal calls make equal records."""
        start = self._generated[organization, target_key]
        self._generated[organization, target_key] += number
        texts = islice(generated_items(seed=seed, batch_size=batch_size), start, start + number)
        return [self.add(organization, target_key, text) for text in texts]

    def add(self, organization: str, target_key: str, text: bytes) -> str:
        """Route one record given as the text that a page will show, valid or not; returns its key.

        A record that is pending or done under the same key is replaced and pending anew.
        """
        key, batch = self._names(text)
        target = self.target(organization, target_key)
        self._forget(target, key)
        target.offers[key] = Offer(text=text, batch=batch)
        target.pending[key] = text
        target.batches.setdefault(batch, Batch()).in_flight += 1
        return key

    def withdraw(self, organization: str, target_key: str, keys: Sequence[str]) -> int:
        """Take records back, as an operator does; an outcome of one is answered 404 from now on."""
        target = self.target(organization, target_key)
        return sum(self._forget(target, key) for key in keys)

    def poll(self, organization: str, target_key: str, limit: int) -> bytes:
        """A page of what is pending, as JSON."""
        self.counters["polls"] += 1
        self._note_poll(organization, target_key)
        items = list(islice(self.target(organization, target_key).pending.values(), limit))
        self.counters["items"] += len(items)
        name = codec.dumps(target_key)
        return b'{"target_key":%b,"count":%d,"items":[%b]}' % (name, len(items), b",".join(items))

    def report(self, organization: str, target_key: str, record_key: str, outcome: JSON) -> JSON | None:
        """Take an outcome and answer it; None when no such record is routed to the target.

        The first outcome counts toward the batch. A repeated one is kept as the latest and counts no more.
        """
        target = self.target(organization, target_key)
        offer = target.offers.get(record_key)
        if offer is None:
            return None
        self.counters["outcomes"] += 1
        offer.reports += 1
        before, offer.outcome = offer.outcome, outcome
        self._by_status[outcome["status"]] += 1
        final = self._settle(target, record_key, offer) if before is None else None
        if before is not None:
            self._note_repeat(before, outcome)
        return {
            "record_key": record_key,
            "target_key": target_key,
            "status": outcome["status"],
            "batch_final_status": final,
        }

    def summary(self) -> JSON:
        """Counters and totals over all targets."""
        targets = list(self.targets.values())
        return {
            **{name: self.counters[name] for name in _COUNTERS},
            "records": sum(len(target.offers) for target in targets),
            "pending": sum(len(target.pending) for target in targets),
            "by_status": dict(+self._by_status),
            "finished_batches": dict(self._finished),
        }

    def snapshot(self) -> JSON:
        """Every record with its outcome and how often one was reported, and every batch."""
        return self.summary() | {"targets": [_shown(*item) for item in self.targets.items()]}

    def _settle(self, target: Target, record_key: str, offer: Offer) -> BatchStatus | None:
        del target.pending[record_key]
        batch = target.batches[offer.batch]
        batch.in_flight -= 1
        batch.failed += offer.outcome is not None and offer.outcome["status"] == "failed"
        if batch.in_flight == 0:
            batch.final_status = "partial" if batch.failed else "published"
            self._finished[batch.final_status] += 1
        return batch.final_status

    def _note_repeat(self, before: JSON, outcome: JSON) -> None:
        self._by_status[before["status"]] -= 1
        self.counters["repeated_outcomes"] += 1
        self.counters["changed_outcomes"] += before["status"] != outcome["status"]

    def _forget(self, target: Target, key: str) -> bool:
        offer = target.offers.pop(key, None)
        if offer is None:
            return False
        if offer.outcome is not None:
            self._by_status[offer.outcome["status"]] -= 1
        else:
            del target.pending[key]
            target.batches[offer.batch].in_flight -= 1
        return True

    def _names(self, text: bytes) -> tuple[str, str]:
        """The record's key and batch; made up for a text that has none."""
        try:
            item = codec.loads(text)
        except (ValueError, ArithmeticError, RecursionError):
            item = None
        item = item if isinstance(item, dict) else {}
        key, batch = item.get("record_key"), item.get("batch_key")
        made_up = f"unnamed-{next(self._anonymous)}"
        return key if isinstance(key, str) and key else made_up, batch if isinstance(batch, str) else made_up

    def _note_poll(self, organization: str, target_key: str) -> None:
        now = self._clock()
        recent = self._recent_polls.setdefault((organization, target_key), deque())
        recent.append(now)
        while recent[0] <= now - 1:
            recent.popleft()
        self.counters["most_polls_in_a_second"] = max(self.counters["most_polls_in_a_second"], len(recent))


def generated_items(*, seed: int, batch_size: int) -> Iterator[bytes]:
    """An endless row of records, the guide's first, every ``batch_size`` of them in one batch."""
    yield codec.dumps(GUIDE_RECORD)
    for number in count(1):
        batch = number // batch_size
        batch_key = _hashed("pb", seed, batch) if batch else GUIDE_RECORD["batch_key"]
        product = _FIRST_PRODUCT + number
        cents = 100 + (number * 7919) % 20000
        names = (_hashed("pr", seed, number), product, number, product, _FIRST_UPC + number)
        yield (_ITEM % (*names, *divmod(cents, 100), batch_key)).encode()


_COUNTERS = (
    "requests",
    "polls",
    "items",
    "outcomes",
    "repeated_outcomes",
    "changed_outcomes",
    "refused",
    "most_polls_in_a_second",
)


def _hashed(prefix: str, seed: int, number: int) -> str:
    digest = hashlib.blake2b(f"{prefix}-{seed}-{number}".encode(), digest_size=6)
    return f"{prefix}-{digest.hexdigest()}"


def _shown(name: tuple[str, str], target: Target) -> JSON:
    records: dict[str, Any] = {
        key: {"batch_key": offer.batch, "reports": offer.reports, "outcome": offer.outcome}
        for key, offer in target.offers.items()
    }
    batches = {
        key: {"in_flight": batch.in_flight, "failed": batch.failed, "final_status": batch.final_status}
        for key, batch in target.batches.items()
    }
    return {"organization": name[0], "target_key": name[1], "records": records, "batches": batches}
