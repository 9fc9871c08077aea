"""The fault suite: what a fleet of real processes has to survive, for any connector, in one line.

    class TestFaults(FaultSuite):
        world = MyWorld()

``MyWorld`` is a ``hub.testing.world.World``; further test methods of the class are its own rules. Needs pytest, and
the servers of ``connector-hub[testing]``. Each test has a store, a broker, a source and a destination to itself; all
of them, and every scheduler and worker, are processes that can be killed.

However a test goes about it, in the end every record has been reported with the right status, the destination has
seen none under two idempotency keys, none is lost, and the books balance.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.store import connections, migrate, schedule
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.ledger.sweep import DEAD_AFTER, WORKER_DIED
from hub.testing.books import (
    all_rows_of,
    assert_books_balance,
    assert_records,
    claims_of,
    is_done,
    records_of,
)
from hub.testing.crash_points import POINTS
from hub.testing.fleet import PATIENCE, TIMES, Fleet
from hub.testing.member import Member
from hub.testing.servers import Postgres, Valkey
from hub.testing.simulator_process import SimulatorProcess, simulator
from hub.testing.world import World

#: Workers that are killed in each test.
KILLS = 3
#: Small slices, so that several workers have some; a poll four times a second, so that nothing waits for one.
DELIVERY = {"slice_size": 10, "concurrency": 8, "poll_seconds": 0.25}

_TEMPLATE = "template"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The servers of one test class: what a fleet works with and is not part of it."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    source: SimulatorProcess
    destination: SimulatorProcess

    def reset(self) -> None:
        """Everything as at the start, for the next test."""
        self.valkey.flush()
        self.source.reset()
        self.destination.reset()

    @contextmanager
    def store(self, kind: str, folder: Path) -> Iterator[str]:
        """The URL of an empty, migrated store."""
        if kind == "postgres":
            with self.postgres.database(f"test_{uuid.uuid4().hex}", template=_TEMPLATE) as url:
                yield url
        else:
            yield _migrated(f"sqlite:///{folder / 'hub.db'}")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fleet with its one connection, at the beginning of a test: no process of it runs yet."""

    world: World
    surroundings: Surroundings
    fleet: Fleet
    connection: StoredConnection

    @property
    def source(self) -> SimulatorProcess:
        """The simulator of the platform."""
        return self.surroundings.source

    @property
    def destination(self) -> SimulatorProcess:
        """Where records go."""
        return self.source if self.world.pushes_to_platform else self.surroundings.destination

    def hold(self, at: SimulatorProcess, match: str, *, requests: int | None = None) -> None:
        """Requests hang at ``at`` until ``let_go``."""
        at.watch(match)
        at.set_faults({"stall": 1, "stall_seconds": 600, "match": match, "requests": requests})

    def let_go(self, at: SimulatorProcess) -> None:
        """What hangs goes on."""
        at.set_faults()

    def until_held(self, at: SimulatorProcess, requests: int = 1) -> None:
        """Wait until so many requests hang."""
        self.fleet.until(lambda: at.seen()["in_flight"] >= requests, f"{requests} requests hang at {at.url}")

    def until_requested(self, at: SimulatorProcess, requests: int) -> None:
        """Wait until so many of the watched requests have arrived."""
        self.fleet.until(lambda: at.seen()["requests"] >= requests, f"{requests} requests came to {at.url}")

    def asked_for_polls_until(self, requests: int) -> bool:
        """Make the connection due, as an operator may at any time; True once it was polled so often."""
        schedule.poll_soon(self.fleet.db, self.connection.id)
        return bool(self.source.seen()["requests"] >= requests)

    def until_dead(self, *members: Member) -> None:
        """Wait until they were killed, by themselves or by the test."""
        for member in members:
            self.fleet.until(lambda one=member: one.killed, f"{member.name} is dead")  # type: ignore[misc]

    def until_reported(self, *, seconds: float = PATIENCE) -> None:
        """Wait until all has come in, has settled and was reported."""
        db, name, records = self.fleet.db, self.connection.name, len(self.world.expected())
        self.fleet.until(
            lambda: is_done(db, name, admitted=records), "everything is reported", seconds=seconds
        )

    def until_done(self, *, seconds: float = PATIENCE) -> None:
        """Wait until everything is reported, and see that all is well."""
        self.until_reported(seconds=seconds)
        self.assert_all_is_well()

    def assert_that_nothing_changes_when(self, sleeper: Member, *, wakes_up_after: Sequence[Member]) -> None:
        """Everybody else has stopped; the sleeper wakes, comes to the end of what it was at, and stops as well.

        The connection is paused, so that what it was at is all that there is to do.
        """
        for member in wakes_up_after:
            member.stop()
        connections.set_paused(self.fleet.db, self.connection.name, True)
        before = all_rows_of(self.fleet.db, self.connection.id)
        sleeper.wake_up()
        sleeper.stop()
        assert all_rows_of(self.fleet.db, self.connection.id) == before
        self.assert_all_is_well()

    def assert_all_is_well(self) -> None:
        """The ledger, the source and the destination agree, and nobody broke a rule."""
        assert_books_balance(self.fleet.db, self.connection.name, self.connection.id)
        assert_records(self.fleet.db, self.connection.id, self.world.expected())
        source = self.source.state()
        reported = {key: set(statuses) for key, statuses in self.world.reported(source).items()}
        assert reported == {key: {status} for key, status in self.world.expected().items()}
        self.world.assert_pushed_once(self.destination.state())
        self.world.assert_rules(source)


