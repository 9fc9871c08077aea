from connectors.marketplace.simulator.platform import SIMULATOR
from connectors.marketplace.simulator.routes import ROUTES

__all__ = ["ROUTES", "SIMULATOR"]
