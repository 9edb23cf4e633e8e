"""NET8 indexer: what the contracts logged, in SQL, and over a read-only HTTP API."""

__all__ = ["__version__"]

__version__ = "0.1.0"
