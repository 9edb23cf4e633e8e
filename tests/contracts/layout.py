"""A compiler's storage layout, by name."""

from typing import Any

__all__ = ["flat"]


def flat(layout: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """{"module.variable": its entry}, in the order of the slots."""
    found: dict[str, dict[str, Any]] = {}
    for name, entry in layout.items():
        if "slot" in entry:
            found[prefix + name] = entry
        else:
            found |= flat(entry, f"{prefix}{name}.")
    return found
