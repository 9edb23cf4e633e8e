"""NET8: typed access to the energy exchange of a street.

Import the module you need (`net8.units`, `net8.packing`, `net8.client`, ...). This package itself loads
nothing, so that a small machine beside a meter never pays for what it does not use.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
