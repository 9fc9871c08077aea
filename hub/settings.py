"""One Settings object, read once at the entry points from ``HUB_*`` and handed down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator can set. Every field has a default that runs on one machine without services."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore")

    home: Path = Field(Path(".hub"), description="Where embedded state lives (SQLite, Valkey, keys, metrics).")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the store; default SQLite under HUB_HOME."
    )
    redis_url: SecretStr | None = Field(None, description="Broker and policies; default an embedded Valkey.")
    secret_keys: SecretStr | None = Field(
        None, description="Comma-separated Fernet keys, newest first; default a development key under HUB_HOME."
    )
    allow_private_hosts: bool = Field(
        False, description="Let connections reach private, loopback and link-local addresses."
    )

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    processes: int = Field(1, ge=1, description="Worker processes of one `hub worker`.")
    threads: int = Field(8, ge=1, description="Slices at work at once in one worker process.")
    shutdown_timeout: timedelta = Field(timedelta(seconds=20), description="How long SIGTERM waits for slices.")

    web_host: str = "127.0.0.1"
    web_port: int = 8080
    metrics_host: str = "127.0.0.1"
    worker_metrics_port: int = 9191
    scheduler_metrics_port: int = 9192

    claim_lease: timedelta = Field(timedelta(seconds=60), description="A claim without a heartbeat is lost after it.")
    poll_lease: timedelta = Field(timedelta(seconds=90), description="A poll without an end is lost after it.")
    bell_age: timedelta = Field(timedelta(seconds=30), description="A bell that nobody answered is rung again.")
    sweep_interval: timedelta = Field(timedelta(seconds=2), description="How often the sweeper looks for what is due.")
    schedule_interval: timedelta = Field(timedelta(seconds=0.25), description="How often due polls are fired.")
    keep_finished: timedelta = Field(timedelta(days=30), description="Finished records are pruned after it.")
    http_timeout: timedelta = Field(timedelta(seconds=30), description="Of one request, answer included.")
    max_response_bytes: int = Field(32 * 1024 * 1024, description="A larger answer is refused.")
    max_connections: int = Field(256, description="Pooled HTTP connections of one process.")
