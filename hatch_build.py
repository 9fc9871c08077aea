"""Puts the migrations into the wheel, as ``hub/_migrations``; a checkout reads them where they lie."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipMigrations(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install must not get them: it would keep a copy that grows stale.
        if version == "standard":
            build_data["force_include"]["migrations"] = "hub/_migrations"
