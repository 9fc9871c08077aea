"""Importing Merchstack's JSONL into the catalog, on PostgreSQL, beside dlt and beside what COPY can do at best.

    python -m benchmarks.import_jsonl [--rounds 3] [--files 20]

(a) dlt merges the same records on their id. (b) The hub: `hub run --drain`, from the files to the settled ledger.
(c) The ceiling: parse the files and COPY every row that (b) has left behind, ledger included, into the same tables.
Each round measures the three one after the other, each in a process of its own, on an empty database. Then the same
content comes again under another export's name, and a file of 50,000 products shows how much memory one takes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.command import options, scratch
from benchmarks.exports import PRODUCTS_A_FILE, STORE, TENANT, write_export
from benchmarks.figures import Figure, finish, middle, note
from benchmarks.world import Hub, hub
from hub.store import connections

#: A file of so many products is larger than what one may take in memory.
LARGE = 50_000


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of each, and what the hub's process took at most, in MB."""

    dlt: float
    hub: float
    again: float
    ceiling: float
    memory: float


def measure(folder: Path, files: int) -> Round:
    """One round."""
    source, kept = folder / "source", folder / "files"
    for place in (source, kept):
        write_export(place, "90100", files=files)
    with hub(folder / "hub", connection(source)) as one:
        connections.set_paused(one.db, one.name, False)
        first = one.said("run", one.name, "--drain")
        before = catalog_of(one)
        write_export(source, "90101", files=files)
        second = one.said("run", one.name, "--drain")
        if catalog_of(one) != before:
            raise SystemExit("an unchanged export wrote to the catalog")
        ceiling = peers.copied(kept, one.env["HUB_DATABASE_URL"])
    return Round(
        dlt=peers.merged_by_dlt(kept, folder / "dlt"),
        hub=first["seconds"],
        again=second["seconds"],
        ceiling=ceiling,
        memory=first["memory"],
    )


def large_file(folder: Path) -> float:
    """The most memory that a file of ``LARGE`` products takes, in MB."""
    source = folder / "source"
    write_export(source, "90100", files=1, products=LARGE)
    with hub(folder / "hub", connection(source)) as one:
        connections.set_paused(one.db, one.name, False)
        return float(one.said("run", one.name, "--drain")["memory"])


def connection(source: Path) -> dict[str, Any]:
    """From a folder into the catalog."""
    return {
        "connector": "merchstack",
        "settings": {
            "url": str(source),
            "tenant_id": TENANT,
            "store_id": STORE,
            "quiet_seconds": 0,
        },
        "destination": {"name": "catalog"},
    }


def catalog_of(one: Hub) -> Sequence[Any]:
    """How many rows of products and variants there are, and the last change of any."""
    with one.db.transaction() as tx:
        return [
            tuple(one.db.execute(tx, f"SELECT count(*), max(changed_in), max(changed_at) FROM {table}").one())
            for table in ("catalog_product", "catalog_variant", "catalog_price", "catalog_stock")
        ]


def figures(rounds: Sequence[Round], products: int, memory: float) -> Sequence[Figure]:
    """What the rounds come to."""

    def rate(seconds: Sequence[float]) -> float:
        return products / middle(seconds)

    dlt, mine, ceiling = ([getattr(one, name) for one in rounds] for name in ("dlt", "hub", "ceiling"))
    again = [one.again / one.hub for one in rounds]
    count = len(rounds)
    return [
        Figure(
            figure="hub, import into the catalog",
            value=rate(mine),
            unit="products/s",
            against=f"dlt, merge: {rate(dlt):.0f} products/s",
            ratio=middle([a / b for a, b in zip(dlt, mine, strict=True)]),
            goal=2.0,
            rounds=count,
        ),
        Figure(
            figure="hub, import into the catalog",
            value=rate(mine),
            unit="products/s",
            against=f"parse and COPY of the same rows: {rate(ceiling):.0f} products/s",
            ratio=middle([c / b for c, b in zip(ceiling, mine, strict=True)]),
            goal=0.3,
            rounds=count,
        ),
        Figure(
            figure="the same content again",
            value=middle([one.again for one in rounds]),
            unit="s",
            against=f"the first time: {middle(mine):.1f} s",
            ratio=middle(again),
            goal=0.6,
            at_most=True,
            rounds=count,
        ),
        Figure(
            figure=f"peak memory, one file of {LARGE:,} products",
            value=memory,
            unit="MB",
            against="300 MB",
            ratio=memory / 300,
            goal=1.0,
            at_most=True,
            rounds=1,
        ),
    ]


def main() -> None:
    """See the module."""
    given = options(__doc__, rounds=3, files=20)
    rounds: list[Round] = []
    with scratch() as folder:
        for turn in range(given.rounds):
            started = time.monotonic()
            rounds.append(measure(folder / str(turn), given.files))
            note(f"round {turn + 1}: {rounds[-1]}, {time.monotonic() - started:.0f} s")
        memory = large_file(folder / "large")
    finish(figures(rounds, given.files * PRODUCTS_A_FILE, memory))


if __name__ == "__main__":
    main()
