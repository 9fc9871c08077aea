"""Single fields of a stored connection, as `hub connection set` is told them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import codec, connection_file
from hub.connection_file import FROM_ENVIRONMENT, ConnectionFile
from hub.errors import ConfigurationError

#: Parts of a connection file whose fields can be set; names with a dot go deeper.
PARTS = ("settings", "credentials", "delivery", "destination")


def changed(file: ConnectionFile, values: Sequence[str]) -> ConnectionFile:
    """The file with ``FIELD=VALUE`` for each of ``values``; a value is JSON, or else a text. An empty one takes it away.

    Raises ``ConfigurationError``, also for a credential that is written out: others see the commands that run.
    """
    written: dict[str, Any] = {
        "connector": file.connector,
        "settings": file.settings,
        "credentials": file.credentials,
        "delivery": file.delivery.model_dump(exclude_unset=True),
    }
    if file.destination is not None:
        written["destination"] = file.destination.model_dump()
    for value in values:
        _set(written, *_split(value))
    return connection_file.parse(written)


def _split(value: str) -> tuple[Sequence[str], Any]:
    field, equals, text = value.partition("=")
    path = field.split(".")
    if not equals or path[0] not in PARTS or len(path) < 2 or not all(path):
        raise ConfigurationError(
            f"write it as FIELD=VALUE, FIELD beginning with one of {', '.join(PARTS)}", field=field
        )
    if "credentials" in path[:2] and text and not text.startswith(FROM_ENVIRONMENT):
        raise ConfigurationError(
            f"write {field}={FROM_ENVIRONMENT}NAME, so that no secret stands in a command", field=field
        )
    return path, _value(text)


def _value(text: str) -> Any:
    try:
        return codec.loads(text)
    except codec.DecodeError:
        return text


def _set(written: dict[str, Any], path: Sequence[str], value: Any) -> None:
    inner: Any = written
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigurationError("holds no fields", field=".".join(path[:-1]))
    if value == "":
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
