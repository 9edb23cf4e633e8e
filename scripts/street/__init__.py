"""The demo street: homes and companies that trade on a local chain, with real processes for everything else.

`python -m scripts.street --help` tells the options; `make demo` starts it.
"""
