"""Refusals of the contracts in the session's language."""

from net8.errors import Refused

from net8_web.i18n import language

__all__ = ["sentence"]


def sentence(reason: str | Refused) -> str:
    """What a contract's reason means and what to do; the SDK's own tables of `net8/reasons`."""
    refused = reason if isinstance(reason, Refused) else Refused(reason, "NET8")
    try:
        return refused.sentence(language())
    except FileNotFoundError:
        return refused.sentence()
