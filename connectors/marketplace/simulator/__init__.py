from connectors.marketplace.simulator.platform import SIMULATOR

__all__ = ["SIMULATOR"]
