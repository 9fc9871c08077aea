"""One process of a fleet, for ``test_ledger_fleet``: does as each line on its standard input says, and says what it saw."""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

from hub.store import leases, migrate, ringing, schedule
from hub.store.database import Database
from hub.store.ledger import bells, sweep
from hub.store.ledger.lock import lock
from tests.ledger.driver import MINUTE, Ledger, price

#: What a push comes to, by chance.
ANSWERS = ("success", "success", "success", "success", "retry", "released", "rejected", "skipped", "dead")


def work(db: Database, *, connection: int, seed: int, rounds: int) -> list[dict[str, Any]]:
    """Admit what others admit as well, and work whatever is due; says what was held from when to when."""
    rng = random.Random(seed)
    ledger = Ledger(db=db, id=connection)
    held_for = []
    for version in range(rounds):
        things = rng.sample(range(12), 5)
        ledger.admit(
            *(price(f"k{thing}-{rng.randrange(2)}", f"{version:04}", thing=f"t{thing}") for thing in things)
        )
        held = ledger.claim(limit=4)
        begin = time.monotonic_ns()
        answers = {record.key: rng.choice(ANSWERS) for record in held.records}
        end = time.monotonic_ns()
        held_for += [
            {"id": record.id, "thing": record.order_key, "claim": held.claim_id, "begin": begin, "end": end}
            for record in held.records
        ]
        ledger.report(ledger.settle(held, **answers).to_report)
        ledger.report_due()
    return held_for


def drain(db: Database, *, connection: int) -> list[int]:
    """Work until nothing is due any more; says which records that were."""
    ledger = Ledger(db=db, id=connection)
    claimed = []
    while (held := ledger.claim(limit=3)).records:
        claimed += [record.id for record in held.records]
        assert ledger.report(ledger.settle(held).to_report) == 0
    return claimed


def keep_house(db: Database, *, connection: int, rounds: int, prune: bool) -> int:
    """Do all that the sweeper does while others work."""
    done = 0
    for _ in range(rounds):
        done += sweep.expire_claims(db)
        done += sweep.prune(db, keep=0) if prune else 0
        done += sweep.revive(db, connection, after=0)
        done += len(ringing.ring_due(db, older_than=0))
    return done


def fire(db: Database, *, rounds: int) -> list[int]:
    """Be a scheduler."""
    return [one for _ in range(rounds) for one in schedule.fire_due(db, lost_after=MINUTE, limit=7)]


def hold(db: Database, *, holder: str, rounds: int) -> list[dict[str, int]]:
    """Take a lease over and over."""
    held_for = []
    while len(held_for) < rounds:
        lease = leases.acquire(db, "poll", holder=holder, duration=MINUTE)
        if lease is not None:
            begin = time.monotonic_ns()
            with db.transaction() as tx:
                leases.verify(db, tx, lease)
            held_for.append({"fence": lease.fence, "begin": begin, "end": time.monotonic_ns()})
            leases.release(db, lease)
    return held_for


def ring(db: Database, *, connection: int, rounds: int, limit: int) -> int:
    """Note, forget, adopt and put away bells; says the most that were ever out."""
    most = 0
    for _ in range(rounds):
        with db.transaction() as tx:
            noted = bells.note(db, tx, lock(db, tx, connection), "work", wanted=2, limit=limit)
        ringing.ring_due(db, older_than=0)
        adopted = [bell for bell in noted if bells.answer(db, bell, limit=limit)]
        with db.transaction() as tx:
            most = max(most, db.execute(tx, "SELECT count(*) FROM bell").scalar_one())
        for bell in adopted:
            bells.put_away(db, bell)
    return most


def upgrade(db: Database) -> str:
    """Start for the first time."""
    return migrate.upgrade(db)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        db = Database(order.pop("url"))
        seen = globals()[order.pop("do")](db, **order)
        db.close()
        sys.stdout.write(json.dumps(seen) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
