"""How often the live parts of a page look for news."""

__all__ = ["FORM_SECONDS", "LIVE_SECONDS"]

LIVE_SECONDS = 1.5  # the shared snapshot is what they read, so a look costs a millisecond, not a call to the chain
FORM_SECONDS = 3.0  # forms look too: the book moves under them, and a reply that a re-run swallowed is caught up with
