"""What an account used up of its certificates: in the days that the app keeps, and before them by the indexer."""

from dataclasses import dataclass

from net8.packing import certificate_id

from net8_web import indexer
from net8_web.feed import View
from net8_web.older import ask_older

__all__ = ["Use", "latest", "retired_by"]


@dataclass(frozen=True, slots=True)
class Use:
    """Part of a certificate that was used up for good."""

    certificate: int
    wh: int
    beneficiary: str
    purpose: str


def _kept(view: View, account: str) -> list[Use]:
    """Newest first."""
    return [
        Use(certificate_id(one.site, one.hour), one.wh, one.beneficiary, one.purpose)
        for one in reversed(view.market.retirements)
        if one.account == account
    ]


def retired_by(view: View, account: str) -> tuple[int, str | None]:
    """Wh that an account used up in all; and why what is older is missing, where it may be."""
    kept = sum(one.wh for one in _kept(view, account))
    older = ask_older(view, lambda url: indexer.retired_before(url, account, view.market.since))
    return kept + (older.told or 0), older.reason


def latest(view: View, account: str, most: int) -> list[Use]:
    """The newest of what it used up."""
    found = _kept(view, account)[:most]
    if len(found) < most:
        older = ask_older(view, lambda url: indexer.latest_retirements(url, account, most))
        found += [
            Use(int(one.id), one.wh, one.beneficiary, one.purpose)
            for one in older.told or []
            if one.time < view.market.since
        ]
    return found[:most]
