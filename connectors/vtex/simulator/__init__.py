"""A local VTEX account, as a marketplace that sellers offer to and as a seller that marketplaces read."""

from __future__ import annotations

from connectors.vtex.simulator.platform import SIMULATOR

__all__ = ["SIMULATOR"]
