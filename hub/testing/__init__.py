"""What tests, demos and authors of connectors share: simulators with faults, and a destination that remembers."""