class FaultSuite:
    """Inherit and name a ``world``."""

    world: ClassVar[World]

    @pytest.fixture(scope="class")
    @classmethod
    def surroundings(cls) -> Iterator[Surroundings]:
        """The servers of this class in this process of pytest."""
        with ExitStack() as stack:
            # PostgreSQL runs as a user of its own, who may not enter pytest's folders.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-faults-")))
            postgres = Postgres(folder / "postgres")
            postgres.start()
            stack.callback(postgres.stop)
            # Who falls asleep in the middle of a transaction holds its locks until then.
            postgres.execute("ALTER SYSTEM SET idle_in_transaction_session_timeout = '3s'")
            postgres.execute("SELECT pg_reload_conf()")
            postgres.execute("CREATE DATABASE {}", _TEMPLATE)
            _migrated(postgres.url(_TEMPLATE))
            world = cls.world
            source = simulator(world.simulator, world.simulator_options, folder=folder)
            destination = simulator("destination", world.destination_options, folder=folder)
            yield Surroundings(
                folder=folder,
                postgres=postgres,
                valkey=stack.enter_context(Valkey(folder / "valkey")),
                source=stack.enter_context(source),
                destination=stack.enter_context(destination),
            )

    @pytest.fixture
    def start(self, surroundings: Surroundings, tmp_path: Path) -> Iterator[Callable[..., Case]]:
        """Makes the case of a test, on a store of a kind ("postgres" or "sqlite")."""
        with ExitStack() as stack:

            def start(
                store: str = "postgres", *, settings: dict[str, str] | None = None, **delivery: Any
            ) -> Case:
                surroundings.reset()
                url = stack.enter_context(surroundings.store(store, tmp_path))
                times = TIMES | (settings or {})
                valkey = surroundings.valkey.url
                fleet = stack.enter_context(
                    Fleet(tmp_path, database_url=url, redis_url=valkey, settings=times)
                )
                written = self.world.connection(surroundings.source.url, surroundings.destination.url)
                connection = fleet.connect({**written, "delivery": DELIVERY | delivery})
                return Case(world=self.world, surroundings=surroundings, fleet=fleet, connection=connection)

            yield start

    # A worker dies

    @pytest.mark.parametrize("point", POINTS)
    def test_workers_are_killed_between_two_steps(self, start: Callable[..., Case], point: str) -> None:
        """Several, each at the same point; the next one takes over what was theirs."""
        case = start()
        case.fleet.start_scheduler()
        case.until_dead(*(case.fleet.start_doomed_worker(point) for _ in range(KILLS)))

        case.fleet.start_worker()
        case.until_done()

    def test_workers_are_killed_at_each_step_in_turn_on_sqlite(self, start: Callable[..., Case]) -> None:
        """One run that is interrupted everywhere, and whose store is a file.

        One slice at a time, so that no record is in so many dying hands that it would be taken for poison.
        """
        case = start("sqlite", parallel_slices=1)
        case.fleet.start_scheduler()
        for point in POINTS:
            case.until_dead(case.fleet.start_doomed_worker(point))

        case.fleet.start_worker()
        case.until_done()

    def test_workers_are_killed_in_the_middle_of_a_slice(self, start: Callable[..., Case]) -> None:
        """Some records of it are through, some are not, and nobody knows which."""
        case = start(concurrency=2)
        case.destination.set_faults({"latency_ms": 20, "match": self.world.push})
        case.destination.watch(self.world.push)
        case.fleet.start_scheduler()
        for pushes in (5, 15):
            worker = case.fleet.start_worker()
            case.until_requested(case.destination, pushes)
            worker.kill()

        case.fleet.start_worker()
        case.until_done()

    def test_a_record_kills_its_worker_every_time(self, start: Callable[..., Case]) -> None:
        """It ends dead and reported failed; all others end as if it were not there, and workers live on."""
        case = start()
        poisoned = next(key for key, status in self.world.expected().items() if status == "success")
        case.fleet.start_scheduler()
        workers = [case.fleet.start_doomed_worker("after push", poisoned) for _ in range(DEAD_AFTER + 1)]
        case.until_reported()

        assert sum(worker.killed for worker in workers) == DEAD_AFTER
        assert_books_balance(case.fleet.db, case.connection.name, case.connection.id)
        assert_records(case.fleet.db, case.connection.id, {**self.world.expected(), poisoned: "failed"})
        record = next(row for row in records_of(case.fleet.db, case.connection.id) if row["key"] == poisoned)
        assert (record["state"], record["error"]) == ("dead", WORKER_DIED)
        reported = self.world.reported(case.source.state())
        assert {
            key for key, statuses in reported.items() if set(statuses) != {self.world.expected()[key]}
        } == {poisoned}
        assert set(reported[poisoned]) == {"failed"}

    def test_a_worker_sleeps_through_its_claim_and_wakes(self, start: Callable[..., Case]) -> None:
        """Another one has done its work meanwhile; what it comes to itself is not taken."""
        case = start()
        case.hold(case.destination, self.world.push)
        scheduler, sleeper = case.fleet.start_scheduler(), case.fleet.start_worker()
        case.until_held(case.destination)
        assert claims_of(case.fleet.db, case.connection.id)
        sleeper.fall_asleep()
        case.let_go(case.destination)
        other = case.fleet.start_worker()
        case.until_done()

        case.assert_that_nothing_changes_when(sleeper, wakes_up_after=(scheduler, other))

    def test_a_poller_sleeps_through_its_lease_and_wakes(self, start: Callable[..., Case]) -> None:
        """Its page is left to the one who has taken over, and so is the schedule."""
        case = start()
        case.hold(case.source, self.world.poll, requests=1)
        scheduler, sleeper = case.fleet.start_scheduler(), case.fleet.start_worker()
        case.until_held(case.source)
        sleeper.fall_asleep()
        case.let_go(case.source)
        other = case.fleet.start_worker()
        case.until_done()

        case.assert_that_nothing_changes_when(sleeper, wakes_up_after=(scheduler, other))

    # A server is away

    @pytest.mark.parametrize("accident", ("flushed", "restarted", "killed"))
    def test_the_broker_fails_in_the_middle_of_a_run(self, start: Callable[..., Case], accident: str) -> None:
        """That costs seconds, not records."""
        case = start()
        case.hold(case.destination, self.world.push)
        case.fleet.start_scheduler()
        for _ in range(2):
            case.fleet.start_worker()
        case.until_held(case.destination)
        valkey = case.surroundings.valkey
        if accident == "flushed":
            valkey.flush()
        else:
            (valkey.stop if accident == "restarted" else valkey.kill)()
            case.let_go(case.destination)
            valkey.start()
        case.let_go(case.destination)

        case.until_done()

    def test_messages_are_flushed_that_nobody_has_taken(self, start: Callable[..., Case]) -> None:
        """That is noticed at once, and not when the only bell that may be out has grown old."""
        case = start(settings={"HUB_BELL_AGE": "600"}, parallel_slices=1)
        case.fleet.start_scheduler()
        case.until_dead(case.fleet.start_doomed_worker("after admission"))
        case.surroundings.valkey.flush()

        case.fleet.start_worker()
        case.until_done(seconds=30)

    def test_the_store_stops_and_starts_in_the_middle_of_a_run(self, start: Callable[..., Case]) -> None:
        """Pushes that came to their end meanwhile are repeated under the same idempotency key."""
        case = start()
        case.hold(case.destination, self.world.push)
        case.fleet.start_scheduler()
        # One alone, which by then has begun: a worker that finds no store when it starts says so and ends.
        case.fleet.start_worker()
        case.until_held(case.destination)
        case.surroundings.postgres.stop()
        case.let_go(case.destination)
        case.fleet.until(
            lambda: case.destination.seen()["in_flight"] == 0, "the pushes have come to their end"
        )
        case.surroundings.postgres.start()

        case.until_done()

    # Many at once

    def test_a_target_has_one_poller_in_the_whole_fleet(self, start: Callable[..., Case]) -> None:
        """However often and by whomever a poll is fired, and also when the scheduler that leads dies."""
        case = start(settings={"HUB_POLL_LEASE": "20"})
        case.source.set_faults({"latency_ms": 700, "match": self.world.poll})
        case.source.watch(self.world.poll)
        leader = case.fleet.start_scheduler()
        case.fleet.start_scheduler()
        for _ in range(KILLS):
            case.fleet.start_worker()
        case.until_requested(case.source, 2)
        leader.kill()
        case.fleet.until(lambda: case.asked_for_polls_until(6), "it is polled all the time")
        case.until_done()

        polls = case.source.seen()
        assert polls["most_at_once"] == 1
        assert polls["most_in_a_second"] <= self.world.most_polls_in_a_second

    def test_a_connection_has_no_more_slices_at_work_than_allowed(self, start: Callable[..., Case]) -> None:
        """Over all workers, although each has threads for more."""
        case = start(slice_size=1, parallel_slices=2)
        case.destination.set_faults({"latency_ms": 20, "match": self.world.push})
        case.destination.watch(self.world.push)
        case.fleet.start_scheduler()
        for _ in range(2):
            case.fleet.start_worker()
        case.until_done()

        assert case.destination.seen()["most_at_once"] <= 2

    @pytest.mark.parametrize("verb", ("poll", "push", "report"))
    def test_a_worker_that_is_asked_to_stop_hands_its_work_back(
        self, start: Callable[..., Case], verb: str
    ) -> None:
        """In its time, without an attempt, a lost claim or a lease that it keeps; the next one goes on at once."""
        patience, timeout = "600", 8
        leases = {"HUB_CLAIM_LEASE": patience, "HUB_POLL_LEASE": patience}
        case = start(settings={**leases, "HUB_SHUTDOWN_TIMEOUT": str(timeout)})
        match = getattr(self.world, verb) or self.world.push
        hanging = case.destination if match == self.world.push else case.source
        case.hold(hanging, match)
        case.fleet.start_scheduler()
        worker = case.fleet.start_worker()
        case.until_held(hanging)
        took = worker.stop()

        assert took < timeout
        assert not claims_of(case.fleet.db, case.connection.id)
        case.let_go(hanging)
        case.fleet.start_worker()
        case.until_done()
        records = records_of(case.fleet.db, case.connection.id)
        assert {(row["total_attempts"], row["lost_claims"]) for row in records} == {(1, 0)}


def _migrated(url: str) -> str:
    db = Database(url)
    migrate.upgrade(db)
    db.close()
    return url
