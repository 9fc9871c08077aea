"""A connection as a person writes it: read, resolved and checked against its plugins, before anything is stored."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from hub.errors import ConfigurationError
from hub.records import JSON

#: A value of ``[credentials]`` that starts so is read from the environment when the file is saved.
FROM_ENVIRONMENT = "env:"
#: What is wanted, by how pydantic calls what it got instead.
_KINDS = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number, without quotes",
    "float_type": "a number, without quotes",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "model_type": "a table of settings",
    "model_attributes_type": "a table of settings",
    "dict_type": "a table of settings",
}


class Delivery(BaseModel):
    """How a connection's records are moved; the ``[delivery]`` part of its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slice_size: int = Field(
        100, ge=1, le=1000, description="Records that one message works; 500 where they go into the catalog."
    )
    parallel_slices: int = Field(4, ge=1, le=64, description="Messages out at once, over the whole fleet.")
    concurrency: int = Field(
        32, ge=1, le=512, description="Requests in flight in one process, on either side."
    )
    attempts: int = Field(10, ge=1, le=100, description="Attempts before a record or a report is dead.")
    max_backlog: int = Field(10_000, ge=1, description="Unsettled records above which polling pauses.")
    poll_seconds: float | None = Field(
        None, ge=0.05, description="Polls this often instead of the connector's cadence."
    )


class DestinationPart(BaseModel):
    """Where records go, for connectors that leave that to the user."""

    model_config = ConfigDict(extra="forbid")

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, Any] = Field(default_factory=dict)
    mapping: dict[str, Any] = Field(default_factory=dict)


class ConnectionFile(BaseModel):
    """The whole file, its plugins' parts still unchecked."""

    model_config = ConfigDict(extra="forbid")

    connector: str
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, Any] = Field(default_factory=dict)
    destination: DestinationPart | None = None
    delivery: Delivery = Field(default_factory=Delivery)

    def public(self) -> JSON:
        """All but the credentials, as it is stored and shown."""
        part = self.destination
        return {
            "settings": self.settings,
            "destination": None
            if part is None
            else {"name": part.name, "settings": part.settings, "mapping": part.mapping},
            "delivery": self.delivery.model_dump(exclude_defaults=True),
        }

    def secret(self) -> JSON:
        """The credentials of both sides, as they are encrypted."""
        return {
            "source": self.credentials,
            "destination": self.destination.credentials if self.destination is not None else {},
        }


def read(path: Path) -> ConnectionFile:
    """Read a ``.toml`` or ``.json`` file. Raises ``ConfigurationError`` naming line or field."""
    return parse(written(path))


def written(path: Path) -> Any:
    """What stands in a ``.toml`` or ``.json`` file, unchecked. Raises ``ConfigurationError`` naming line or file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}", field="--config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}); it must be UTF-8 text", field="--config"
        ) from None
    if path.suffix not in (".toml", ".json"):
        raise ConfigurationError(f"{path.name} must end in .toml or .json", field="--config")
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no valid {path.suffix[1:].upper()}: {error}", field="--config"
        ) from None


def parse(written: Any) -> ConnectionFile:
    """Check the outer shape and fetch what is written as ``env:NAME``. Raises ``ConfigurationError``."""
    file: ConnectionFile = validated(ConnectionFile, written, field="")
    file.credentials = _resolved(file.credentials, "credentials")
    if file.destination is not None:
        file.destination.credentials = _resolved(file.destination.credentials, "destination.credentials")
    return file


def validated(model: type[BaseModel], values: Any, *, field: str) -> Any:
    """``values`` as ``model``. Raises one ``ConfigurationError`` with every fault, each with its field and remedy."""
    (made,) = all_validated((model, values, field))
    return made


def all_validated(*wanted: tuple[type[BaseModel], Any, str]) -> Sequence[Any]:
    """Values as their models, each with the field that they stand in. Raises one ``ConfigurationError`` with every fault of
    all of them."""
    made: list[Any] = []
    faults: list[tuple[str, str]] = []
    for model, values, field in wanted:
        try:
            made.append(model.model_validate(values))
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            faults += ((_path(field, fault["loc"]), _remedy(fault, model)) for fault in found)
    # Outside of the handler: pydantic's own text repeats the input, which may be a credential.
    if len(faults) == 1:
        raise ConfigurationError(faults[0][1], field=faults[0][0])
    if faults:
        raise ConfigurationError("; ".join(f"{where}: {what}" for where, what in faults))
    return made


def secrets_of(model: BaseModel) -> list[str]:
    """The values of a credentials model that must never be shown, however deep they stand."""
    found: list[str] = []
    for value in dict(model).values():
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, BaseModel):
            found += secrets_of(value)
    return [value for value in found if value]


def _resolved(values: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {name: _resolve(value, f"{field}.{name}") for name, value in values.items()}


def _resolve(value: Any, field: str) -> Any:
    if isinstance(value, Mapping):
        return _resolved(value, field)
    if not (isinstance(value, str) and value.startswith(FROM_ENVIRONMENT)):
        return value
    name = value.removeprefix(FROM_ENVIRONMENT)
    if not os.environ.get(name):
        raise ConfigurationError(f"the environment variable {name} is not set or empty", field=field)
    return os.environ[name]


def _path(field: str, location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in (field, *location) if part != "") or "the file"


def _remedy(fault: Any, model: type[BaseModel]) -> str:
    if fault["type"] == "missing":
        return "is required"
    if fault["type"] == "extra_forbidden":
        known = _table_of(model, fault["loc"]).model_fields
        return f"is not a setting; there are: {', '.join(known) or 'none'}"
    if fault["type"] == "string_type":
        return "must be a text; write it in quotes"
    if fault["type"] in _KINDS:
        return f"must be {_KINDS[fault['type']]}"
    if fault["type"] == "string_too_short" and fault["msg"].endswith(" 1 character"):
        return "must not be empty"
    return _must(fault["msg"])


def _table_of(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    """The innermost table that a setting stands in."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        model = next(
            (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model
        )
    return model


def _must(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
