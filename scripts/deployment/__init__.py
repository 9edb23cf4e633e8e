"""Bringing the contracts to a chain, and comparing a chain with what was brought there."""
