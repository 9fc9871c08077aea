"""Connector Hub: moves records between commerce systems, losing nothing and doing nothing twice."""
