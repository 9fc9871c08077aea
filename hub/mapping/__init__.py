"""The mapping from a record to a destination's shape, which is configuration: docs/mapping.md."""

from hub.mapping.mapping import Mapping

__all__ = ["Mapping"]
