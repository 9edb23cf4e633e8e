"""How often the live parts of a page look for news."""

__all__ = ["LIVE_SECONDS"]

LIVE_SECONDS = 1.5  # the shared snapshot is what they read, so a look costs a millisecond, not a call to the chain
