"""Settings and credentials of a plugin as people read them, from their pydantic models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
}


def fields(model: type[BaseModel]) -> Sequence[dict[str, Any]]:
    """One row for each field: name, type, required, default, description. Never a secret's default."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "type": _type(field, definitions),
            "required": name in required,
            "default": None if _is_secret(field) else field.get("default"),
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in field:
        field = {**definitions[field["$ref"].rsplit("/", 1)[-1]], **field}
    if "anyOf" in field:
        return " or ".join(
            kind for kind in (_type(one, definitions) for one in field["anyOf"]) if kind != "null"
        )
    if "enum" in field or "const" in field:
        return " | ".join(map(str, field.get("enum") or [field["const"]]))
    if field.get("format") == "password":
        return "secret"
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), definitions)}"
    limits = [text.format(field[name]) for name, text in _LIMITS.items() if name in field]
    return " ".join([str(field.get("type", "any")), *limits])


def _is_secret(field: Mapping[str, Any]) -> bool:
    return field.get("format") == "password" or any(map(_is_secret, field.get("anyOf", ())))
