"""What tests, demos and authors of connectors share.

Simulators with faults and a destination that remembers; and two suites that a connector passes with one line each,
``contract.ContractSuite`` and ``fault_suite.FaultSuite``.
"""
