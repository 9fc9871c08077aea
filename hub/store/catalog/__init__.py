"""The catalog in the store: what connectors wrote of a tenant's goods, who wrote it, and when it changed."""
