"""What an import is compared with: dlt, and PostgreSQL's COPY. Each is measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from hub import codec
from hub.store import migrate
from hub.store.database import Database
from hub.testing.servers import Postgres


def merged_by_dlt(files: Path, folder: Path) -> float:
    """Seconds that dlt takes to merge the records of all files on their id."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    server = Postgres(folder / "postgres")
    server.start()
    try:
        return _apart("dlt", str(files), _plain(server.url()), str(folder))
    finally:
        server.stop()


def copied(files: Path, url: str) -> float:
    """Seconds to parse all files and COPY every row of the hub at ``url`` into empty tables beside it."""
    return _apart("copy", str(files), _plain(url))


def _plain(url: str) -> str:
    """Without SQLAlchemy's driver."""
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def _apart(*arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"},
    )
    return float(done.stdout.splitlines()[-1])


def _lines(files: Path) -> Iterator[bytes]:
    for file in sorted(files.glob("*.jsonl")):
        with file.open("rb") as opened:
            yield from opened


def _dlt(files: Path, url: str, folder: str) -> float:
    dlt: Any = import_module("dlt")  # `make bench` alone installs it

    @dlt.resource(name="product", write_disposition="merge", primary_key="externalSystemId")
    def products() -> Iterator[dict[str, Any]]:
        for line in _lines(files):
            yield json.loads(line)

    started = time.monotonic()
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(_with_host(url)),
        dataset_name="merged",
    )
    pipeline.run(products())
    return time.monotonic() - started


def _with_host(url: str) -> str:
    """Give dlt the folder of the server's socket where it wants a host."""
    parts = urlsplit(url)
    (socket,) = parse_qs(parts.query)["host"]
    return f"postgresql://postgres:none@{quote(socket, safe='')}{parts.path}"


def _copy(files: Path, url: str) -> float:
    with psycopg.connect(url) as source:
        tables = [
            row[0]
            for row in source.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
        ]
        # As references go: what is referred to comes first.
        tables.sort(
            key=lambda name: ("tenant", "connection").index(name) if name in ("tenant", "connection") else 2
        )
        rows = {table: _out(source, table) for table in tables}
    target = _beside(url)
    started = time.monotonic()
    for line in _lines(files):
        codec.loads(line)
    with psycopg.connect(target) as connection:
        for table, content in rows.items():
            with connection.cursor().copy(f'COPY "{table}" FROM STDIN') as copy:
                copy.write(content)
    return time.monotonic() - started


def _out(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
        return b"".join(bytes(part) for part in copy)


def _beside(url: str) -> str:
    """An empty, migrated database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE ceiling")
    target = url.replace("/postgres?", "/ceiling?", 1)
    db = Database(target)
    migrate.upgrade(db)
    db.close()
    return target


def main() -> None:
    """Measure one and print its seconds."""
    which, files, *rest = sys.argv[1:]
    print(_dlt(Path(files), *rest) if which == "dlt" else _copy(Path(files), *rest))


if __name__ == "__main__":
    main()
