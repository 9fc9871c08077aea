"""A file of JSON lines as a destination."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.destinations.answers import timed
from connectors.destinations.jsonl_file import Rotation, append
from connectors.destinations.threads import Abandoned, in_thread
from hub import codec
from hub.connector import CheckResult, Destination, NoSettings
from hub.errors import ConfigurationError
from hub.records import Item, PushResult, Rejected, Success

_PATH = "destination.settings.path"


class JsonlSettings(BaseModel):
    """Settings of the destination ``jsonl``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The whole path of the file. Its folder is made if it is missing.")
    max_bytes: int | None = Field(
        None,
        ge=1024,
        description="Put the file aside under a dated name before it grows larger; default never.",
    )
    daily: bool = Field(
        default=False, description="Put the file aside with the first record of another day, in UTC."
    )

    @field_validator("path")
    @classmethod
    def _whole(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError(f"{path} must be a whole path, from /: each process has a folder of its own")
        return path


class JsonlDestination(Destination[JsonlSettings, NoSettings]):
    """Appends one line a record. A record that is repeated is there twice, under the same idempotency key."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "A file of JSON lines"
    Settings: ClassVar[type[BaseModel]] = JsonlSettings

    def circuit_key(self) -> str:
        """The file."""
        return f"file:{self.settings.path}"

    async def check(self) -> CheckResult:
        """Look whether the file, or the folder that it would be made in, can be written."""
        return await in_thread(self._check)

    async def push(self, items: Sequence[Item]) -> Sequence[PushResult]:
        """Append a slice, which is on the disk afterwards."""
        started = time.perf_counter()
        lines = [_line(item) for item in items]
        if written := b"".join(line for line in lines if isinstance(line, bytes)):
            await in_thread(partial(self._append, written))
        return [timed(Success() if isinstance(line, bytes) else line, started) for line in lines]

    def _append(self, lines: bytes, abandoned: Abandoned) -> None:
        removed = append(
            self.settings.path,
            lines,
            rotation=Rotation(max_bytes=self.settings.max_bytes, daily=self.settings.daily),
            today=self.ports.clock.now().date(),
            before_write=abandoned.check,
        )
        if removed:
            self.ports.log.warning(
                "a line that a crash had torn was removed", path=str(self.settings.path), bytes=removed
            )

    def _check(self, _abandoned: Abandoned) -> CheckResult:
        path = self.settings.path
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path} is no file; name one", field=_PATH)
        nearest = path if path.exists() else next(each for each in path.parents if each.exists())
        if nearest != path and not nearest.is_dir():
            raise ConfigurationError(f"{nearest} is no folder, so no file can be made in it", field=_PATH)
        if not os.access(nearest, os.R_OK | os.W_OK):
            raise ConfigurationError(f"{nearest} cannot be written; give this user the right to", field=_PATH)
        return CheckResult(facts={"path": str(path), "bytes": path.stat().st_size if nearest == path else 0})


def _line(item: Item) -> bytes | Rejected:
    """The record with what a reader needs to drop repeats."""
    line = {
        "key": item.key,
        "stream": item.stream,
        "idempotency_key": item.idempotency_key,
        "body": item.body,
    }
    try:
        return codec.dumps(line) + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        return Rejected(errors=[f"the record cannot be written as JSON: {error}; map its fields one by one"])
