"""Saves a connection: everything about it is checked first, and what is refused leaves nothing behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from hub import codec
from hub.connection_file import ConnectionFile
from hub.connector import CheckResult, Plugin
from hub.errors import ConfigurationError, HubError, NotFoundError, ReauthorizationError, RetryableError
from hub.http.guard import SCHEMES, check_url
from hub.pipeline import Pipeline, plain_facts
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections
from hub.store.connections import StoredConnection

#: A ``check`` that takes longer has failed.
CHECK_TIMEOUT = timedelta(seconds=60)
#: What a connection may be called: it is part of URLs, of metrics and of what people type.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

_URL = re.compile(rf"(?:{'|'.join(SCHEMES)}):", re.IGNORECASE)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A stored connection, and what was found out about its sides (none where they were not checked)."""

    id: int
    name: str
    tenant: str
    replaced: bool
    checks: Mapping[str, CheckResult]


async def save(
    runtime: Runtime,
    *,
    tenant: str,
    name: str,
    file: ConnectionFile,
    check: bool = True,
    replace: bool = False,
    who: str | None = None,
) -> Saved:
    """Check a connection and store it, its credentials encrypted.

    ``check`` asks both sides whether they can be reached; ``replace`` gives an existing connection new settings.
    ``who`` does it, for the history (default: whoever runs this process).
    Raises ``ConfigurationError`` or ``NotFoundError`` naming field and remedy; nothing is stored then.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a name; use up to 100 letters, digits, '.', '-' and '_', a letter or digit first",
            field="name",
        )
    tenant_id = await runtime.db.run(connections.require_tenant, runtime.db, tenant)
    present = await _present(runtime, tenant, name, file, replace)
    pipeline = runtime.assemble_file(name, tenant, file, tenant_id=tenant_id)
    try:
        guard_urls(file, allow_private_hosts=runtime.settings.allow_private_hosts)
        checks = await check_sides(pipeline) if check else {}
        connection_id = await runtime.db.run(
            _store, runtime, pipeline, file, present, _facts(pipeline, checks), who
        )
    finally:
        await pipeline.close()
    return Saved(id=connection_id, name=name, tenant=tenant, replaced=present is not None, checks=checks)


async def check_sides(pipeline: Pipeline) -> Mapping[str, CheckResult]:
    """Ask source and destination. Raises one ``ConfigurationError`` with what is wrong on either side."""
    sides: dict[str, Plugin[Any, Any]] = {"source": pipeline.connector}
    if pipeline.destination is not None:
        sides["destination"] = pipeline.destination
    answers = await asyncio.gather(*(_check(pipeline, side, plugin) for side, plugin in sides.items()))
    faults = [answer for answer in answers if isinstance(answer, ConfigurationError)]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ConfigurationError("; ".join(str(fault) for fault in faults))
    return {
        side: answer for side, answer in zip(sides, answers, strict=True) if isinstance(answer, CheckResult)
    }


def guard_urls(file: ConnectionFile, *, allow_private_hosts: bool) -> None:
    """Refuse settings with a URL that the hub would never call. Raises ``ConfigurationError`` naming the setting."""
    parts = {"settings": file.settings}
    if file.destination is not None:
        parts["destination.settings"] = file.destination.settings
    for field, url in _urls(parts, ""):
        check_url(url, allow_private_hosts=allow_private_hosts, field=field)


async def _present(
    runtime: Runtime, tenant: str, name: str, file: ConnectionFile, replace: bool
) -> StoredConnection | None:
    """The connection that is replaced, if there is one; cheap refusals come before anybody is called."""
    db = runtime.db
    try:
        present = await db.run(connections.get_connection, db, name)
    except NotFoundError:
        return None
    if not replace:
        raise ConfigurationError(
            f"the connection {name} exists already; `--replace` gives it new settings", field="name"
        )
    for field, was, wanted in (
        ("--tenant", present.tenant, tenant),
        ("connector", present.connector, file.connector),
    ):
        if was != wanted:
            raise ConfigurationError(
                f"{name} belongs to {was!r}, not to {wanted!r}; remove it first, or add one under another name",
                field=field,
            )
    return present


def _store(
    runtime: Runtime,
    pipeline: Pipeline,
    file: ConnectionFile,
    present: StoredConnection | None,
    facts: JSON | None,
    who: str | None,
) -> int:
    connector, name = pipeline.connector, pipeline.connection.name
    values: dict[str, Any] = {
        "name": name,
        "config": file.public(),
        "credentials": runtime.secrets.encrypt(file.secret()),
        "poll_target": connector.poll_target() if connector.polls else None,
        "streams": [stream.name for stream in connector.streams],
        "owns": pipeline.owned_parts,
        "facts": facts,
        "hold": runtime.hold_of(pipeline),
        "lacks": f"it is not authorised yet: `hub connection authorize {name}` gives a link"
        if pipeline.lacks_access
        else None,
        "who": who,
    }
    try:
        return _write(runtime, pipeline, file, present, values)
    except connections.TargetTakenError as error:
        # The other connection may be another tenant's, so it is not named.
        what = connector.poll_target_title
        raise ConfigurationError(
            f"another connection uses this {what} already; two that share it would hand out every record twice, or get "
            "into each other's way. Remove that one first, or name another",
            field=connector.poll_target_field,
        ) from error


def _write(
    runtime: Runtime,
    pipeline: Pipeline,
    file: ConnectionFile,
    present: StoredConnection | None,
    values: Mapping[str, Any],
) -> int:
    connector = pipeline.connector
    if present is not None:
        connections.replace_connection(runtime.db, **values)
        return present.id
    return connections.add_connection(
        runtime.db,
        tenant=pipeline.connection.tenant,
        connector=file.connector,
        reports=connector.reports,
        polls=connector.polls,
        **values,
    )


def _facts(pipeline: Pipeline, checks: Mapping[str, CheckResult]) -> JSON | None:
    """What the source says of the account, fit to be kept; None where nobody asked it."""
    if "source" not in checks:
        return None
    facts = codec.loads(pipeline.redact(codec.dumps(plain_facts(checks["source"].facts)).decode()))
    return dict(facts)


async def _check(pipeline: Pipeline, side: str, plugin: Plugin[Any, Any]) -> CheckResult | ConfigurationError:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT.total_seconds()):
            return await plugin.check()
    except HubError as error:
        return ConfigurationError(pipeline.redact(_text(error)), field=_field(side, error))
    except TimeoutError:
        return ConfigurationError(
            f"its check took longer than {CHECK_TIMEOUT.total_seconds():.0f} seconds",
            field=_field(side, None),
        )
    except Exception as error:
        _log.debug("a check failed", exc_info=True)
        return ConfigurationError(
            pipeline.redact(f"its check failed: {type(error).__name__}: {error}"), field=_field(side, None)
        )


def _text(error: HubError) -> str:
    """Without the field, which is said anew; with what can be done where the connector does not know what is wrong."""
    if isinstance(error, RetryableError):
        return f"{error}; compare the addresses there, or try again once it is up (`--no-check` saves without asking)"
    field = error.field if isinstance(error, ConfigurationError) else None
    return str(error).removeprefix(f"{field}: ")


def _field(side: str, error: HubError | None) -> str:
    part = "credentials" if isinstance(error, ReauthorizationError) else "settings"
    field = (error.field if isinstance(error, ConfigurationError) else None) or part
    prefix = "destination."
    return field if side == "source" or field.startswith(prefix) else f"{prefix}{field}"


def _urls(value: Any, field: str) -> Iterator[tuple[str, str]]:
    match value:
        case str() if _URL.match(value.strip()):
            yield field, value.strip()
        case Mapping():
            for name, inner in value.items():
                yield from _urls(inner, f"{field}.{name}" if field else name)
        case list():
            for position, inner in enumerate(value):
                yield from _urls(inner, f"{field}.{position}")
