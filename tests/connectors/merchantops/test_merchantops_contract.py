"""MerchantOps under the contract that every connector keeps."""

from __future__ import annotations

from hub.testing.contract import ContractSuite
from tests.connectors.merchantops.merchantops_world import MerchantOpsWorld


class TestMerchantOps(ContractSuite):
    """One line."""

    world = MerchantOpsWorld()
