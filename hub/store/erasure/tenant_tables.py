"""The tables that hold rows of a tenant. Their models take long to load, so only an erasure asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table


def tenant_tables() -> Sequence[Table]:
    """Those with a ``tenant_id``, each after the ones that it points to."""
    from hub.store.catalog import tables as _catalog  # noqa: F401, PLC0415 - declares its tables
    from hub.store.tables import metadata  # noqa: PLC0415 - see above

    return [table for table in metadata.sorted_tables if "tenant_id" in table.columns]
