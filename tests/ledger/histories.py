"""Runs a state machine over a store that is empty at the beginning of each history."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from hub.store.database import Database
from hub.store.schema import metadata


def run(machine: Callable[[Database], RuleBasedStateMachine], db: Database, *, examples: int) -> None:
    """So many histories of thirty steps at most."""

    def begun() -> RuleBasedStateMachine:
        with db.transaction() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete())
        return machine(db)

    run_state_machine_as_test(
        begun,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
