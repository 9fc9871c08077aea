"""MerchantOps under the fault suite."""

from __future__ import annotations

from hub.testing.fault_suite import FaultSuite
from tests.connectors.merchantops.merchantops_world import MerchantOpsWorld


class TestMerchantOps(FaultSuite):
    """One line."""

    world = MerchantOpsWorld()
