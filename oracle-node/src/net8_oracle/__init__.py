"""NET8 oracle: the gateway beside a meter and the node that reports readings to the chain."""

__all__ = ["__version__"]

__version__ = "0.1.0"
