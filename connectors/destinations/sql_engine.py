"""The engine for a user's database: pooled, with a limit to every wait, and what its errors mean."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, exc, make_url

from hub import codec
from hub.errors import ConfigurationError, HubError, ReauthorizationError, RetryableError
from hub.http.guard import is_private_host

#: Connections that stay open, and as many more at a peak.
POOL_SIZE = 5

#: Seconds after which a connection is made anew: firewalls forget silent ones.
POOL_RECYCLE = 1_800

#: The setting that holds the URL.
URL_FIELD = "destination.credentials.url"

#: An execution option: this transaction only reads, so that it takes no lock.
READS = "reads"

#: So much of a database's own text is shown.
ERROR_CHARACTERS = 300

#: SQLSTATEs for which a record is to blame although their class is another one: a type that does not fit, a
#: conversion that does not exist, and what a trigger or function raises.
_BLAMING_STATES = frozenset({"42804", "42846", "P0001"})

#: MySQL's numbers for a refused login. PostgreSQL's driver gives no SQLSTATE for it, only the server's words; where
#: those are in another language, the records are tried again instead.
_ACCESS_DENIED = frozenset({1044, 1045, 1698})
_LOGIN_REFUSED = re.compile(
    r"FATAL: .*(authentication failed|role .* does not exist|no pg_hba\.conf entry|is not permitted to log in)"
)


def make_engine(written: str, *, timeout: int, allow_private_hosts: bool = True) -> Engine:
    """An engine that has not connected yet. ``timeout`` is in seconds, for a connection and for a statement.

    Raises ``ConfigurationError`` for a URL that cannot be used, without repeating it.
    """
    url = _usable(_parsed(written))
    try:
        if url.get_dialect().is_async:
            raise ConfigurationError(
                f"{url.drivername} is an asynchronous driver; use the plain one", field=URL_FIELD
            )
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_timeout=timeout,
            pool_recycle=POOL_RECYCLE,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=lambda value: codec.dumps(value).decode(),
            connect_args=_connect_args(url, timeout),
        )
    except (ImportError, exc.ArgumentError, TypeError) as error:
        raise ConfigurationError(_unusable(url, error), field=URL_FIELD) from error
    _prepare(engine, timeout)
    if not allow_private_hosts and url.get_backend_name() != "sqlite":
        _guard(engine)
    return engine


def _guard(engine: Engine) -> None:
    """Connect to no private address: what is resolved and checked is what is connected to."""

    @event.listens_for(engine, "do_connect")
    def check(dialect: Any, _: Any, __: Any, parameters: dict[str, Any]) -> None:
        hosts = str(parameters.get("hostaddr") or parameters.get("host") or "").split(",")
        addresses = [address for host in hosts for address in _resolved(host)]
        if dialect.name == "postgresql" and len(hosts) == 1 and addresses:
            parameters["hostaddr"] = addresses[0]


def _resolved(host: str) -> list[str]:
    """The addresses of a host. Raises ``ConfigurationError`` where it is private, a socket on this machine included."""
    if not host or host.startswith(("/", "@")) or is_private_host(host):
        raise _private(host or "a socket of this machine")
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise RetryableError(f"{host} cannot be resolved ({error.strerror or error})") from error
    if any(is_private_host(address) for address in found):
        raise _private(host)
    return sorted(found)


def _private(host: str) -> ConfigurationError:
    return ConfigurationError(
        f"{host} is a private address, which connections may not reach; if it is meant, the operator sets "
        "HUB_ALLOW_PRIVATE_HOSTS=true",
        field=URL_FIELD,
    )


def place(url: URL) -> str:
    """What may be shown of a URL: neither user nor password nor options."""
    host = f"{url.host}:{url.port}" if url.port else (url.host or "")
    return f"{url.get_backend_name()}://{host}/{(url.database or '').removeprefix('file:')}"


def blames_record(error: Exception) -> bool:
    """Whether one of the records is the reason, so that each has to be tried alone."""
    if isinstance(error, exc.DBAPIError):
        return isinstance(error, exc.DataError | exc.IntegrityError) or _state(error) in _BLAMING_STATES
    # What the driver or SQLAlchemy itself could not make a parameter of.
    return isinstance(error, exc.StatementError | ValueError | TypeError | ArithmeticError)


def reason(error: Exception) -> str:
    """The database's own words, on one line."""
    original = getattr(error, "orig", None) or error
    words = " ".join(str(original).split()) or type(original).__name__
    return words if len(words) <= ERROR_CHARACTERS else f"{words[: ERROR_CHARACTERS - 1]}…"


def translated(error: exc.SQLAlchemyError, engine: Engine) -> HubError:
    """The error of the hub that stands for one of the database that is no record's fault."""
    where = place(engine.url)
    why = reason(error)
    if _code(error) in _ACCESS_DENIED or _LOGIN_REFUSED.search(why):
        return ReauthorizationError(f"{where} refused the login: {why}")
    return RetryableError(f"{where}: {why}")


def _parsed(written: str) -> URL:
    try:
        return make_url(written)
    except (exc.ArgumentError, ValueError) as error:
        example = "postgresql://user:password@host/database"
        raise ConfigurationError(f"is no database URL; write it as {example}", field=URL_FIELD) from error


def _usable(url: URL) -> URL:
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        return url
    if not url.database or not Path(url.database).is_absolute():
        # A relative path or a database in memory would be another one in each process.
        raise ConfigurationError(
            "a SQLite URL needs a whole path: sqlite:////var/lib/erp.db", field=URL_FIELD
        )
    # A file that is not there is an error, not a new database.
    return url.set(database=f"file:{quote(url.database)}", query={**url.query, "mode": "rw", "uri": "true"})


def _unusable(url: URL, error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"the driver of {url.drivername} is not installed ({error}); install it beside the hub"
    if isinstance(error, exc.NoSuchModuleError):
        return f"there is no database {url.drivername!r}; use postgresql, mysql+pymysql, sqlite or one you installed"
    return f"{url.drivername} cannot be used: {reason(error)}"


def _connect_args(url: URL, timeout: int) -> dict[str, Any]:
    match url.drivername:
        case "postgresql+psycopg":
            return {"connect_timeout": timeout}
        case "mysql+pymysql" | "mariadb+pymysql" | "mysql+mysqldb" | "mariadb+mysqldb":
            return {"connect_timeout": timeout, "read_timeout": timeout, "write_timeout": timeout}
        case "sqlite" | "sqlite+pysqlite":
            return {"timeout": timeout}
        case _:
            return {}


def _prepare(engine: Engine, timeout: int) -> None:
    match engine.dialect.name:
        case "sqlite":
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            # In the transaction, since a connection pooler in front of the server forgets what a session has set.
            limit = f"SET LOCAL statement_timeout = {timeout * 1000:d}"
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(limit))


def _begin_sqlite(connection: Connection) -> None:
    """The driver alone would begin too late for savepoints, and as a reader that may not become a writer."""
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _state(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _code(error: Exception) -> int | None:
    arguments = getattr(getattr(error, "orig", None), "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
