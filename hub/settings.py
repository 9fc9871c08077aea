"""One Settings object, read once at the entry points from ``HUB_*`` and handed down."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _as_seconds(value: Any) -> Any:
    """The environment knows texts alone, and ``HUB_CLAIM_LEASE=30`` is how people write thirty seconds."""
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


#: Written as seconds ("0.5") or in ISO 8601 ("PT30S", "P30D").
Duration = Annotated[timedelta, BeforeValidator(_as_seconds), Field(gt=timedelta(0))]


class Settings(BaseSettings):
    """What an operator can set. Every field has a default that runs on one machine without services."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore")

    home: Path = Field(
        Path(".hub"), description="Where embedded state lives (SQLite, Valkey, keys, metrics)."
    )
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the store; default SQLite under HUB_HOME."
    )
    redis_url: SecretStr | None = Field(None, description="Broker and policies; default an embedded Valkey.")
    secret_keys: SecretStr | None = Field(
        None,
        description="Comma-separated Fernet keys, newest first; default a development key under HUB_HOME.",
    )
    allow_private_hosts: bool = Field(
        False, description="Let connections reach private, loopback and link-local addresses."
    )

    log_format: Literal["console", "json"] = Field(
        "console", description="For people, or for a log collector."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least that is logged."
    )

    processes: int = Field(1, ge=1, description="Worker processes of one `hub worker`.")
    threads: int = Field(8, ge=1, description="Slices at work at once in one worker process.")
    shutdown_timeout: Duration = Field(
        timedelta(seconds=20), description="How long SIGTERM waits for slices."
    )

    web_host: str = Field("127.0.0.1", description="Where `hub web` listens.")
    web_port: int = Field(8080, ge=0, le=65535, description="Its port.")
    public_url: str | None = Field(
        None, description="How browsers and platforms reach `hub web`; default http://WEB_HOST:WEB_PORT."
    )
    webhook_max_bytes: int = Field(1024 * 1024, ge=1, description="A larger webhook is refused (413).")
    webhook_queue: int = Field(
        1000,
        ge=1,
        description="Webhooks of one connection that wait for the store at once; more are put off (503).",
    )
    metrics_host: str = Field("127.0.0.1", description="Where workers and schedulers show their metrics.")
    worker_metrics_port: int = Field(9191, ge=0, le=65535, description="The metrics port of a `hub worker`.")
    scheduler_metrics_port: int = Field(
        9192, ge=0, le=65535, description="The metrics port of a `hub scheduler`."
    )

    claim_lease: Duration = Field(
        timedelta(seconds=60), description="A claim without a heartbeat is lost after it."
    )
    poll_lease: Duration = Field(timedelta(seconds=90), description="A poll without an end is lost after it.")
    leader_lease: Duration = Field(
        timedelta(seconds=10), description="A leading scheduler that is silent for so long is replaced."
    )
    bell_age: Duration = Field(
        timedelta(seconds=30), description="A bell that nobody answered is rung again."
    )
    sweep_interval: Duration = Field(
        timedelta(seconds=2), description="How often the sweeper looks for what is due."
    )
    schedule_interval: Duration = Field(timedelta(seconds=0.25), description="How often due polls are fired.")
    keep_finished: Duration = Field(timedelta(days=30), description="Finished records are pruned after it.")
    http_timeout: Duration = Field(timedelta(seconds=30), description="Of one request, answer included.")
    max_response_bytes: int = Field(32 * 1024 * 1024, description="A larger answer is refused.")
    max_connections: int = Field(256, description="Pooled HTTP connections of one process.")

    @field_validator("public_url")
    @classmethod
    def _is_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        more = parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname or more:
            raise ValueError("write it as https://HOST or https://HOST/PATH and nothing more")
        return value.rstrip("/")

    @property
    def web_url(self) -> str:
        """The base of every URL that the hub hands out, without a slash at its end."""
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return self.public_url or f"http://{host}:{self.web_port}"
