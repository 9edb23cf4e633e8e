"""NET8 oracle: the gateway beside a meter and the node that reports readings to the chain."""
