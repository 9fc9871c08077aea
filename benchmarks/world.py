"""The surroundings of a benchmark: simulators, servers and the hub's own processes, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub import connection_file
from hub.boot import open_runtime
from hub.secrets import new_key
from hub.settings import Settings
from hub.store import connections, migrate
from hub.store.database import Database
from hub.testing.servers import Postgres, Valkey

API_KEY = "simulator-key"
#: How long anything may take before a benchmark gives up, in seconds.
PATIENCE = 300
#: Seconds between two looks whether something has come.
LOOK_EVERY = 0.02


@contextlib.contextmanager
def process(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A child in a group of its own, ended on the way out."""
    child = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@contextlib.contextmanager
def simulator(module: str, **options: Any) -> Iterator[str]:
    """A simulator in a process of its own; gives its URL."""
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    with process("-m", module, *flags) as child:
        assert child.stdout is not None
        found = re.search(r"http://\S+", child.stdout.readline())
        if found is None:
            raise RuntimeError(f"{module} did not start")
        yield found.group()


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A hub with one connection, paused until ``go``."""

    db: Database
    env: dict[str, str]
    name: str = "prices"

    def go(self) -> None:
        """Let the connection poll, now."""
        connections.set_paused(self.db, self.name, False)

    def said(self, *command: str) -> dict[str, Any]:
        """What a command says as JSON, run in a process of its own, and the most ``memory`` that it took, in MB."""
        child = subprocess.Popen(
            [sys.executable, "-m", "hub", *command, "--json"],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"hub {' '.join(command)} failed: {said}")
        return {**json.loads(said), "memory": used.ru_maxrss / 1024}

    def set_delivery(self, **delivery: Any) -> None:
        """Change how the connection's records are moved."""
        stored = connections.get_connection(self.db, self.name)
        connections.replace_connection(
            self.db,
            self.name,
            config={**stored.config, "delivery": delivery},
            credentials=stored.credentials,
            poll_target=stored.poll_target,
            streams=["price"],
        )


@contextlib.contextmanager
def hub(folder: Path, written: dict[str, Any], *, postgres: bool = True) -> Iterator[Hub]:
    """A hub's home, broker and store with one paused connection; no process of its own runs yet."""
    folder.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        valkey = stack.enter_context(Valkey(folder / "valkey"))
        url = f"sqlite:///{folder / 'hub.db'}"
        if postgres:
            server = Postgres(folder / "postgres")
            server.start()
            stack.callback(server.stop)
            url = server.url()
        env = {
            "HUB_HOME": str(folder),
            "HUB_DATABASE_URL": url,
            "HUB_REDIS_URL": valkey.url,
            "HUB_SECRET_KEYS": new_key(),
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
            "HUB_LOG_LEVEL": "WARNING",
            "HUB_WORKER_METRICS_PORT": "0",
            "HUB_SCHEDULER_METRICS_PORT": "0",
        }
        db = Database(url)
        stack.callback(db.close)
        migrate.upgrade(db)
        _add_connection(db, env, written)
        yield Hub(db=db, env=env)


def _add_connection(db: Database, env: dict[str, str], written: dict[str, Any]) -> None:
    os.environ.update(env)
    runtime = open_runtime(Settings(), redis_url=None)
    file = connection_file.parse(written)
    pipeline = runtime.assemble_file("prices", "bench", file)
    connections.add_tenant(db, "bench")
    connections.add_connection(
        db,
        tenant="bench",
        name="prices",
        connector=file.connector,
        config=file.public(),
        credentials=runtime.secrets.encrypt(file.secret()),
        poll_target=pipeline.connector.poll_target(),
        streams=list(pipeline.streams),
        reports=pipeline.connector.reports,
        polls=True,
    )
    connections.set_paused(db, "prices", True)
    runtime.db.close()


def prices(source: str, destination: str, **delivery: Any) -> dict[str, Any]:
    """A connection file from the MerchantOps simulator to an HTTP destination."""
    return {
        "connector": "merchantops",
        "settings": {
            "base_url": source,
            "target_key": "custom",
            "limit": 100_000,
            "max_limit": 100_000,
        },
        "credentials": {"api_key": API_KEY},
        "destination": {
            "name": "http",
            "settings": {"url": f"{destination}/prices", "method": "POST"},
            "mapping": {"sku": "variant_key", "price": "amount", "currency": "currency"},
        },
        "delivery": delivery,
    }


def summary(url: str) -> dict[str, Any]:
    """A simulator's counters."""
    found: dict[str, Any] = httpx.get(f"{url}/_simulator/summary", timeout=30).json()
    return found


def reset(url: str) -> None:
    """A simulator back to its start."""
    httpx.post(f"{url}/_simulator/reset", timeout=30).raise_for_status()


def wait(met: Callable[[], bool], what: str, *, every: float = LOOK_EVERY) -> float:
    """Until it is met, with ``every`` seconds between two looks; the moment. Raises SystemExit when it takes too long."""
    give_up = time.monotonic() + PATIENCE
    while not met():
        if time.monotonic() > give_up:
            raise SystemExit(f"waited for {what} in vain")
        time.sleep(every)
    return time.monotonic()
