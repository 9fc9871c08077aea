"""The state store: tables, and the only SQL in the house."""
