"""The command line: one file for each group of commands, loaded when it is asked for."""

from __future__ import annotations

from hub.cli.app import main

__all__ = ["main"]
