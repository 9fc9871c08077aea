"""The ledger: every step of a record's life is one short transaction that first locks its connection.

The lock makes the ledger of one connection single-writer, which is what keeps its rules simple and its counts exact;
two connections never wait for each other. A transaction covers a page or a slice, never one record.
"""
