"""One connection, put together: connector, destination, mapping, HTTP and policies, ready to be driven by the loop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import structlog

from hub import codec
from hub.catalog import WritesCatalog
from hub.connection_file import ConnectionFile, Delivery, all_validated, secrets_of, validated
from hub.connector import AppWebhooks, Bucket, Cadence, Connector, Destination, Plugin, Ports, Stream
from hub.errors import ConfigurationError
from hub.http import ConnectionHttp, HttpPool, Redactor, Side
from hub.mapping import Mapping as FieldMapping
from hub.marketplace import Marketplace
from hub.policy.circuit import Circuit
from hub.policy.limiter import Limiter
from hub.policy.retry import Backoff
from hub.records import JSON, Item, Outcome, Page, PollRequest, PushResult, ReportResult
from hub.registry import Registry
from hub.secrets import SecretBox
from hub.store.catalog.reader import StoredCatalog
from hub.store.connections import StoredConnection
from hub.store.database import Database
from hub.store.plugin_ports import StoredDocuments, StoredIdMap, StoredLedger
from hub.store.vault import StoredVault
from hub.telemetry import Observe, ignore


class SystemClock:
    """The time of this machine, for plugins; the ledger has the store's."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What pipelines are built from: one of each a process."""

    db: Database
    registry: Registry
    pool: HttpPool
    limiter: Limiter
    circuit: Circuit
    secrets: SecretBox | None = None
    observe: Observe = ignore
    allow_private_hosts: bool = False
    public_url: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pipeline:
    """A connection at work. Everything a plugin is asked goes through here."""

    connection: StoredConnection
    connector: Connector[Any, Any]
    destination: Destination[Any, Any] | None
    mapping: FieldMapping | None
    delivery: Delivery
    source_http: ConnectionHttp
    destination_http: ConnectionHttp
    redact: Callable[[str], str]
    source_vault: StoredVault | None = None

    @property
    def revision(self) -> int:
        """The connection's revision with the credentials that the source was asked with last."""
        return max(self.connection.revision, self.source_vault.revision if self.source_vault else 0)

    @cached_property
    def streams(self) -> Mapping[str, Stream]:
        """The connector's streams by name."""
        return {stream.name: stream for stream in self.connector.streams}

    @cached_property
    def catalog(self) -> WritesCatalog | None:
        """The destination, where that is the hub's own catalog."""
        if isinstance(self.destination, WritesCatalog):
            return self.destination
        return None

    @property
    def cadence(self) -> Cadence:
        """The connector's cadence, unless the connection has one of its own."""
        own = self.delivery.poll_seconds
        if own is None:
            return self.connector.cadence
        every = timedelta(seconds=own)
        return replace(
            self.connector.cadence,
            interval=every,
            interval_max=every,
            idle=every,
            least=min(every, self.connector.cadence.least),
        )

    @property
    def owned_parts(self) -> Collection[str]:
        """Parts of the catalog that this connection is the system of record for.

        Raises ``ConfigurationError`` for one that its connector must not own.
        """
        if self.catalog is None:
            return ()
        claimed, possible = self.catalog.owned_parts(), self.connector.may_own
        if claimed is None:
            return possible or ()
        if possible is not None and (beyond := sorted(set(claimed) - set(possible))):
            raise ConfigurationError(
                f"{self.connector.name} is no system of record for {', '.join(beyond)}; it may own: "
                f"{', '.join(possible) or 'nothing'}",
                field="destination.settings.owns",
            )
        return claimed

    @property
    def account(self) -> tuple[str, str] | None:
        """The account of the platform that the connection was let into, and its app's secret."""
        connector: object = self.connector
        if not isinstance(connector, AppWebhooks):
            return None
        key, secret = connector.app_key(), connector.app_secret()
        return (key, secret) if key and secret else None

    @property
    def lacks_access(self) -> bool:
        """It has to be authorised before it can do anything."""
        connector: object = self.connector
        return isinstance(connector, AppWebhooks) and connector.app_key() is None

    @property
    def backoff(self) -> Backoff:
        """The retry policy with the connection's number of attempts."""
        return Backoff(attempts=self.delivery.attempts)

    async def poll(self, request: PollRequest) -> Page:
        """Ask the source for a page."""
        return await self.connector.poll(request)

    def transform(self, item: Item) -> Any:
        """The connector's transformation, then the user's mapping; on its way into the catalog also the check."""
        body = self.connector.transform(item)
        if self.mapping is not None:
            body = self.mapping.apply(body)
        return body if self.catalog is None else self.catalog.entity(body)

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Write a batch where this connection's records go."""
        async with self.destination_http.slice(len(items)):
            return await (self.destination or self.connector).push(items)

    async def follow(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Ask about awaiting items."""
        async with self.destination_http.slice(len(items)):
            return await (self.destination or self.connector).follow(items)

    async def report(self, outcomes: Sequence[Outcome]) -> Sequence[ReportResult]:
        """Tell the source."""
        async with self.source_http.slice(len(outcomes)):
            return await self.connector.report(outcomes)

    def idempotency_key(self, stream: str, key: str, number: int) -> str:
        """Equal over retries and replays of one version, different for another, and for another hub's connection."""
        parts = (self.connection.created_at, self.connection.id, stream, key, number)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    async def close(self) -> None:
        """Close the plugins."""
        await self.connector.close()
        if self.destination is not None:
            await self.destination.close()


def _marketplace(destination: object) -> Marketplace | None:
    return destination if isinstance(destination, Marketplace) else None


def plain_facts(facts: Mapping[str, Any]) -> JSON:
    """Facts that a plugin tells, as JSON whatever they are."""
    plain: JSON = {}
    for name, value in facts.items():
        try:
            plain[str(name)] = codec.loads(codec.dumps(value))
        except (TypeError, ValueError, RecursionError):
            plain[str(name)] = str(value)
    return plain


def build(parts: Parts, connection: StoredConnection, file: ConnectionFile) -> Pipeline:
    """Check a connection against its plugins and put it together.

    Raises ``ConfigurationError`` naming the field: unknown plugin or setting, wrong type, missing credential, bad
    expression.
    """
    connector_class = parts.registry.connector(file.connector)
    settings, credentials = _models(connector_class, file.settings, file.credentials, "")
    destination_class, destination_models = _destination(parts.registry, connector_class, file)
    secrets = [*secrets_of(credentials), *(secrets_of(destination_models[1]) if destination_models else [])]
    redactor = Redactor(secrets)

    def http(side: Side, plugin: Callable[[], Plugin[Any, Any]]) -> ConnectionHttp:
        return parts.pool.for_connection(
            side=side,
            circuit_key=lambda: plugin().circuit_key(),
            tenant=connection.tenant,
            default_bucket=Bucket(key=f"{connection.name} {side}"),
            observe=parts.observe,
            concurrency=file.delivery.concurrency,
            secrets=secrets,
            limiter=parts.limiter,
            circuit=parts.circuit,
        )

    def vault(side: Side, plugin: type[Plugin[Any, Any]]) -> StoredVault | None:
        """Renewed credentials are secrets of the whole pipeline, as those are that it was built with."""

        def accept(renewed: Mapping[str, Any]) -> None:
            prefix = "" if side == "source" else "destination."
            found = secrets_of(validated(plugin.Credentials, renewed, field=f"{prefix}credentials"))
            for one in (redactor, source_http.redact, destination_http.redact):
                one.learn(found)

        if parts.secrets is None or not connection.id:
            return None
        return StoredVault(
            parts.db, connection_id=connection.id, side=side, secrets=parts.secrets, accept=accept
        )

    source_http = http("source", lambda: connector)
    source_vault = vault("source", connector_class)
    destination: Destination[Any, Any] | None = None
    destination_http = source_http
    if destination_class is not None and destination_models is not None:
        destination_http = http("destination", lambda: destination or connector)
        destination_vault = vault("destination", destination_class)
        destination = destination_class(
            *destination_models, _ports(parts, connection, destination_http, destination_vault)
        )
    ports = _ports(parts, connection, source_http, source_vault)
    connector = connector_class(settings, credentials, replace(ports, marketplace=_marketplace(destination)))
    return Pipeline(
        connection=connection,
        connector=connector,
        destination=destination,
        mapping=FieldMapping.compile(file.destination.mapping)
        if file.destination and file.destination.mapping
        else None,
        delivery=_delivery(file.delivery, destination_class or connector_class),
        source_http=source_http,
        destination_http=destination_http,
        redact=redactor,
        source_vault=source_vault,
    )


def _delivery(written: Delivery, pushes: type[Plugin[Any, Any]]) -> Delivery:
    """As it is written; how many records go together is otherwise for whoever pushes them to say."""
    if "slice_size" in written.model_fields_set:
        return written
    return written.model_copy(update={"slice_size": pushes.slice_size})


def _models(plugin: type[Plugin[Any, Any]], settings: Any, credentials: Any, prefix: str) -> tuple[Any, Any]:
    settings, credentials = all_validated(
        (plugin.Settings, settings, f"{prefix}settings"),
        (plugin.Credentials, credentials, f"{prefix}credentials"),
    )
    return settings, credentials


def _destination(
    registry: Registry, connector: type[Connector[Any, Any]], file: ConnectionFile
) -> tuple[type[Destination[Any, Any]] | None, tuple[Any, Any] | None]:
    part = file.destination
    if part is None:
        if connector.uses_destination:
            raise ConfigurationError(
                f"{connector.name} needs one; there are: {', '.join(sorted(registry.destinations))}",
                field="destination",
            )
        return None, None
    if not connector.uses_destination:
        raise ConfigurationError(
            f"{connector.name} pushes by itself and takes no destination", field="destination"
        )
    plugin = registry.destination(part.name)
    return plugin, _models(plugin, part.settings, part.credentials, "destination.")


def _ports(
    parts: Parts, connection: StoredConnection, http: ConnectionHttp, vault: StoredVault | None
) -> Ports:
    ids = {"tenant_id": connection.tenant_id, "connection_id": connection.id}
    return Ports(
        http=http,
        ids=StoredIdMap(parts.db, **ids),
        documents=StoredDocuments(parts.db, **ids),
        ledger=StoredLedger(parts.db, **ids),
        clock=SystemClock(),
        catalog=StoredCatalog(parts.db, **ids),
        vault=vault,
        log=structlog.get_logger("plugin").bind(connection=connection.name, tenant=connection.tenant),
        allow_private_hosts=parts.allow_private_hosts,
        connection=connection.name,
        tenant=connection.tenant,
        public_url=parts.public_url,
    )
