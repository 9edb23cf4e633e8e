"""NET8 web app."""
