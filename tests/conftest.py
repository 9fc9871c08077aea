"""Real servers for every test that asks for one: a PostgreSQL for the whole run, a Valkey for each pytest process."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from hub.store.database import Database
from hub.testing.servers import Postgres, Valkey

#: A database with all migrations applied, from which each test gets a copy.
TEMPLATE = "hub_template"

#: Where tests take ten seconds and more, with many processes each. With ``--dist worksteal`` the first worker begins
#: with them, one after the other: they do not fight for the cores among themselves, and what a class of them shares is
#: started once. The others take the rest of its tests meanwhile.
LONG = (
    "tests/faults/",
    "tests/merchstack/test_kill.py",
    "tests/demo/test_demo.py",
    "tests/cli/test_processes.py",
    "tests/connectors/shopify/test_import_command.py",
    "tests/connectors/shopify/test_kill.py",
    "tests/catalog/test_changes.py",
    "tests/ledger/test_ledger_machine.py",
    "tests/web/test_endpoints_without_store.py",
)

#: Cuts off whom the test before has left behind, and waits until they are gone: they may hold locks.
_LEFT_BEHIND = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_NUMBERS_FROM_ONE = text(
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences"
)
#: A test may have said that the store is older than it is.
_AT_REVISION = text("UPDATE alembic_version SET version_num = :head")

_run = pytest.StashKey[Path]()

# How fast examples are found depends on who else works on this machine, and says nothing about what is tested.
settings.register_profile("hub", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hub")


def pytest_configure(config: pytest.Config) -> None:
    """The process that was called makes the folder of the run; its workers are told (see below)."""
    worker_input = getattr(config, "workerinput", None)
    config.stash[_run] = Path(
        worker_input["hub_run"] if worker_input else tempfile.mkdtemp(prefix="hub-tests-")
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first, and short ones fill the end: nobody waits alone there for the last one."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are cores: many tests wait, for a process, a lease or a server, and leave theirs idle."""
    try:
        return len(os.sched_getaffinity(0)) + 2
    except AttributeError:  # not on Linux
        return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tells a worker of pytest-xdist where the run's folder is."""
    node.workerinput["hub_run"] = str(node.config.stash[_run])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that was called stops the PostgreSQL, after all workers are done."""
    if hasattr(config, "workerinput") or _run not in config.stash:
        return
    folder = config.stash[_run]
    if (folder / "postgres" / "postmaster.pid").exists():
        Postgres(folder / "postgres").stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Dramatiq's workers run asyncio, so that is what tests run."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Postgres:
    """The run's PostgreSQL, started by whoever comes first, with the template database in it. Don't stop it."""
    folder = pytestconfig.stash[_run]
    with _exclusive(folder / "postgres.lock"):
        server = Postgres(folder / "postgres")
        server.start()
        if not server.has(TEMPLATE):
            server.execute("DROP DATABASE IF EXISTS {}", "unfinished")
            server.execute("CREATE DATABASE {}", "unfinished")
            _migrate(server.url("unfinished"))
            server.execute("ALTER DATABASE {} RENAME TO {}", "unfinished", TEMPLATE)
    return server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all migrations applied."""
    path = tmp_path_factory.mktemp("template") / "hub.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def hub_home(tmp_path: Path) -> Path:
    """A HUB_HOME of the test's own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def sqlite_url(hub_home: Path, sqlite_template: Path) -> str:
    """A migrated SQLite store of the test's own."""
    shutil.copy(sqlite_template, hub_home / "hub.db")
    return f"sqlite:///{hub_home / 'hub.db'}"


@pytest.fixture(scope="session")
def _kept_postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """Emptying a database takes a hundredth of the time of making one, and hundreds of tests need one."""
    with postgres_server.database(f"kept_{uuid.uuid4().hex}", template=TEMPLATE) as url:
        yield url


@pytest.fixture
def postgres_url(_kept_postgres_url: str) -> str:
    """A migrated, empty PostgreSQL store, no one else's while the test runs. Its numbers begin at one.

    Its tables are those of the next test, too: who changes them asks for ``empty_postgres_url``.
    """
    from hub.store import migrate  # so that unit tests need not load it
    from hub.store.schema import metadata  # likewise

    database = Database(_kept_postgres_url)
    _, head = migrate.revisions(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_LEFT_BEHIND)
    with database.transaction() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
        tx.execute(_NUMBERS_FROM_ONE)
        tx.execute(_AT_REVISION, {"head": head})
    database.close()
    return _kept_postgres_url


@pytest.fixture
def empty_postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """A PostgreSQL database of the test's own, without a table."""
    with postgres_server.database(f"test_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(params=("sqlite", "postgres"))
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated store of the test's own; a test that asks for it runs on both databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def make_postgres() -> Iterator[Callable[[], Postgres]]:
    """Starts a PostgreSQL of the test's own, to be stopped and started at will.

    Its folder is none of pytest's: a root's PostgreSQL runs as another user, whom the next pytest that starts on this
    machine would lock out of those.
    """
    servers: list[Postgres] = []
    with tempfile.TemporaryDirectory(prefix="hub-tests-") as folder:

        def make() -> Postgres:
            server = Postgres(Path(folder) / f"postgres-{len(servers)}")
            server.start()
            servers.append(server)
            return server

        yield make
        for server in servers:
            server.stop()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """The Valkey of this pytest process. Don't stop it: see ``make_valkey``."""
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: Valkey) -> str:
    """An empty Valkey, no one else's while the test runs."""
    valkey_server.flush()
    return valkey_server.url


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey of the test's own, to be flushed, stopped, started and killed at will."""
    with Valkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def at_once() -> Callable[..., list[str]]:
    """Calls ``run()`` of some code in several processes at the same moment; gives what each of them printed.

    The code is run as far as its last line when a process starts, so that imports do not pull them apart.
    """

    def run(code: str, *, processes: int, environment: Mapping[str, str]) -> list[str]:
        command = [sys.executable, "-c", f"import sys\n{code}\nprint(flush=True); sys.stdin.read(); run()"]
        with ExitStack() as stack:
            started = [
                stack.enter_context(
                    subprocess.Popen(
                        command,
                        env={**os.environ, **environment},
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                for _ in range(processes)
            ]
            for process in started:
                assert process.stdout
                process.stdout.readline()  # it is ready
            for process in started:
                assert process.stdin
                process.stdin.close()
            printed = [process.stdout.read().strip() for process in started if process.stdout]
        assert [process.returncode for process in started] == [0] * processes
        return printed

    return run


def _migrate(url: str) -> None:
    from hub.store import migrate  # so that unit tests need not load it

    db = Database(url)
    migrate.upgrade(db)
    db.close()


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def _kept_postgres(postgres_server: Postgres) -> Iterator[Database]:
    """Emptying a database takes a hundredth of the time of making one, and hundreds of tests need one."""
    with postgres_server.database(f"kept_{uuid.uuid4().hex}", template=TEMPLATE) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def postgres_db(_kept_postgres: Database) -> Database:
    """An empty PostgreSQL store, no one else's while the test runs."""
    from hub.store.schema import metadata  # so that unit tests need not load it

    with _kept_postgres.transaction() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
    return _kept_postgres


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    """An empty SQLite store of the test's own."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(params=("sqlite", "postgres"))
def db(request: pytest.FixtureRequest) -> Database:
    """An empty store; a test that asks for it runs on both databases."""
    database: Database = request.getfixturevalue(f"{request.param}_db")
    return database
